"""The generators and their one contract.

Every generator maps (N, 3, H, W) in [0, 1] to the same shape and range, for any H, W >= 1. It does so in two steps,
which callers may also take apart to translate photos of any size in little memory:

1. ``look(small)`` reads a picture at the working size and returns a :class:`Lift`;
2. the lift is applied to the rows of the full-size picture.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from claritygan_cli.engine.calm import REACH, calm
from claritygan_cli.engine.guided_filter import guided_coefficients, upsample_rows
from claritygan_cli.engine.haze_unet import HazeUNet
from claritygan_cli.engine.resnet import ResnetBody, Variant
from claritygan_cli.engine.scattering import add_haze, haze_density, transmission

WIDTHS, BLOCKS = (32, 64, 128, 144, 176), (0, 2, 3, 3, 1)
"""Of a scattering generator's U-Net, level by level."""
SMOOTH_RADIUS, SMOOTH_EPS = 3, 1e-3
"""Of the guided filter that smooths a map at its own size."""
GUIDE_RADIUS = 2
MAP_EPS, COLOUR_EPS = 0.01, 1e-4
"""Of the guided filters that give full size its detail; where luma varies by far less than 0.1, maps get none of it."""
AIRLIGHT = 0.9
"""Of the haze that is put in where nobody asks for another."""
MIN_TRANSMISSION = 0.05
"""Of the densest haze that a dehazer may see."""
FAINTEST = 0.25
"""Of the densest haze that is taken out whole; what shows through a denser one would be brought up with its noise."""
DARKEST = 0.03
"""No channel of a dehazed picture is meant to come out darker, seen at the size of the map, before that is smoothed."""


class Lift(Protocol):
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


def working_shape(height: int, width: int, working_size: int, multiple: int) -> tuple[int, int]:
    """Size at which a network looks at a picture: longest side ``working_size``, or the picture's if that is less.

    Both sides are rounded to the nearest ``multiple``, one at least.
    """
    scale = min(1.0, working_size / max(height, width))
    return (
        max(multiple, round(height * scale / multiple) * multiple),
        max(multiple, round(width * scale / multiple) * multiple),
    )


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, antialiased resize of (N, C, H, W) to ``size``; the picture itself where it has that size."""
    if tuple(image.shape[2:]) == tuple(size):
        return image
    return F.interpolate(image, size=size, mode="bilinear", align_corners=False, antialias=True)


def start_at(layer: nn.Module, value: float) -> None:
    """Let a layer put out a constant at first."""
    for name, parameter in layer.named_parameters():
        nn.init.constant_(parameter, value if name == "bias" else 0.0)


class MapLift:
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


class HazeLift:
    """A map that a scattering generator read, and the change ``airlight + gain * (image - airlight)`` that it makes.

    That is linear in the colours, so it may be applied in any linear coding of them, such as the Y, U, V of films.

    Attributes:
        guide: (N, 1, h, w), luma of the small picture.
        values: (N, 1, h', w'), the map.
        airlight: (N, 3, 1, 1) or a number, in [0, 1].
        gain: of rows of the picture, given their luma (N, 1, h, W), the picture's height and the first row's index.
        rows, margin: see :class:`Lift`.
    """

    margin = 0
    gain: Callable[..., Tensor]
    rows: Callable[..., Tensor]

    def __init__(self, guide: Tensor, values: Tensor, airlight: Tensor | float) -> None:
        self.guide, self.values, self.airlight = guide, values, airlight

    @cached_property
    def _lift(self) -> MapLift:
        return MapLift(self.guide, self.values, MAP_EPS)

    def changed(self, guide: Tensor, values: Tensor, airlight: Tensor | float) -> Self:
        """The same for another picture or another map."""
        return type(self)(guide, values, airlight)


class Generator(nn.Module, ABC):
    """Base of the generators: whole-picture ``forward`` in terms of ``look``.

    Attributes:
        working_size: longest side, in pixels, of the picture that the network looks at.
        multiple: what the sides of that picture are multiples of.
    """

    working_size: int
    multiple: int

    @abstractmethod
    def look(self, small: Tensor) -> Lift:
        """Read a picture (N, 3, h, w) in [0, 1], h and w multiples of ``multiple``."""

    def shrink(self, image: Tensor) -> Tensor:
        """The picture as the network looks at it."""
        return resize(image, working_shape(image.shape[2], image.shape[3], self.working_size, self.multiple))

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, H, W) in [0, 1]; any H, W >= 1."""
        return self.look(self.shrink(image)).rows(image, image.shape[2], 0)


