"""Generators as ONNX graphs, for programs that know neither PyTorch nor this one.

Either the network alone, from a picture at the working size to the maps of its estimate; or the whole way from a
picture of any size to the finished one, by the restoration that the model card names.
"""

import base64
import json
import logging
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim

from claritygan_cli.atomic import written_whole
from claritygan_cli.engine.amounts import AddHaze, Amount, RemoveHaze
from claritygan_cli.engine.estimate import DepthEstimate, HazeEstimate
from claritygan_cli.engine.generators import Generator, ResnetGenerator
from claritygan_cli.engine.refinement import predict
from claritygan_cli.engine.restoration import restore
from claritygan_cli.errors import ModelError
from claritygan_cli.models.card import METADATA_KEY, ModelCard
from claritygan_cli.models.finishing import LONGEST, FinishingGraph, picture
from claritygan_cli.models.onnx_network import FINISHING_KEY, MULTIPLE_KEY, onnx_packages

OPSET = 18
LARGEST_ERROR = 1e-3
"""Difference from PyTorch, of values in [0, 1], above which a graph is not written."""


class NetworkGraph(nn.Module):
    """A generator's network: a picture at the working size -> the maps of its estimate.

    Attributes:
        inputs, outputs: names.
        multiple: of which the picture's sides are multiples.
        example: what the graph is made from. checked: what it is compared with PyTorch on.
        finishing: the graph of what comes after it; None for a network that translates pixels.
    """

    def __init__(self, generator: Generator, card: ModelCard) -> None:
        super().__init__()
        self.generator = generator
        self.inputs, self.outputs = ["image"], ["translation"]
        if not isinstance(generator, ResnetGenerator):
            kind = HazeEstimate if card.direction == "dehaze" else DepthEstimate
            self.outputs = [field.name for field in fields(kind)]
        self.multiple = generator.multiple
        self.example = (picture(2, 9 * self.multiple, 7 * self.multiple),)
        sizes = ((1, 9, 14), (1, 14, 9), (2, 3, 5), (1, 2, 2))
        self.checked = [(picture(n, h * self.multiple, w * self.multiple),) for n, h, w in sizes]
        self.finishing = FinishingGraph(generator, card.direction == "dehaze") if generator.scatters else None

    def sides(self) -> tuple[Any, ...]:
        """Which sides of the inputs are free."""
        least = 2 if isinstance(self.generator, ResnetGenerator) else 1  # reflection needs more than its border
        down, across = (self.multiple * Dim(name, min=least, max=LONGEST) for name in ("down", "across"))
        return ({0: Dim("pictures", min=1, max=LONGEST), 2: down, 3: across},)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, h, w) in [0, 1] -> the estimate's maps, in the order of its fields."""
        estimate = self.generator.predict(image)
        return tuple(getattr(estimate, field.name) for field in fields(estimate))


