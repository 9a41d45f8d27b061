"""The residual network in tiles, with the same result as at once.

Its InstanceNorms look at a whole picture, so tiles that each had statistics of their own would differ visibly (17 to
20 dB). Here tiles go through the network from one norm to the next: while a convolution's output is made, its mean and
variance over the whole picture are summed up, and the next tiles are normalised with them. Maps at a quarter of the
picture's size are kept between the norms; larger ones would take four times the memory, so they are made again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from claritygan_cli.engine.resnet import InstanceNorm, ResnetBlock, ResnetBody

HALO = 8
"""Rows and columns that a tile gets from its neighbours, of the map that it is cut from; what the convolutions between
two kept maps need (at most 3 + 1 + 2 pixels of the picture, or 3 of a quarter of it), as a multiple of 4."""
QUARTER = 4
"""The network's stride: maps between its blocks have a quarter of the picture's height and width."""


@dataclass
class Moments:
    """Sums over a whole map, for each channel, in float64."""

    count: int = 0
    total: Tensor | float = 0.0
    squares: Tensor | float = 0.0

    def add(self, part: Tensor) -> None:
        """Take in a part of the map, (1, C, h, w), on the CPU."""
        variance, mean = (values.double() for values in torch.var_mean(part, (2, 3), correction=0, keepdim=True))
        pixels = part.shape[2] * part.shape[3]
        self.count += pixels
        self.total = self.total + pixels * mean
        self.squares = self.squares + pixels * (variance + mean.square())

    def normalised(self, part: Tensor, eps: float) -> Tensor:
        """A part of the map, anywhere, with the whole map's mean 0 and variance 1."""
        mean = torch.as_tensor(self.total / self.count)
        factor = (torch.as_tensor(self.squares / self.count) - mean.square()).clamp_min(0).add(eps).rsqrt()
        return (part - mean.float().to(part.device)) * factor.float().to(part.device)


class TiledResnet:
    """A :class:`ResnetBody` for pictures that would not fit into memory with all of its maps.

    Args:
        body: in evaluation mode.
        tile: side of the tiles, in pixels of the picture, at least 4; rounded down to a multiple of it.
    """

    def __init__(self, body: ResnetBody, tile: int) -> None:
        layers = list(body.model)
        blocks = [place for place, layer in enumerate(layers) if isinstance(layer, ResnetBlock)]
        self.head, self.tail = layers[: blocks[0]], layers[blocks[-1] + 1 :]
        self.blocks = [layer for layer in layers if isinstance(layer, ResnetBlock)]
        self.tile = tile // QUARTER * QUARTER
        self.moments: dict[nn.Module, Moments] = {}

    def __call__(self, picture: Tensor) -> Tensor:
        """(1, 3, H, W) in [-1, 1], on the CPU -> the same; H and W multiples of 4.

        Tiles go to the network's device and come back. Some 200 bytes for each pixel of the picture are kept on the
        CPU.
        """
        self.moments = {}
        self._measure(picture, self.head, 1)
        kept = self._whole(picture, self.head, 1)
        for block in self.blocks:
            kept = self._block(kept, block)
        self._measure(kept, self.tail, QUARTER)
        return self._whole(kept, self.tail, QUARTER)

    def _block(self, kept: Tensor, block: ResnetBlock) -> Tensor:
        """A residual block, in place: each of its convolutions once, and its norms where their output is read."""
        layers = list(block.conv_block)
        norms = [place for place, layer in enumerate(layers) if isinstance(layer, InstanceNorm)]
        first = self._whole(kept, layers[: norms[0]], QUARTER, layers[norms[0]])
        second = self._whole(first, layers[norms[0] : norms[1]], QUARTER, layers[norms[1]])
        del first
        for place, part in self._tiles(second, layers[norms[1] :], QUARTER):
            kept[place] += part
        return kept

    def _measure(self, source: Tensor, layers: list[nn.Module], stride: int) -> None:
        """Find the moments of all norms among the layers, one after the other."""
        for place, layer in enumerate(layers):
            if isinstance(layer, InstanceNorm):
                self.moments[layer] = moments = Moments()
                for _, part in self._tiles(source, layers[:place], stride):
                    moments.add(part)

    def _whole(self, source: Tensor, layers: list[nn.Module], stride: int, norm: nn.Module | None = None) -> Tensor:
        """The layers' output, put together from tiles; the moments of it are noted for the norm that reads it."""
        result = None
        if norm is not None:
            self.moments[norm] = Moments()
        scale = _scale(layers)
        for place, part in self._tiles(source, layers, stride):
            if norm is not None:
                self.moments[norm].add(part)
            if result is None:
                height, width = (round(side * scale) for side in source.shape[2:])
                result = torch.empty(1, part.shape[1], height, width, dtype=part.dtype)
            result[place] = part.to(result.device)
        assert result is not None
        return result

    def _tiles(
        self, source: Tensor, layers: list[nn.Module], stride: int
    ) -> Iterator[tuple[tuple[slice, ...], Tensor]]:
        """Tiles of the layers' output, and where they belong in it.

        Args:
            source: on the CPU, ``stride`` times smaller than the picture.
        """
        scale = _scale(layers)
        parameter = next(self.blocks[0].parameters())
        side = self.tile // stride
        height, width = source.shape[2:]
        for top in range(0, height, side):
            for left in range(0, width, side):
                bottom, right = min(height, top + side), min(width, left + side)
                above, before = max(0, top - HALO), max(0, left - HALO)
                part = source[:, :, above : bottom + HALO, before : right + HALO].to(parameter.device)
                made = self._through(part, layers)
                rows = slice(round((top - above) * scale), round((bottom - above) * scale))
                columns = slice(round((left - before) * scale), round((right - before) * scale))
                place = (
                    slice(None),
                    slice(None),
                    slice(round(top * scale), round(bottom * scale)),
                    slice(round(left * scale), round(right * scale)),
                )
                yield place, made[:, :, rows, columns].cpu()

    def _through(self, part: Tensor, layers: Iterable[nn.Module]) -> Tensor:
        for layer in layers:
            part = self.moments[layer].normalised(part, layer.eps) if isinstance(layer, InstanceNorm) else layer(part)
        return part


def _scale(layers: Iterable[nn.Module]) -> float:
    """How many times larger the layers' output is than their input, padding aside."""
    scale = 1.0
    for layer in layers:
        if isinstance(layer, nn.ConvTranspose2d):
            scale *= layer.stride[0]
        elif isinstance(layer, nn.Conv2d):
            scale /= layer.stride[0]
    return scale
