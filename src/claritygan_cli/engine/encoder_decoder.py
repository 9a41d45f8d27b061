"""The network of a scattering generator: features of a picture that describe its haze or its depth."""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from claritygan_cli.engine.efficientnet import FEATURE_WIDTHS, EfficientNetLite0, start_conv


class SkipInitBlock(nn.Module):
    """Two 3x3 convolutions round a skip connection, with a gain that starts at zero (De, Smith, NeurIPS 2020)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.gain = nn.Parameter(torch.zeros(width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same."""
        change = self.second(F.relu(self.first(x)))
        return F.relu(x + self.gain.to(change.dtype) * change)


class Features(NamedTuple):
    """What was seen: ``fine`` (N, widths[0], H/2, W/2), and ``scene`` (N, 2 widths[-1]) of the whole picture."""

    fine: Tensor
    scene: Tensor


class EncoderDecoder(nn.Module):
    """The encoder and a small decoder that adds its features up, from the coarsest to those at half the picture's size.

    A plain stem at half the size sees the picture beside the encoder, whose first layers are narrow.

    Args:
        widths: channels of the decoder at 1/2 to 1/32 of the picture's size.
    """

    stride = 32

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        if len(widths) != len(FEATURE_WIDTHS):
            raise ValueError(f"widths need one number for each of {len(FEATURE_WIDTHS)} levels")
        self.encoder = EfficientNetLite0()
        self.stem = nn.Conv2d(3, widths[0], 5, 2, 2)
        self.laterals = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(FEATURE_WIDTHS, widths, strict=True))
        self.context = nn.Linear(2 * widths[-1], widths[-1])
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.decode = nn.ModuleList(SkipInitBlock(width) for width in widths)
        for part in (self.stem, self.laterals, self.up, self.decode):
            for layer in part.modules():
                if isinstance(layer, nn.Conv2d):
                    start_conv(layer)

    def forward(self, image: Tensor) -> Features:
        """Features of a picture (N, 3, H, W) in [0, 1], H and W multiples of 32."""
        features = [lateral(x) for lateral, x in zip(self.laterals, self.encoder(image), strict=True)]
        features[0] = features[0] + self.stem(2 * image - 1)
        x = F.relu(features[-1])
        scene = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        x = self.decode[-1](x + self.context(scene)[:, :, None, None])
        for level in range(len(features) - 2, -1, -1):
            size = features[level].shape[2:]
            x = F.interpolate(self.up[level](x), size=size, mode="bilinear", align_corners=False)
            x = self.decode[level](F.relu(features[level] + x))
        return Features(x, scene)