class WholeGraph(nn.Module):
    """All that is done to a picture of any size; attributes as of :class:`NetworkGraph`."""

    outputs = ("result",)
    multiple = 1

    def __init__(self, generator: Generator, *amounts: tuple[str, tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.generator = generator
        self.inputs = ["image", *(name for name, _ in amounts)]
        values = [value for _, value in amounts]
        self.example = (picture(1, 300, 450), *(value[0] for value in values))
        sizes = [(451, 300), (64, 96), (123, 77), (1000, 1500)]
        if not isinstance(generator, ResnetGenerator):  # whose reflection needs more than its border
            sizes.append((5, 700))
        taken = [[value[i % len(value)] for value in values] for i in range(len(sizes))]
        self.checked = [(picture(1, *size), *amount) for size, amount in zip(sizes, taken, strict=True)]

    def sides(self) -> tuple[Any, ...]:
        """Which sides of the inputs are free."""
        picture_sides = {2: Dim("height", min=2, max=LONGEST), 3: Dim("width", min=2, max=LONGEST)}
        return (picture_sides, *(None for _ in self.inputs[1:]))

    def finished(self, image: Tensor, amount: Amount) -> Tensor:
        """(1, 3, H, W) in [0, 1] -> the same."""
        config = self.generator.restoration
        small = self.generator.small_copy(image)
        return restore(image, small, predict(self.generator.predict, small, config), config, amount)


class WholeDehazer(WholeGraph):
    """Takes haze out; a strength of 1 takes out what was seen."""

    def __init__(self, generator: Generator) -> None:
        super().__init__(generator, ("strength", (torch.tensor(1.0), torch.tensor(1.5), torch.tensor(0.0))))

    def forward(self, image: Tensor, strength: Tensor) -> Tensor:
        """See :meth:`WholeGraph.finished`; ``strength`` () >= 0."""
        return self.finished(image, RemoveHaze(strength))  # type: ignore[arg-type]


class WholeHazifier(WholeGraph):
    """Puts haze in."""

    def __init__(self, generator: Generator) -> None:
        airlights = torch.tensor([0.9, 0.9, 0.9]), torch.tensor([0.6, 0.7, 0.8])
        super().__init__(generator, ("density", (torch.tensor(1.2), torch.tensor(0.4))), ("airlight", airlights))

    def forward(self, image: Tensor, density: Tensor, airlight: Tensor) -> Tensor:
        """See :meth:`WholeGraph.finished`; ``density`` () >= 0, ``airlight`` (3,) in [0, 1]."""
        return self.finished(image, AddHaze(density, airlight))  # type: ignore[arg-type]


Graph = NetworkGraph | WholeDehazer | WholeHazifier | FinishingGraph


def graph_of(generator: Generator, card: ModelCard, whole: bool) -> Graph:
    """What is exported: the network, or the whole way to the finished picture."""
    if not whole:
        return NetworkGraph(generator.eval(), card).eval()
    if card.direction == "dehaze" or isinstance(generator, ResnetGenerator):
        return WholeDehazer(generator.eval()).eval()
    return WholeHazifier(generator.eval()).eval()


def export_graph(graph: Graph, card: ModelCard, out: Path) -> float:
    """Write a graph as an ONNX file, whole or not at all. Its metadata hold the model card and, with a network, the
    graph of what comes after it.

    Returns:
        The largest difference from PyTorch that was seen.

    Raises:
        UsageError: a package that this needs is not installed.
        ModelError: the file would not compute what PyTorch does.
    """
    with onnx_packages():
        data, error = _checked(graph, f"{out}: the graph")
        finishing = finishing_of(graph)
    with written_whole(out) as file:
        file.write(with_card(data, card, graph.multiple, finishing))
    return error


def graph_bytes(graph: Graph) -> bytes:
    """A graph as an ONNX file's bytes, not yet compared with PyTorch."""
    import onnx
    import onnxscript  # noqa: F401 - or torch says less clearly that it is missing

    logging.getLogger("onnx_ir").setLevel(logging.ERROR)  # or it tells of its optimizations
    with torch.no_grad():
        program: Any = torch.onnx.export(
            graph,
            graph.example,
            dynamo=True,
            opset_version=OPSET,
            input_names=graph.inputs,
            output_names=list(graph.outputs),
            dynamic_shapes=graph.sides(),
            verbose=False,
        )
    model = program.model_proto
    for node in model.graph.node:  # where in PyTorch's code it comes from: more bytes than the node
        del node.metadata_props[:]
    onnx.checker.check_model(model)
    return model.SerializeToString()


def finishing_of(graph: Graph) -> bytes | None:
    """The graph of what comes after a network, checked; None for other graphs.

    Raises:
        ModelError: it would not compute what PyTorch does.
    """
    if not isinstance(graph, NetworkGraph) or graph.finishing is None:
        return None
    return _checked(graph.finishing, "what comes after the network")[0]


def _checked(graph: Graph, called: str) -> tuple[bytes, float]:
    """A graph's bytes, and its largest difference from PyTorch, which is small enough."""
    data = graph_bytes(graph)
    error = _difference(data, graph)
    if not error <= LARGEST_ERROR:
        raise ModelError(f"{called} would differ from PyTorch by {error:.2g}, which is too much; not written")
    return data, error


def with_card(data: bytes, card: ModelCard, multiple: int, finishing: bytes | None = None) -> bytes:
    """An ONNX file's bytes with what :class:`claritygan_cli.models.onnx_network.OnnxNetwork` reads of its metadata."""
    import onnx

    model = onnx.load_from_string(data)
    facts = {METADATA_KEY: json.dumps(asdict(card), sort_keys=True), MULTIPLE_KEY: str(multiple)}
    if finishing is not None:
        facts[FINISHING_KEY] = base64.b64encode(finishing).decode()
    onnx.helper.set_model_props(model, facts)
    return model.SerializeToString()


def _difference(data: bytes, graph: Graph) -> float:
    """The largest difference between what ONNX Runtime and PyTorch compute."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    worst = np.float32(0)
    for values in graph.checked:
        with torch.no_grad():
            wanted = graph(*values)
        found = session.run(None, {name: value.numpy() for name, value in zip(graph.inputs, values, strict=True)})
        for ours, theirs in zip(found, wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
            same = ours == theirs.numpy()  # infinities too
            worst = np.maximum(worst, np.where(same, 0, np.abs(ours - np.where(same, 0, theirs.numpy()))).max())
    return float(worst)
