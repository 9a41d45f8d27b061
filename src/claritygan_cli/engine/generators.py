"""The generators: networks that predict, of a small picture, its haze, its depth or its translation.

``predict`` is the network and nothing else, the same in training and in use. What is then done to the pixels is
:mod:`claritygan_cli.engine.restoration`'s. ``forward`` puts both together: (N, 3, H, W) in [0, 1] -> the same, for any
H, W >= 1.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from claritygan_cli.engine.estimate import (
    LEAST_TRANSMISSION,
    DepthEstimate,
    Estimate,
    HazeEstimate,
    TranslationEstimate,
)
from claritygan_cli.engine.refinement import predict
from claritygan_cli.engine.resampling import resize, working_shape
from claritygan_cli.engine.resnet import ResnetBody, Variant
from claritygan_cli.engine.restoration import restore
from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.engine.unet import UNet
from claritygan_cli.engine.unet_sizes import BLOCKS, WIDTHS


def start_at(layer: nn.Module, value: float) -> None:
    """Let a layer put out a constant at first."""
    for name, parameter in layer.named_parameters():
        nn.init.constant_(parameter, value if name == "bias" else 0.0)


class Generator(nn.Module, ABC):
    """Base of the generators.

    Attributes:
        working_size: longest side, in pixels, of the small picture that the network sees.
        multiple: what the sides of that picture are multiples of.
        restoration: what is done with an estimate unless something else is asked for.
    """

    working_size: int
    multiple: int
    restoration: RestorationConfig

    @abstractmethod
    def predict(self, small: Tensor) -> Estimate:
        """The network's estimate of a picture (N, 3, h, w) in [0, 1], h and w multiples of ``multiple``."""

    def small_copy(self, image: Tensor) -> Tensor:
        """The picture as the network sees it."""
        return resize(image, working_shape(image.shape[2], image.shape[3], self.working_size, self.multiple))

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, H, W) in [0, 1]; any H, W >= 1."""
        small = self.small_copy(image)
        return restore(image, small, predict(self.predict, small, self.restoration, self.multiple), self.restoration)


class ScatteringGenerator(Generator):
    """A generator for the scattering model: a U-Net that predicts a map at half the working size.

    Args:
        widths, blocks: of the U-Net, level by level.
        working_size: see :class:`Generator`.
    """

    def __init__(
        self, widths: tuple[int, ...] = WIDTHS, blocks: tuple[int, ...] = BLOCKS, working_size: int = 192
    ) -> None:
        super().__init__()
        self.body = UNet(widths, blocks)
        self.multiple, self.working_size = self.body.stride, working_size
        self.head = nn.Conv2d(widths[0], 1, 3, padding=1)
        start_at(self.head, 0.0)


class ScatteringDehazer(ScatteringGenerator):
    """hazy -> clear: predicts transmission and airlight."""

    restoration = RestorationConfig()

    def __init__(
        self, widths: tuple[int, ...] = WIDTHS, blocks: tuple[int, ...] = BLOCKS, working_size: int = 192
    ) -> None:
        super().__init__(widths, blocks, working_size)
        self.attention = nn.Conv2d(widths[0], 1, 1, bias=False)  # softmax ignores a bias
        self.airlight = nn.Sequential(nn.Linear(2 * widths[-1] + 3, 64), nn.ReLU(), nn.Linear(64, 3))
        start_at(self.head, 1.0)
        start_at(self.attention, 0.0)
        start_at(self.airlight[-1], 0.0)

    def predict(self, small: Tensor) -> HazeEstimate:
        """Transmission (N, 1, h/2, w/2) in [LEAST_TRANSMISSION, 1] and one airlight (N, 3, 1, 1) in [0, 1]."""
        features = self.body(small)
        t = LEAST_TRANSMISSION + (1 - LEAST_TRANSMISSION) * torch.sigmoid(self.head(features.fine).float())
        # airlight is the colour of the haziest part (He et al., CVPR 2009), found by attention and then corrected
        weight = torch.softmax(self.attention(features.fine).float().flatten(2), dim=2)
        colours = resize(small.float(), (features.fine.shape[2], features.fine.shape[3])).flatten(2)
        haziest = (weight * colours).sum(2)
        correction = self.airlight(torch.cat([features.scene, haziest], 1)).float()
        return HazeEstimate(t, torch.sigmoid(torch.logit(haziest, eps=0.01) + correction)[:, :, None, None])


class ScatteringHazifier(ScatteringGenerator):
    """clear -> hazy: predicts relative depth."""

    restoration = RestorationConfig.hazifying()

    def predict(self, small: Tensor) -> DepthEstimate:
        """Depth (N, 1, h/2, w/2) in [0, 1]."""
        return DepthEstimate(torch.sigmoid(self.head(self.body(small).fine).float()))


class ResnetGenerator(Generator):
    """The CycleGAN paper's generator (Zhu et al., ICCV 2017, appendix 7.2), in either direction.

    Args:
        width, blocks, dropout, variant: see :class:`ResnetBody`.
        working_size: see :class:`Generator`; larger photos get the translation of their small copy.
    """

    multiple = 4
    restoration = RestorationConfig.translating()

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

    def predict(self, small: Tensor) -> TranslationEstimate:
        """The translation (N, 3, h, w) in [0, 1]."""
        return TranslationEstimate((self.body(2 * small - 1).float() + 1) / 2)
