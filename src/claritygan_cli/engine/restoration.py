"""Restoration: the only way from an estimate to finished pixels, for photos, videos and losses.

Four steps, which :func:`restore` takes one after the other and which callers may take apart:

1. :func:`claritygan_cli.engine.refinement.predict`: the network, perhaps several times;
2. :func:`claritygan_cli.engine.refinement.refine`: bounds and smoothing of the small maps (videos then average them);
3. :func:`prepare`: the maps made ready for full size;
4. ``rows`` of what that returns: the pixels, in bands of rows, so that big photos need little memory.
"""

import math
from abc import ABC, abstractmethod
from typing import Protocol

import torch
from torch import Tensor

from claritygan_cli.engine.amounts import AddHaze, Amount, RemoveHaze
from claritygan_cli.engine.denoising import WINDOW_RADIUS, denoise
from claritygan_cli.engine.estimate import (
    LEAST_TRANSMISSION,
    DepthEstimate,
    Estimate,
    HazeEstimate,
    TranslationEstimate,
)
from claritygan_cli.engine.refinement import refine
from claritygan_cli.engine.resampling import luma, upsample_rows
from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.engine.scattering import transmission
from claritygan_cli.engine.scattering_maps import GAINS, ScatteringMaps
from claritygan_cli.engine.upsampling import GuidedUpsampling


def gain_curve(t: Tensor, config: RestorationConfig) -> Tensor:
    """The transmission to divide by: ``t`` itself down to ``full_gain_transmission``; in denser haze the gain ``1 / t``
    stays, and falls back to 1 at ``no_gain_transmission``.

    Where hardly anything shows, as in the sky, a division would bring up what is uneven in the haze itself.
    """
    full, none = config.full_gain_transmission, config.no_gain_transmission
    if not full:
        return t
    gain = t.clamp_min(full).reciprocal()
    if none:
        hidden = ((full - t) / (full - none)).clamp(0, 1)
        gain = torch.lerp(gain, torch.ones_like(t), hidden)
    return gain.reciprocal()


class Restoration(Protocol):
    """An estimate that is ready for the rows of its full-size picture.

    Attributes:
        margin: rows above and below that have a say in how a row comes out.
    """

    margin: int

    def rows(self, image: Tensor, height: int, top: int) -> Tensor:
        """Finished rows.

        Args:
            image: (N, 3, h, W) in [0, 1], rows ``top`` to ``top + h`` of the picture.
            height: rows of the whole picture.
            top: index of the first row given.

        Returns:
            (N, 3, h, W) in [0, 1].
        """
        ...


