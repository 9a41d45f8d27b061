"""What a network read in the small picture, carried to full size and applied to the photo's rows."""

from collections.abc import Callable
from functools import cached_property
from typing import Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from claritygan_cli.engine.denoising import WINDOW_RADIUS, denoise
from claritygan_cli.engine.guided_filter import guided_coefficients, upsample_rows
from claritygan_cli.engine.scattering import add_haze, haze_density, transmission

GUIDE_RADIUS = 2
MAP_EPS, COLOUR_EPS = 0.01, 1e-4
"""Of the guided filters that give full size its detail; where luma varies by far less than 0.1, maps get none of it."""
MIN_TRANSMISSION = 0.05
"""Of the densest haze that a dehazer may see."""
FULL_GAIN_TRANSMISSION = 0.25
"""Of the densest haze that is taken out whole; what shows through a denser one would be brought up with its noise."""
NO_GAIN_TRANSMISSION = 0.1
"""Of haze through which nothing is seen, and which stays."""
CHROMA_GAIN_TRANSMISSION = 0.4
"""Of the densest haze behind which colours, apart from luma, are brought up whole; beyond it they are mostly casts."""


class Upsampled(Protocol):
    """What a generator read at the working size, ready for the full-size picture.

    Attributes:
        margin: rows above and below that have a say in how a row is translated.
    """

    margin: int

    def rows(self, image: Tensor, height: int, top: int) -> Tensor:
        """Translate rows of the full-size picture.

        Args:
            image: (N, 3, h, W) in [0, 1], rows ``top`` to ``top + h`` of the picture.
            height: rows of the whole picture.
            top: index of the first row given.

        Returns:
            (N, 3, h, W) in [0, 1].
        """
        ...


