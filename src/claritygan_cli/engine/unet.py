"""The small U-Net whose features of a picture describe its haze or its depth."""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """Two 3x3 convolutions round a skip connection, without normalisation.

    How hazy a picture is shows in the very statistics that a norm takes away (and that BatchNorm replaces by those of
    the other pictures in a batch). A learned gain that starts at zero keeps training stable instead (SkipInit: De,
    Smith, NeurIPS 2020).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(width, width, 3, padding=1)
        )
        self.gain = nn.Parameter(torch.zeros(width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same."""
        change = self.body(x)
        return F.relu(x + self.gain.to(change.dtype) * change)


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution and ReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2), nn.ReLU(inplace=True))


class Features(NamedTuple):
    """What the U-Net saw: ``fine`` (N, widths[0], H/2, W/2), and ``scene`` (N, 2 widths[-1]) of the whole picture."""

    fine: Tensor
    scene: Tensor


class UNet(nn.Module):
    """U-Net with a strided stem, residual blocks and a pooled vector of the whole scene that is added back as context.

    Args:
        widths: channels of the levels, at 1/2, 1/4, ... of the input's size.
        blocks: residual blocks of each level on the way down, where there is one more on the way up.
    """

    def __init__(self, widths: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        super().__init__()
        if len(widths) != len(blocks) or len(widths) < 2:
            raise ValueError("widths and blocks need one number per level, two levels at least")
        self.stride = 2 ** len(widths)
        self.stem = conv(3, widths[0], 5, 2)
        self.down = nn.ModuleList(conv(a, b, 3, 2) for a, b in pairwise(widths))
        self.encode = nn.ModuleList(
            nn.Sequential(*(Residual(w) for _ in range(n))) for w, n in zip(widths, blocks, strict=True)
        )
        self.context = nn.Linear(2 * widths[-1], widths[-1])
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.decode = nn.ModuleList(Residual(w) for w in widths[:-1])
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Features:
        """x: (N, 3, H, W) in [0, 1]; H and W multiples of ``stride``."""
        x = self.encode[0](self.stem(2 * x - 1))
        skips = []
        for down, encode in zip(self.down, list(self.encode)[1:], strict=True):
            skips.append(x)
            x = encode(down(x))
        scene = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        x = x + self.context(scene)[:, :, None, None]
        for up, decode, skip in zip(reversed(self.up), reversed(self.decode), reversed(skips), strict=True):
            x = F.interpolate(up(x), size=skip.shape[2:], mode="bilinear", align_corners=False)
            x = decode(F.relu(skip + x))
        return Features(x, scene)