class Scattering(ABC):
    """Haze taken out or put in: the change ``(gain - 1) * (picture - airlight)`` is added to the picture.

    That is linear in the colours, so it may be made in any linear coding of them, such as the Y, U, V of videos:
    there the caller takes :meth:`gain` and :meth:`chroma_gain` for the planes. What the gain applies to is the
    picture without its noise, which is neither amplified nor faded.

    Args:
        values: (N, 1, h, w), the small map that the gain follows. guide: (N, 1, h, w), luma of the small picture.
        airlight: (N, 3, 1, 1) or (N, 3, h', w') in [0, 1].

    Attributes:
        noise_deviation: see :func:`claritygan_cli.engine.denoising.denoise`.
        span: least and greatest value of the map at full size.
        most_chroma_gain: the most that what makes colours differ from their luma is multiplied by.
    """

    margin = 0
    noise_deviation = 0.0
    span = (0.0, 1.0)
    most_chroma_gain = math.inf

    def __init__(self, guide: Tensor, values: Tensor, airlight: Tensor, config: RestorationConfig) -> None:
        self.airlight = airlight
        self._upsampled = GuidedUpsampling(guide, values, config.upsampling_radius, config.upsampling_eps)

    @abstractmethod
    def gain_of(self, values: Tensor) -> Tensor:
        """The gain where the map has these values, which lie in ``span``."""

    def gain(self, guide: Tensor, height: int, top: int) -> Tensor:
        """What differences from the airlight are multiplied by, for rows of the picture.

        Args:
            guide: (N, 1, h, W), luma of these rows. height, top: as in :meth:`Restoration.rows`.
        """
        return self.gain_of(self._upsampled.rows(guide, height, top).clamp(*self.span))

    def chroma_gain(self, gain: Tensor) -> Tensor:
        """The gain of what makes colours differ from their luma, where luma has ``gain``, which is not changed."""
        return gain if self.most_chroma_gain is math.inf else gain.clamp_max(self.most_chroma_gain)

    def tables(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The arrays of :class:`ScatteringMaps`, of the only picture of the estimate."""
        offset = self._upsampled.offset[0, 0]
        slope = torch.zeros_like(offset) if self._upsampled.slope is None else self._upsampled.slope[0, 0]
        gains = self.gain_of(torch.linspace(*self.span, GAINS, dtype=torch.float64, device=offset.device))
        return slope, offset, self.airlight[0], gains.float()

    def numbers(self) -> tuple[float, float, float, float]:
        """The numbers of :class:`ScatteringMaps`."""
        return *self.span, self.most_chroma_gain, self.noise_deviation

    def maps(self) -> ScatteringMaps:
        """What :mod:`claritygan_cli.engine.fused_pass` needs to do the same to the only picture of the estimate."""
        slope, offset, airlight, gains = (table.cpu().float().numpy() for table in self.tables())
        return ScatteringMaps(slope, offset, airlight, gains, *self.numbers())

    def airlight_rows(self, height: int, width: int, top: int, bottom: int) -> Tensor:
        """The airlight of rows of the full-size picture: (N, 3, 1, 1), or (N, 3, bottom - top, width)."""
        if self.airlight.shape[2:] == (1, 1):
            return self.airlight
        return upsample_rows(self.airlight, (height, width), top, bottom)

    def change(self, denoised: Tensor, height: int, top: int) -> Tensor:
        """What is to be added to rows of the picture, given without their noise: (N, 3, h, W) in [0, 1]."""
        gain = self.gain(luma(denoised), height, top)
        chroma = self.chroma_gain(gain)
        difference = denoised - self.airlight_rows(height, denoised.shape[3], top, top + denoised.shape[2])
        if chroma is gain:
            return difference.mul_(gain - 1)
        extra = luma(difference).mul_(gain - chroma)
        return difference.mul_(chroma - 1).add_(extra)

    def rows(self, image: Tensor, height: int, top: int) -> Tensor:
        """See :meth:`Restoration.rows`."""
        return self.change(image, height, top).add_(image).clamp_(0, 1)


class HazeRemoval(Scattering):
    """An estimated haze, to be divided out.

    Args:
        guide: (N, 1, h, w), luma of the small picture, as that of the full-size picture will be given.
        estimate: refined, see :func:`refine`.
        strength: scales the optical depth that is taken out.
    """

    def __init__(self, guide: Tensor, estimate: HazeEstimate, config: RestorationConfig, strength: float = 1.0) -> None:
        super().__init__(guide, gain_curve(estimate.transmission, config), estimate.airlight, config)
        self.strength, self.noise_deviation = strength, config.noise_deviation
        self.margin = WINDOW_RADIUS if config.noise_deviation else 0
        self.span = max(LEAST_TRANSMISSION, config.full_gain_transmission), 1.0
        if config.chroma_gain_transmission:
            self.most_chroma_gain = config.chroma_gain_transmission**-strength

    def gain_of(self, values: Tensor) -> Tensor:
        """See :class:`Scattering`: ``1 / t``, by the gain curve."""
        return values.pow(-self.strength)

    def rows(self, image: Tensor, height: int, top: int) -> Tensor:
        """See :meth:`Restoration.rows`."""
        return self.change(denoise(image, self.noise_deviation), height, top).add_(image).clamp_(0, 1)


class HazeAddition(Scattering):
    """Haze to put in front of an estimated depth.

    Args:
        guide: (N, 1, h, w), luma of the small picture. estimate: refined.
        density: haze per unit of depth; a number or (N, 1, 1, 1). airlight: (N, 3, 1, 1) in [0, 1].
    """

    def __init__(
        self,
        guide: Tensor,
        estimate: DepthEstimate,
        config: RestorationConfig,
        density: Tensor | float,
        airlight: Tensor,
    ) -> None:
        super().__init__(guide, estimate.depth, airlight, config)
        self.density = density

    def gain_of(self, values: Tensor) -> Tensor:
        """See :class:`Scattering`: ``t = exp(-density * depth)``."""
        return transmission(values, self.density)


class Translation:
    """A finished small translation, carried to full size with the photo's own detail.

    Each colour channel guides itself (as in Wu et al., "Fast End-to-End Trainable Guided Filter", CVPR 2018). Where the
    photo has the small picture's size, the small translation is the result.

    Args:
        small: (N, 3, h, w), the picture that was translated.
        strength: blends from the photo (0) to its translation (1) and beyond.
    """

    margin = 0

    def __init__(
        self, small: Tensor, estimate: TranslationEstimate, config: RestorationConfig, strength: float = 1.0
    ) -> None:
        self.image, self.strength = estimate.image.float(), strength
        self._upsampled = GuidedUpsampling(small, self.image, config.upsampling_radius, config.upsampling_eps)

    def rows(self, image: Tensor, height: int, top: int) -> Tensor:
        """See :meth:`Restoration.rows`."""
        if (height, image.shape[3]) == tuple(self.image.shape[2:]):
            translated = self.image[:, :, top : top + image.shape[2]]
        else:
            translated = self._upsampled.rows(image, height, top)
        return torch.lerp(image, translated, self.strength).clamp(0, 1)


def prepare(
    small: Tensor,
    estimate: Estimate,
    config: RestorationConfig,
    amount: Amount | None = None,
    guide: Tensor | None = None,
) -> Restoration:
    """An estimate made ready for its full-size picture.

    Args:
        small: (N, 3, h, w), the picture that the estimate is of.
        estimate: refined, see :func:`refine`.
        amount: of haze; None for the defaults of the estimate's kind.
        guide: (N, 1, h, w), its luma, where that is another than ITU-R BT.601's.

    Raises:
        TypeError: haze cannot be taken out by a depth, nor put in by an estimate of haze.
    """
    guide = luma(small) if guide is None else guide
    if isinstance(estimate, HazeEstimate) and not isinstance(amount, AddHaze):
        return HazeRemoval(guide, estimate, config, (amount or RemoveHaze()).strength)
    if isinstance(estimate, DepthEstimate) and not isinstance(amount, RemoveHaze):
        haze = amount or AddHaze()
        airlight = torch.as_tensor(haze.airlight, device=small.device).reshape(1, 3, 1, 1)
        return HazeAddition(guide, estimate, config, haze.density, airlight)
    if isinstance(estimate, TranslationEstimate) and not isinstance(amount, AddHaze):
        return Translation(small, estimate, config, (amount or RemoveHaze()).strength)
    raise TypeError(f"{type(estimate).__name__} does not go with {type(amount).__name__}")


def full_size_map(image: Tensor, small: Tensor, values: Tensor, config: RestorationConfig) -> Tensor:
    """A map (N, 1, h, w) of the small picture at the size of the picture: (N, 1, H, W)."""
    upsampled = GuidedUpsampling(luma(small), values, config.upsampling_radius, config.upsampling_eps)
    return upsampled.rows(luma(image), image.shape[2], 0)


def full_size_transmission(image: Tensor, small: Tensor, estimate: HazeEstimate, config: RestorationConfig) -> Tensor:
    """The transmission (N, 1, H, W) of a refined estimate, in [LEAST_TRANSMISSION, 1]; no gain curve is applied."""
    return full_size_map(image, small, estimate.transmission, config).clamp(LEAST_TRANSMISSION, 1)


def restore(
    image: Tensor, small: Tensor, estimate: Estimate, config: RestorationConfig, amount: Amount | None = None
) -> Tensor:
    """The finished picture, from a network's estimate.

    With ``RestorationConfig.plain()`` and a haze estimate this is ``(I - A) / t + A``, clamped to [0, 1].

    Args:
        image: (N, 3, H, W) in [0, 1].
        small: (N, 3, h, w), the copy of it that the estimate was predicted from.
        estimate: as :func:`predict` returns it.
        amount: of haze; None for the defaults of the estimate's kind.

    Returns:
        (N, 3, H, W) in [0, 1].
    """
    return prepare(small, refine(small, estimate, config), config, amount).rows(image, image.shape[2], 0)
