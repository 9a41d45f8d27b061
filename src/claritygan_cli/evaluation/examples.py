"""Example photos that need no download: scikit-image's own, hazified.

``motorcycle`` (Middlebury 2014) has measured disparity, so its haze is physically exact; the others get theirs from a
hazifier's depth.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import skimage.data
from scipy import ndimage

from claritygan_cli.engine.amounts import AddHaze
from claritygan_cli.models.photo_translator import PhotoTranslator

PHOTOS = ("rocket", "coffee", "astronaut", "chelsea")
DENSITY, AIRLIGHT = 1.3, 0.88
DISPARITY_OFFSET = 31.086
"""Column offset between the two cameras' centres in the motorcycle scene's calibration (``doffs``, at quarter size)."""


@dataclass(frozen=True)
class Example:
    """A clear photo and a hazy copy of it, (H, W, 3) uint8 each; ``measured``: the haze follows measured depth."""

    name: str
    clear: np.ndarray
    hazy: np.ndarray
    measured: bool


def motorcycle_depth(disparity: np.ndarray) -> np.ndarray:
    """Relative depth (H, W), 1 the farthest: inverse of disparity; holes take the nearest known value."""
    unknown = ~np.isfinite(disparity)
    nearest = ndimage.distance_transform_edt(unknown, return_distances=False, return_indices=True)
    depth = 1 / (disparity[tuple(nearest)] + DISPARITY_OFFSET)
    return depth / depth.max()


def add_exact_haze(clear: np.ndarray, depth: np.ndarray, density: float, airlight: float) -> np.ndarray:
    """``I = J t + A (1 - t)``, ``t = exp(-density * depth)``, for (H, W, 3) uint8 and (H, W)."""
    t = np.exp(-density * depth)[..., None]
    return np.round(clear * t + 255 * airlight * (1 - t)).astype(np.uint8)


def examples(hazifier: PhotoTranslator) -> Iterator[Example]:
    """The example photos, one after the other; the same for the same hazifier."""
    for name in PHOTOS:
        clear = np.ascontiguousarray(getattr(skimage.data, name)())
        yield Example(name, clear, hazifier(clear, AddHaze(DENSITY, (AIRLIGHT, AIRLIGHT, AIRLIGHT))), measured=False)
    clear, _, disparity = skimage.data.stereo_motorcycle()
    hazy = add_exact_haze(clear, motorcycle_depth(disparity), DENSITY, AIRLIGHT)
    yield Example("motorcycle", np.ascontiguousarray(clear), hazy, measured=True)
