"""The Python API: what the commands do to photos, for PIL images and numpy arrays.

An image gives an image of its kind: a PIL image a PIL image, an array an array of its shape and type. Arrays are grey,
(H, W) or (H, W, 1), RGB, (H, W, 3), or RGB with alpha, (H, W, 4), of uint8, uint16, or floats in [0, 1]; alpha is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from PIL import Image

from claritygan_cli.engine.amounts import AddHaze, Amount, RemoveHaze
from claritygan_cli.engine.estimate import summary_of
from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.errors import UsageError
from claritygan_cli.media.picture import to_grey
from claritygan_cli.models.finding import find_card
from claritygan_cli.models.image_translator import ImageTranslator
from claritygan_cli.models.kinds import Direction
from claritygan_cli.models.loading import load_translator

Picture = TypeVar("Picture", bound=Image.Image | np.ndarray)
FLOAT_LEVELS = 65535
"""Floats are worked on as 16-bit numbers, as the commands work on 16-bit photos."""
MODELS_KEPT = 4
MODES = ("L", "RGB", "RGBA")
"""Modes of PIL images that are understood."""
Airlight = float | tuple[float, float, float]


@dataclass(frozen=True)
class Haze:
    """The haze of a photo.

    Attributes:
        transmission: (H, W) float32 in (0, 1], the share of the scene's light that reaches the camera.
        airlight: (3,) float32 in [0, 1], RGB, the mean colour of the haze.
        mean_transmission: over the photo, in (0, 1].
        hazy: whether it is hazy at all.
    """

    transmission: np.ndarray
    airlight: np.ndarray
    mean_transmission: float
    hazy: bool


@dataclass(frozen=True)
class Model:
    """A model that is loaded; what the functions of this module take as ``model``.

    Attributes:
        direction: ``dehaze`` or ``hazify``.
    """

    translator: ImageTranslator
    direction: Direction


@lru_cache(MODELS_KEPT)
def _default_model(direction: Direction, device: str) -> Model:
    return Model(load_translator(direction, device=device), direction)


def load_model(
    name: str | Path,
    device: str = "auto",
    restoration: RestorationConfig | None = None,
    working_size: int | None = None,
) -> Model:
    """A bundled model by its name, a weights file, or the dehazer of a run's folder.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        restoration: what is done with its estimates; None for what its model card says.
        working_size: longest side, in pixels, at which the network sees photos; None for its own.

    Raises:
        ModelError, UsageError: there is no such model or device, or the file is damaged.
    """
    direction = find_card(str(name)).direction
    translator = load_translator(direction, str(name), device, working_size=working_size)
    if restoration is not None:
        translator = ImageTranslator(translator.generator, translator.device, restoration, translator.working_size)
    return Model(translator, direction)


def _model(model: Model | str | Path | None, direction: Direction, device: str) -> ImageTranslator:
    found = _default_model(direction, device) if model is None else model
    found = found if isinstance(found, Model) else load_model(found, device)
    if found.direction != direction:
        raise UsageError(f"this model is for {found.direction!r}, not for {direction!r}")
    return found.translator


def _levels(colour: np.ndarray) -> np.ndarray:
    """(H, W, 1 or 3) as (H, W, 3) of uint8 or uint16."""
    if colour.dtype.kind == "f":
        if not (np.isfinite(colour).all() and colour.min() >= 0 and colour.max() <= 1):
            raise ValueError("floats must lie in [0, 1]")
        colour = np.round(colour * FLOAT_LEVELS).astype(np.uint16)
    if colour.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"arrays must be of uint8, uint16 or floats, not {colour.dtype}")
    return np.ascontiguousarray(np.broadcast_to(colour, (*colour.shape[:2], 3)))


def _through(array: np.ndarray, translate: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """An array translated, with its shape, its type and its alpha."""
    planes = array[..., None] if array.ndim == 2 else array
    if planes.ndim != 3 or planes.shape[2] not in (1, 3, 4) or 0 in planes.shape:
        raise ValueError(f"arrays must be (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {array.shape}")
    colour, alpha = planes[..., :3], planes[..., 3:]
    result = translate(_levels(colour))
    if colour.shape[2] == 1:
        result = to_grey(result)[..., None]
    if array.dtype.kind == "f":
        result = (result / FLOAT_LEVELS).astype(array.dtype)
    return np.concatenate([result, alpha], 2).reshape(array.shape)


def _of_kind(image: Picture, translate: Callable[[np.ndarray], np.ndarray]) -> Picture:
    if isinstance(image, np.ndarray):
        return cast(Picture, _through(image, translate))
    if not isinstance(image, Image.Image):
        raise TypeError(f"an image must be a PIL image or a numpy array, not {type(image).__name__}")
    if image.mode in MODES:
        result = Image.fromarray(_through(np.asarray(image), translate))
        result.info = dict(image.info)
        return cast(Picture, result)
    raise TypeError(f"PIL images must be of mode L, RGB or RGBA, not {image.mode}: convert it first")


def dehaze(
    image: Picture, strength: float = 1.0, model: Model | str | Path | None = None, device: str = "auto"
) -> Picture:
    """The image without its haze.

    Args:
        strength: 0 leaves it as it is, 1 takes out the haze seen, above: more.
        model: from :func:`load_model`, or what that takes; None for the bundled dehazer.

    Raises:
        TypeError, ValueError: the image is of a kind that is not supported, or the strength is negative.
        ModelError, UsageError: as :func:`load_model`, or the model is a hazifier.
    """
    if not 0 <= strength < float("inf"):
        raise ValueError(f"strength must be a number of 0 or more, not {strength}")
    translator, amount = _model(model, "dehaze", device), RemoveHaze(strength)
    return _of_kind(image, lambda pixels: translator(pixels, amount))


def hazify(
    image: Picture,
    density: float = 1.2,
    airlight: Airlight = 0.9,
    model: Model | str | Path | None = None,
    device: str = "auto",
) -> Picture:
    """The image with haze put in, thicker with distance.

    Args:
        density: haze up to the farthest point, 0 or more; 0.6 is light, 3 heavy.
        airlight: colour of the haze in [0, 1]: a grey, or red, green and blue.
        model: as for :func:`dehaze`; None for the bundled hazifier.

    Raises:
        TypeError, ValueError: the image, the density or the airlight are not as they must be.
        ModelError, UsageError: as :func:`load_model`, or the model is a dehazer.
    """
    red, green, blue = airlight if isinstance(airlight, tuple) else (airlight,) * 3
    if not 0 <= density < float("inf") or not all(0 <= value <= 1 for value in (red, green, blue)):
        raise ValueError(f"density must be 0 or more and airlight within [0, 1], not {density} and {airlight}")
    translator = _model(model, "hazify", device)
    amount: Amount = AddHaze(density, (red, green, blue))
    return _of_kind(image, lambda pixels: translator(pixels, amount))


def estimate_haze(
    image: Image.Image | np.ndarray, model: Model | str | Path | None = None, device: str = "auto"
) -> Haze:
    """The haze of an image, as the dehazer sees it, at the image's own size.

    Raises:
        TypeError, ValueError, ModelError, UsageError: as :func:`dehaze`, or the model has no estimate of haze.
    """
    translator = _model(model, "dehaze", device)
    found: list[Haze] = []

    def note(pixels: np.ndarray) -> np.ndarray:
        estimate, t = translator.full_size_transmission(pixels)
        summary = summary_of(estimate)
        airlight = np.array(summary.airlight, np.float32)
        found.append(Haze(t, airlight, summary.transmission, summary.hazy))
        return pixels

    _of_kind(image, note)
    return found[0]