class DehazeLift(HazeLift):
    """The haze that a dehazer read: transmission in [MIN_TRANSMISSION, 1] and airlight, to be divided out.

    Noise, and what is as faint, is not divided, or it would be brought up from behind dense haze.
    """

    margin = REACH
    airlight: Tensor

    def map(self, image: Tensor, height: int, top: int) -> Tensor:
        """Transmission (N, 1, h, W) for rows of the full-size picture."""
        return self._lift.rows(grey(image), height, top).clamp(MIN_TRANSMISSION, 1)

    def gain(self, luma: Tensor, height: int, top: int, strength: float = 1.0) -> Tensor:
        """See :class:`HazeLift`; ``strength`` as in :func:`remove_haze`."""
        t = self._lift.rows(luma, height, top).clamp(FAINTEST, 1)
        return t.reciprocal() if strength == 1 else t.pow(-strength)

    def rows(self, image: Tensor, height: int, top: int, strength: float = 1.0) -> Tensor:
        """Dehazed rows; ``strength`` as in :func:`remove_haze`."""
        luma = grey(image)
        change = (calm(image, luma) - self.airlight) * (self.gain(luma, height, top, strength) - 1)
        return (image + change).clamp(0, 1)

    @property
    def density(self) -> Tensor:
        """(N, 1, 1, 1), see :func:`haze_density`."""
        return haze_density(self.values)


def least_transmission(small: Tensor, airlight: Tensor, size: tuple[int, int]) -> Tensor:
    """Transmission below which the clear picture would be darker than :data:`DARKEST` in some channel.

    Where a network sees more haze than there can be, this keeps shadows from being crushed (boundary constraint of Meng
    et al., "Efficient Image Dehazing with Boundary Constraint and Contextual Regularization", ICCV 2013).

    Args:
        small: (N, 3, h, w) in [0, 1]. airlight: (N, 3, 1, 1). size: (h', w') of the result.

    Returns:
        (N, 1, h', w'), at most 1.
    """
    seen = resize(small.float(), size)
    return ((airlight - seen) / (airlight - DARKEST).clamp_min(0.01)).amax(1, keepdim=True).clamp(0, 1)


class ScatteringGenerator(Generator):
    """A generator that predicts one map, at half the working size, for the scattering model."""

    def __init__(
        self,
        widths: tuple[int, ...] = WIDTHS,
        blocks: tuple[int, ...] = BLOCKS,
        working_size: int = 192,
    ) -> None:
        super().__init__()
        self.body = HazeUNet(widths, blocks)
        self.multiple, self.working_size = self.body.stride, working_size
        self.head = nn.Conv2d(widths[0], 1, 3, padding=1)
        start_at(self.head, 0.0)

    @abstractmethod
    def look(self, small: Tensor) -> HazeLift:
        """Read the haze or the depth of (N, 3, h, w) in [0, 1]."""

    def smoothed(self, guide: Tensor, values: Tensor) -> Tensor:
        """The map without noise, but for the picture's own edges (guided filter); untouched in training.

        A network that is trained through a filter leaves edges to it, and what it puts out itself becomes noise.

        Args:
            guide: (N, 1, h', w'), luma of the small picture, of the map's size. values: (N, 1, h', w').
        """
        if self.training:
            return values
        a, b = guided_coefficients(guide, values, SMOOTH_RADIUS, SMOOTH_EPS)
        return a * guide + b


