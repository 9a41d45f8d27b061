"""The generators: networks that predict, of a small picture, its haze, its depth or its translation.

``predict`` is the network and nothing else, the same in training and in use. What is then done to the pixels is
:mod:`claritygan_cli.engine.restoration`'s. ``forward`` puts both together: (N, 3, H, W) in [0, 1] -> the same, for any
H, W >= 1.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from claritygan_cli.engine.airlight import haze_colour
from claritygan_cli.engine.decoder_widths import DECODER_WIDTHS
from claritygan_cli.engine.encoder_decoder import EncoderDecoder
from claritygan_cli.engine.estimate import (
    LEAST_TRANSMISSION,
    DepthEstimate,
    Estimate,
    HazeEstimate,
    TranslationEstimate,
)
from claritygan_cli.engine.refinement import predict
from claritygan_cli.engine.resampling import resize
from claritygan_cli.engine.resnet import ResnetBody, Variant
from claritygan_cli.engine.restoration import restore
from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.engine.tiling import TiledResnet
from claritygan_cli.engine.working_size import working_shape


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
        scatters: whether it predicts haze or depth, for the scattering model, and no pixels.
    """

    working_size: int
    multiple: int
    restoration: RestorationConfig
    scatters = True

    @abstractmethod
    def predict(self, small: Tensor) -> Estimate:
        """The network's estimate of a picture (N, 3, h, w) in [0, 1], h and w multiples of ``multiple``."""

    def small_copy(self, image: Tensor) -> Tensor:
        """The picture as the network sees it."""
        return resize(image, working_shape(image.shape[2], image.shape[3], self.working_size, self.multiple))

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, H, W) in [0, 1]; any H, W >= 1."""
        small = self.small_copy(image)
        return restore(image, small, predict(self.predict, small, self.restoration), self.restoration)


class ScatteringGenerator(Generator):
    """A generator for the scattering model: an encoder and a decoder that predict a map at half the working size.

    Args:
        widths: channels of the decoder, see :class:`EncoderDecoder`.
        working_size: see :class:`Generator`.
    """

    def __init__(self, widths: tuple[int, ...] = DECODER_WIDTHS, working_size: int = 384) -> None:
        super().__init__()
        self.body = EncoderDecoder(widths)
        self.multiple, self.working_size = self.body.stride, working_size
        self.head = nn.Conv2d(widths[0], 1, 3, padding=1)
        start_at(self.head, 0.0)


class ScatteringDehazer(ScatteringGenerator):
    """hazy -> clear: predicts transmission, and airlight as a smooth field."""

    restoration = RestorationConfig()

    def __init__(self, widths: tuple[int, ...] = DECODER_WIDTHS, working_size: int = 384) -> None:
        super().__init__(widths, working_size)
        self.haziness = nn.Conv2d(widths[0], 1, 1, bias=False)  # a bias would change nothing
        self.airlight = nn.Sequential(nn.Linear(2 * widths[-1] + 3, 64), nn.ReLU(), nn.Linear(64, 4))
        start_at(self.head, 1.0)
        start_at(self.haziness, 0.0)
        start_at(self.airlight[-1], 0.0)

    def predict(self, small: Tensor) -> HazeEstimate:
        """Transmission (N, 1, h/2, w/2) in [LEAST_TRANSMISSION, 1] and airlight (N, 3, h', w') in [0, 1]."""
        features, scene = self.body(small)
        t = LEAST_TRANSMISSION + (1 - LEAST_TRANSMISSION) * torch.sigmoid(self.head(features).float())
        near, whole = haze_colour(self.haziness(features), resize(small, (features.shape[2], features.shape[3])))
        # one colour for the picture, or one for each place: the network says how much of either, and corrects them
        said = self.airlight(torch.cat([scene.float(), whole.flatten(1)], 1)).float()[:, :, None, None]
        share, correction = torch.sigmoid(said[:, 3:]), said[:, :3]
        mixed = torch.lerp(torch.logit(whole, eps=0.01), torch.logit(near, eps=0.01), share)
        return HazeEstimate(t, torch.sigmoid(mixed + correction))


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

    Attributes:
        tile: side of the tiles that pictures are taken in, in evaluation alone; None for whole pictures.
    """

    multiple = 4
    restoration = RestorationConfig.translating()
    scatters = False

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
        self.tile: int | None = None

    def predict(self, small: Tensor) -> TranslationEstimate:
        """The translation (N, 3, h, w) in [0, 1]; in tiles if it is larger than one."""
        picture = 2 * small - 1
        if self.tile is None or max(small.shape[2:]) <= self.tile:
            made = self.body(picture)
        else:
            tiled = TiledResnet(self.body, self.tile)
            made = torch.cat([tiled(one) for one in picture.cpu().split(1)]).to(small.device)
        return TranslationEstimate((made.float() + 1) / 2)
