"""The generators and their one contract.

Every generator maps (N, 3, H, W) in [0, 1] to the same shape and range, for any H, W >= 1. It does so in two steps,
which callers may also take apart to translate photos of any size in little memory:

1. ``look(small)`` reads a picture at the working size and returns a :class:`Upsampled`;
2. the lift is applied to the rows of the full-size picture.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from claritygan_cli.engine.guided_filter import guided_coefficients
from claritygan_cli.engine.resnet import ResnetBody, Variant
from claritygan_cli.engine.restoration import (
    MIN_TRANSMISSION,
    DehazeEstimate,
    HazeEstimate,
    HazifyEstimate,
    TranslationEstimate,
    Upsampled,
    grey,
    resize,
)
from claritygan_cli.engine.unet import UNet

WIDTHS, BLOCKS = (32, 64, 128, 144, 176), (0, 2, 3, 3, 1)
"""Of a scattering generator's U-Net, level by level."""
SMOOTH_RADIUS, SMOOTH_EPS = 3, 1e-3
"""Of the guided filter that smooths a map at its own size."""
DEFAULT_AIRLIGHT = 0.9
"""Of the haze that is put in where nobody asks for another."""
SHADOW_FLOOR = 0.03
"""No channel of a dehazed picture is meant to come out darker, seen at the size of the map, before that is smoothed."""


def working_shape(height: int, width: int, working_size: int, multiple: int) -> tuple[int, int]:
    """Size at which a network sees a picture: longest side ``working_size``, or the picture's if that is less.

    Both sides are rounded to the nearest ``multiple``, one at least.
    """
    scale = min(1.0, working_size / max(height, width))
    return (
        max(multiple, round(height * scale / multiple) * multiple),
        max(multiple, round(width * scale / multiple) * multiple),
    )


def start_at(layer: nn.Module, value: float) -> None:
    """Let a layer put out a constant at first."""
    for name, parameter in layer.named_parameters():
        nn.init.constant_(parameter, value if name == "bias" else 0.0)