class ScatteringDehazer(ScatteringGenerator):
    """hazy -> clear: predicts transmission and airlight, and inverts the scattering model with them."""

    def __init__(
        self, widths: tuple[int, ...] = WIDTHS, blocks: tuple[int, ...] = BLOCKS, working_size: int = 192
    ) -> None:
        super().__init__(widths, blocks, working_size)
        self.attention = nn.Conv2d(widths[0], 1, 1, bias=False)  # softmax ignores a bias
        self.airlight = nn.Sequential(nn.Linear(2 * widths[-1] + 3, 64), nn.ReLU(), nn.Linear(64, 3))
        start_at(self.head, 1.0)
        start_at(self.attention, 0.0)
        start_at(self.airlight[-1], 0.0)

    def look(self, small: Tensor) -> DehazeLift:
        """Read the haze of (N, 3, h, w)."""
        features = self.body(small)
        t = MIN_TRANSMISSION + (1 - MIN_TRANSMISSION) * torch.sigmoid(self.head(features.fine).float())
        # airlight is the colour of the haziest part (He et al., CVPR 2009), found by attention and then corrected
        weight = torch.softmax(self.attention(features.fine).float().flatten(2), dim=2)
        colours = resize(small.float(), (features.fine.shape[2], features.fine.shape[3])).flatten(2)
        haziest = (weight * colours).sum(2)
        correction = self.airlight(torch.cat([features.scene, haziest], 1)).float()
        airlight = torch.sigmoid(torch.logit(haziest, eps=0.01) + correction)[:, :, None, None]
        t = torch.maximum(t, least_transmission(small, airlight, (t.shape[2], t.shape[3])))
        guide = resize(grey(small).float(), (t.shape[2], t.shape[3]))
        return DehazeLift(guide, self.smoothed(guide, t), airlight)


class HazifyLift(HazeLift):
    """The depth in [0, 1] that a hazifier read, 1 the farthest, and the haze to put in front of it."""

    density: Tensor | float = 1.2

    def map(self, image: Tensor, height: int, top: int) -> Tensor:
        """Depth (N, 1, h, W) for rows of the full-size picture."""
        return self._lift.rows(grey(image), height, top).clamp(0, 1)

    def gain(self, luma: Tensor, height: int, top: int, density: Tensor | float | None = None) -> Tensor:
        """See :class:`HazeLift`; ``density`` as in :meth:`rows`."""
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


class ScatteringHazifier(ScatteringGenerator):
    """clear -> hazy: predicts relative depth, and applies the scattering model with it."""

    def look(self, small: Tensor) -> HazifyLift:
        """Read the depth of (N, 3, h, w)."""
        depth = torch.sigmoid(self.head(self.body(small).fine).float())
        guide = resize(grey(small).float(), (depth.shape[2], depth.shape[3]))
        return HazifyLift(guide, self.smoothed(guide, depth), AIRLIGHT)


class TranslationLift:
    """A finished small translation, carried to full size with the photo's own detail.

    Each colour channel guides itself (as in Wu et al., "Fast End-to-End Trainable Guided Filter", CVPR 2018). Where the
    photo has the small picture's size, the small translation is the result.
    """

    margin = 0

    def __init__(self, small: Tensor, translated: Tensor) -> None:
        self.small, self.translated = small, translated

    @cached_property
    def _lift(self) -> MapLift:
        return MapLift(self.small, self.translated.float(), COLOUR_EPS)

    def rows(self, image: Tensor, height: int, top: int, strength: float = 1.0) -> Tensor:
        """Translated rows; ``strength`` blends from the photo (0) to its translation (1) and beyond."""
        if (height, image.shape[3]) == tuple(self.translated.shape[2:]):  # as in training: nothing to carry anywhere
            translated = self.translated[:, :, top : top + image.shape[2]]
        else:
            translated = self._lift.rows(image, height, top)
        return torch.lerp(image, translated, strength).clamp(0, 1)


class ResnetGenerator(Generator):
    """The CycleGAN paper's generator (Zhu et al., ICCV 2017, appendix 7.2) at the working size, lifted beyond it."""

    multiple = 4

    def __init__(
        self,
        width: int = 64,
        blocks: int = 9,
        dropout: bool = False,
        variant: Variant = "paper",
        working_size: int = 512,
    ) -> None:
        super().__init__()
        self.body = ResnetBody(width, blocks, dropout, variant)
        self.working_size = working_size

    def look(self, small: Tensor) -> TranslationLift:
        """Translate (N, 3, h, w) whole."""
        return TranslationLift(small, (self.body(2 * small - 1).float() + 1) / 2)
