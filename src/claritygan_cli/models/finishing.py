"""What comes after a network, as a graph: so that ONNX Runtime can finish photos where there is no torch.

It is made of the restoration itself, and travels in the metadata of network graphs.
"""

from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from claritygan_cli.engine.amounts import AddHaze, RemoveHaze
from claritygan_cli.engine.estimate import DepthEstimate, Estimate, HazeEstimate, mean_haze
from claritygan_cli.engine.generators import Generator
from claritygan_cli.engine.refinement import predict, refine
from claritygan_cli.engine.restoration import Scattering, prepare
from claritygan_cli.models.onnx_translator import MAPS, RESULT

LONGEST = 1 << 15
"""Sides of pictures that a graph is made for, in pixels or in multiples."""


def picture(count: int, height: int, width: int) -> Tensor:
    """Random pictures, always the same."""
    return torch.rand((count, 3, height, width), generator=torch.Generator().manual_seed(0))


class FinishingGraph(nn.Module):
    """A photo, its small copy, the network's maps of it and the amount of haze -> the finished photo, and what
    :class:`claritygan_cli.engine.scattering_maps.ScatteringMaps` is made of.

    The maps are those of the copy and, where the restoration wants it, of its mirror image.

    Attributes:
        inputs, outputs: names. multiple: of which the photo's sides are multiples.
        example: what the graph is made from. checked: what it is compared with PyTorch on.
    """

    multiple = 1
    outputs = (*MAPS, RESULT)

    def __init__(self, generator: Generator, dehazes: bool) -> None:
        super().__init__()
        self.config, self.dehazes = generator.restoration, dehazes
        amount = ("strength",) if dehazes else ("density", "airlight")
        self.inputs = ["image", "small", *(("transmission", "airlight") if dehazes else ("depth",)), *amount]
        light = [] if dehazes else [torch.tensor([0.9, 0.8, 0.7])]
        down, across = 9 * generator.multiple, 7 * generator.multiple
        self.example = (picture(1, 300, 450), *self._seen(generator, down, across), torch.tensor(1.0), *light)
        self.checked = [(picture(1, 123, 77), *self._seen(generator, across, 2 * down), torch.tensor(1.7), *light)]

    @torch.no_grad()
    def _seen(self, generator: Generator, height: int, width: int) -> tuple[Tensor, ...]:
        """A small copy, and the network's maps of it."""
        small, seen = picture(1, height, width), []

        def network(pictures: Tensor) -> Estimate:
            seen.append(generator.eval().predict(pictures))
            return seen[0]

        predict(network, small, self.config)
        return small, *(getattr(seen[0], field.name) for field in fields(seen[0]))

    def sides(self) -> tuple[Any, ...]:
        """Which sides of the inputs are free."""
        free = {2: Dim.AUTO, 3: Dim.AUTO}
        whole = {2: Dim("height", min=2, max=LONGEST), 3: Dim("width", min=2, max=LONGEST)}
        return whole, free, tuple(free if values.ndim == 4 else None for values in self.example[2:])

    def forward(self, image: Tensor, small: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
        """See the class; values in the order of ``inputs``."""
        maps, amount = (values[:2], values[2:]) if self.dehazes else (values[:1], values[1:])
        given: Estimate = (HazeEstimate if self.dehazes else DepthEstimate)(*maps)
        estimate = refine(small, predict(lambda _: given, small, self.config), self.config)
        prepared = prepare(small, estimate, self.config, (RemoveHaze if self.dehazes else AddHaze)(*amount))  # type: ignore[arg-type]
        assert isinstance(prepared, Scattering)
        numbers = torch.stack([torch.as_tensor(number, dtype=torch.float32) for number in prepared.numbers()])
        haze = mean_haze(estimate) if isinstance(estimate, HazeEstimate) else torch.zeros(4)
        return (*prepared.tables(), numbers, haze, prepared.rows(image, image.shape[2], 0))