class Generator(nn.Module, ABC):
    """Base of the generators: whole-picture ``forward`` in terms of ``look``.

    Attributes:
        working_size: longest side, in pixels, of the picture that the network predictions at.
        multiple: what the sides of that picture are multiples of.
    """

    working_size: int
    multiple: int

    @abstractmethod
    def look(self, small: Tensor) -> Upsampled:
        """Read a picture (N, 3, h, w) in [0, 1], h and w multiples of ``multiple``."""

    def shrink(self, image: Tensor) -> Tensor:
        """The picture as the network predictions at it."""
        return resize(image, working_shape(image.shape[2], image.shape[3], self.working_size, self.multiple))

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, H, W) in [0, 1]; any H, W >= 1."""
        return self.look(self.shrink(image)).rows(image, image.shape[2], 0)


def least_transmission(small: Tensor, airlight: Tensor, size: tuple[int, int]) -> Tensor:
    """Transmission below which the clear picture would be darker than :data:`SHADOW_FLOOR` in some channel.

    Where a network sees more haze than there can be, this keeps shadows from being crushed (boundary constraint of Meng
    et al., "Efficient Image Dehazing with Boundary Constraint and Contextual Regularization", ICCV 2013).

    Args:
        small: (N, 3, h, w) in [0, 1]. airlight: (N, 3, 1, 1). size: (h', w') of the result.

    Returns:
        (N, 1, h', w'), at most 1.
    """
    seen = resize(small.float(), size)
    return ((airlight - seen) / (airlight - SHADOW_FLOOR).clamp_min(0.01)).amax(1, keepdim=True).clamp(0, 1)


class ScatteringGenerator(Generator):
    """A generator that predicts one map, at half the working size, for the scattering model.

    In training the network predictions once. In use it may look several times, and what it reads is averaged:

    Attributes:
        shares: of the small picture's size, at which it predictions.
        mirrored: whether it predictions at the mirror image too.
    """

    shares: tuple[float, ...] = (1.0,)
    mirrored = False

    def __init__(
        self,
        widths: tuple[int, ...] = WIDTHS,
        blocks: tuple[int, ...] = BLOCKS,
        working_size: int = 192,
    ) -> None:
        super().__init__()
        self.body = UNet(widths, blocks)
        self.multiple, self.working_size = self.body.stride, working_size
        self.head = nn.Conv2d(widths[0], 1, 3, padding=1)
        start_at(self.head, 0.0)

    @abstractmethod
    def look(self, small: Tensor, single_view: bool = False) -> HazeEstimate:
        """Read the haze or the depth of (N, 3, h, w) in [0, 1].

        Args:
            single_view: leave the mirror image out, since what is read will be averaged over the frames of a video.
        """

    @abstractmethod
    def read(self, small: Tensor) -> tuple[Tensor, Tensor]:
        """The map (N, 1, h', w') and the airlight (N, 3, 1, 1) that the network reads in one look."""

    def possible(self, small: Tensor, values: Tensor, airlight: Tensor) -> Tensor:
        """What there can be at most of what was read in (N, 3, h, w): here, all of it."""
        return values

    def reading(self, small: Tensor, single_view: bool, bounded: bool = True) -> tuple[Tensor, Tensor, Tensor]:
        """Guide, map and airlight for a lift; see :meth:`look`.

        Args:
            bounded: whether the map is kept within what is :meth:`possible`.
        """
        values, airlight = self.read(small) if self.training else self._mean_reading(small, single_view)
        guide = resize(grey(small).float(), (values.shape[2], values.shape[3]))
        values = self.possible(small, values, airlight) if bounded else values
        return guide, self.smoothed(guide, values), airlight

    def _mean_reading(self, small: Tensor, single_view: bool) -> tuple[Tensor, Tensor]:
        maps, airlights = [], []
        height, width = small.shape[2:]
        for share in self.shares:
            size = working_shape(height, width, round(share * max(height, width)), self.multiple)
            view = resize(small, size)
            for mirrored in (False, True) if self.mirrored and not single_view else (False,):
                values, airlight = self.read(view.flip(3) if mirrored else view)
                maps.append(values.flip(3) if mirrored else values)
                airlights.append(airlight)
        size = maps[0].shape[2], maps[0].shape[3]
        return torch.stack([resize(values, size) for values in maps]).mean(0), torch.stack(airlights).mean(0)

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

    mirrored = True

    def __init__(
        self, widths: tuple[int, ...] = WIDTHS, blocks: tuple[int, ...] = BLOCKS, working_size: int = 192
    ) -> None:
        super().__init__(widths, blocks, working_size)
        self.attention = nn.Conv2d(widths[0], 1, 1, bias=False)  # softmax ignores a bias
        self.airlight = nn.Sequential(nn.Linear(2 * widths[-1] + 3, 64), nn.ReLU(), nn.Linear(64, 3))
        start_at(self.head, 1.0)
        start_at(self.attention, 0.0)
        start_at(self.airlight[-1], 0.0)

    def look(self, small: Tensor, single_view: bool = False, bounded: bool = True) -> DehazeEstimate:
        """Read the haze of (N, 3, h, w); see :meth:`ScatteringGenerator.look`.

        Args:
            bounded: whether haze may not be denser than the shadows allow. A network that is corrected so wherever it
                is told the truth never learns what shadows say of haze.
        """
        return DehazeEstimate(*self.reading(small, single_view, bounded))

    def possible(self, small: Tensor, values: Tensor, airlight: Tensor) -> Tensor:
        """Transmission that leaves shadows."""
        return torch.maximum(values, least_transmission(small, airlight, (values.shape[2], values.shape[3])))

    def read(self, small: Tensor) -> tuple[Tensor, Tensor]:
        """Transmission in [MIN_TRANSMISSION, 1] and airlight in [0, 1]."""
        features = self.body(small)
        t = MIN_TRANSMISSION + (1 - MIN_TRANSMISSION) * torch.sigmoid(self.head(features.fine).float())
        # airlight is the colour of the haziest part (He et al., CVPR 2009), found by attention and then corrected
        weight = torch.softmax(self.attention(features.fine).float().flatten(2), dim=2)
        colours = resize(small.float(), (features.fine.shape[2], features.fine.shape[3])).flatten(2)
        haziest = (weight * colours).sum(2)
        correction = self.airlight(torch.cat([features.scene, haziest], 1)).float()
        return t, torch.sigmoid(torch.logit(haziest, eps=0.01) + correction)[:, :, None, None]


class ScatteringHazifier(ScatteringGenerator):
    """clear -> hazy: predicts relative depth, and applies the scattering model with it.

    At half the size it sees the layout of a scene, where at the whole size it sees edges.
    """

    shares = (1.0, 0.5)

    def look(self, small: Tensor, single_view: bool = False) -> HazifyEstimate:
        """Read the depth of (N, 3, h, w); see :meth:`ScatteringGenerator.look`."""
        return HazifyEstimate(*self.reading(small, single_view))

    def read(self, small: Tensor) -> tuple[Tensor, Tensor]:
        """Depth in [0, 1], and the airlight where nobody asks for another."""
        depth = torch.sigmoid(self.head(self.body(small).fine).float())
        return depth, depth.new_full((len(depth), 3, 1, 1), DEFAULT_AIRLIGHT)


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

    def look(self, small: Tensor) -> TranslationEstimate:
        """Translate (N, 3, h, w) whole."""
        return TranslationEstimate(small, (self.body(2 * small - 1).float() + 1) / 2)