def grey(image: Tensor) -> Tensor:
    """Luma of (N, 3, H, W) as (N, 1, H, W), ITU-R BT.601 weights."""
    return image[:, 0:1] * 0.299 + image[:, 1:2] * 0.587 + image[:, 2:3] * 0.114


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, antialiased resize of (N, C, H, W) to ``size``; the picture itself where it has that size."""
    if tuple(image.shape[2:]) == tuple(size):
        return image
    return F.interpolate(image, size=size, mode="bilinear", align_corners=False, antialias=True)


class GuidedUpsampling:
    """Maps, carried to full size with the photo's own fine edges.

    What the small maps show stays as it is; finer detail is the guide's, times the slope ``a`` of the guided filter,
    whose own offset would blur the maps by its window.

    Args:
        guide: (N, C, h, w), the small picture or its luma.
        target: (N, C, h', w'), the maps, each guided by its own channel.
        eps: see :func:`guided_coefficients`.
    """

    def __init__(self, guide: Tensor, target: Tensor, eps: float) -> None:
        guide = resize(guide.float(), (target.shape[2], target.shape[3]))
        self.a, _ = guided_coefficients(guide, target, GUIDE_RADIUS, eps)
        self.b = target - self.a * guide

    def rows(self, guide: Tensor, height: int, top: int) -> Tensor:
        """The maps for rows of the full-size picture, given as the small one was: (N, C, h, W)."""
        size, bottom = (height, guide.shape[3]), top + guide.shape[2]
        a = upsample_rows(self.a, size, top, bottom)
        return a * guide + upsample_rows(self.b, size, top, bottom)


class HazeEstimate:
    """A map that a scattering generator read, and the change ``airlight + gain * (image - airlight)`` that it makes.

    That is linear in the colours, so it may be applied in any linear coding of them, such as the Y, U, V of videos.
    What makes colours differ from their luma may have a gain of its own.

    Attributes:
        guide: (N, 1, h, w), luma of the small picture.
        values: (N, 1, h', w'), the map.
        airlight: (N, 3, 1, 1) in [0, 1].
        gain: of rows of the picture, given their luma (N, 1, h, W), the picture's height and the first row's index.
        rows, margin: see :class:`Upsampled`.
    """

    margin = 0
    gain: Callable[..., Tensor]
    rows: Callable[..., Tensor]

    def __init__(self, guide: Tensor, values: Tensor, airlight: Tensor) -> None:
        self.guide, self.values, self.airlight = guide, values, airlight

    @cached_property
    def _lift(self) -> GuidedUpsampling:
        return GuidedUpsampling(self.guide, self.values, MAP_EPS)

    def changed(self, guide: Tensor, values: Tensor, airlight: Tensor) -> Self:
        """The same for another picture or another map."""
        return type(self)(guide, values, airlight)

    def chroma_gain(self, gain: Tensor, **_knobs: Tensor | float | None) -> Tensor:
        """The gain of chroma where luma has ``gain``, which is not changed; parameters as in ``gain``."""
        return gain

    def change(self, image: Tensor, luma: Tensor, height: int, top: int, **parameters: Tensor | float | None) -> Tensor:
        """What is to be added to rows of the picture; arguments as in ``gain``, ``image``: (N, 3, h, W) in [0, 1]."""
        gain = self.gain(luma, height, top, **parameters)
        chroma = self.chroma_gain(gain, **parameters)
        difference = image - self.airlight
        if chroma is gain:
            return difference.mul_(gain - 1)
        extra = grey(difference).mul_(gain - chroma)
        return difference.mul_(chroma - 1).add_(extra)


def bounded_transmission(t: Tensor) -> Tensor:
    """The transmission to divide by: ``t`` itself down to FULL_GAIN_TRANSMISSION; in denser haze the gain ``1 / t`` falls back to 1.

    Where hardly anything shows, as in the sky, a division would bring up what is uneven in the haze itself.

    Args:
        t: of the haze, in [MIN_TRANSMISSION, 1].
    """
    hidden = ((FULL_GAIN_TRANSMISSION - t) / (FULL_GAIN_TRANSMISSION - NO_GAIN_TRANSMISSION)).clamp(0, 1)
    return torch.lerp(t.clamp_min(FULL_GAIN_TRANSMISSION).reciprocal(), torch.ones_like(t), hidden).reciprocal()


class DehazeEstimate(HazeEstimate):
    """The haze that a dehazer read: transmission in [MIN_TRANSMISSION, 1] and airlight, to be divided out.

    Noise, and what is as faint, is not divided, or it would be brought up from behind dense haze.
    """

    margin = WINDOW_RADIUS

    @cached_property
    def _bounded_transmission(self) -> GuidedUpsampling:
        return GuidedUpsampling(self.guide, bounded_transmission(self.values), MAP_EPS)

    def map(self, image: Tensor, height: int, top: int) -> Tensor:
        """Transmission (N, 1, h, W) for rows of the full-size picture."""
        return self._lift.rows(grey(image), height, top).clamp(MIN_TRANSMISSION, 1)

    def gain(self, luma: Tensor, height: int, top: int, strength: float = 1.0) -> Tensor:
        """See :class:`HazeEstimate`; ``strength`` as in :func:`remove_haze`."""
        t = self._bounded_transmission.rows(luma, height, top).clamp(FULL_GAIN_TRANSMISSION, 1)
        return t.reciprocal() if strength == 1 else t.pow(-strength)

    def chroma_gain(self, gain: Tensor, strength: float = 1.0) -> Tensor:  # type: ignore[override]
        """See :class:`HazeEstimate`; no more than CHROMA_GAIN_TRANSMISSION asks for."""
        most = CHROMA_GAIN_TRANSMISSION**-strength
        return gain.clamp_max(most) if (gain > most).any() else gain

    def rows(self, image: Tensor, height: int, top: int, strength: float = 1.0) -> Tensor:
        """Dehazed rows; ``strength`` as in :func:`remove_haze`."""
        luma = grey(image)
        return self.change(denoise(image, luma), luma, height, top, strength=strength).add_(image).clamp_(0, 1)

    @property
    def density(self) -> Tensor:
        """(N, 1, 1, 1), see :func:`haze_density`."""
        return haze_density(self.values)


class HazifyEstimate(HazeEstimate):
    """The depth in [0, 1] that a hazifier read, 1 the farthest, and the haze to put in front of it."""

    density: Tensor | float = 1.2

    def map(self, image: Tensor, height: int, top: int) -> Tensor:
        """Depth (N, 1, h, W) for rows of the full-size picture."""
        return self._lift.rows(grey(image), height, top).clamp(0, 1)

    def gain(self, luma: Tensor, height: int, top: int, density: Tensor | float | None = None) -> Tensor:
        """See :class:`HazeEstimate`; ``density`` as in :meth:`rows`."""
        depth = self._lift.rows(luma, height, top).clamp_(0, 1)
        return transmission(depth, self.density if density is None else density)

    def rows(
        self,
        image: Tensor,
        height: int,
        top: int,
        density: Tensor | float | None = None,
        airlight: Tensor | float | None = None,
    ) -> Tensor:
        """Hazy rows.

        Args:
            density: haze per unit of depth, >= 0; a number or (N, 1, 1, 1).
            airlight: colour of the haze in [0, 1]; a number or (N, 3, 1, 1).
        """
        depth = self.map(image, height, top)
        density = self.density if density is None else density
        airlight = self.airlight if airlight is None else airlight
        return add_haze(image, transmission(depth, density), torch.as_tensor(airlight, device=image.device)).clamp(0, 1)


class TranslationEstimate:
    """A finished small translation, carried to full size with the photo's own detail.

    Each colour channel guides itself (as in Wu et al., "Fast End-to-End Trainable Guided Filter", CVPR 2018). Where the
    photo has the small picture's size, the small translation is the result.
    """

    margin = 0

    def __init__(self, small: Tensor, translated: Tensor) -> None:
        self.small, self.translated = small, translated

    @cached_property
    def _lift(self) -> GuidedUpsampling:
        return GuidedUpsampling(self.small, self.translated.float(), COLOUR_EPS)

    def rows(self, image: Tensor, height: int, top: int, strength: float = 1.0) -> Tensor:
        """Translated rows; ``strength`` blends from the photo (0) to its translation (1) and beyond."""
        if (height, image.shape[3]) == tuple(self.translated.shape[2:]):  # as in training: nothing to carry anywhere
            translated = self.translated[:, :, top : top + image.shape[2]]
        else:
            translated = self._lift.rows(image, height, top)
        return torch.lerp(image, translated, strength).clamp(0, 1)
