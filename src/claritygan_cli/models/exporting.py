"""Generators as ONNX graphs, for programs that know neither PyTorch nor this one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim

from claritygan_cli.atomic import written_whole
from claritygan_cli.engine.estimate import DepthEstimate, Estimate, HazeEstimate
from claritygan_cli.engine.generators import Generator, ResnetGenerator
from claritygan_cli.errors import ModelError, UsageError
from claritygan_cli.models.weights import METADATA_KEY, ModelCard

OPSET = 18
LARGEST_ERROR = 1e-3
"""Difference from PyTorch, of values in [0, 1], above which a graph is not written."""
EXAMPLE = (2, 9, 7)
"""Pictures, and their sides in multiples, from which the graph is made."""
CHECKED = ((1, 9, 14), (1, 14, 9), (2, 3, 5), (1, 2, 2))
"""Those at which it is compared with PyTorch."""
MULTIPLE = "multiple"
"""Key, in a graph's metadata, of what the sides are multiples of."""


class NetworkGraph(nn.Module):
    """A generator's network: (N, 3, h, w) in [0, 1] -> the maps of its estimate, in the order of their fields."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """The picture at the working size -> its estimate."""
        return maps_of(self.generator.predict(image))


def maps_of(estimate: Estimate) -> tuple[Tensor, ...]:
    """An estimate's maps, in the order of their fields."""
    return tuple(getattr(estimate, field.name) for field in fields(estimate))


def outputs_of(generator: Generator, card: ModelCard) -> list[str]:
    """Names of a generator's maps."""
    if isinstance(generator, ResnetGenerator):
        return ["translation"]
    kind = HazeEstimate if card.direction == "dehaze" else DepthEstimate
    return [field.name for field in fields(kind)]


@contextmanager
def _onnx_packages() -> Iterator[None]:
    """In which a missing package is an error that says what to install.

    Raises:
        UsageError: a package is missing.
    """
    try:
        yield
    except ImportError as error:
        raise UsageError(
            f"exporting needs {error.name or 'more packages'}: pip install onnx onnxscript onnxruntime"
        ) from error


def export_network(generator: Generator, card: ModelCard, out: Path) -> float:
    """Write a generator's network as an ONNX graph, whole or not at all.

    Its input ``image`` is a picture at the working size, (N, 3, h, w) in [0, 1], RGB, for any h and w that are
    multiples of the generator's; its outputs are called as the estimate's fields, or ``translation``. The metadata hold
    the model card.

    Returns:
        The largest difference from PyTorch that was seen.

    Raises:
        UsageError: a package that this needs is not installed.
        ModelError: the graph does not compute what PyTorch does.
    """
    with _onnx_packages():
        graph = _graph(generator.eval(), card)
        error = _difference(graph, generator)
    if not error <= LARGEST_ERROR:
        raise ModelError(f"{out}: the graph would differ from PyTorch by {error:.2g}, which is too much; not written")
    with written_whole(out) as file:
        file.write(graph)
    return error


def _pictures(generator: Generator, sides: tuple[int, int, int]) -> Tensor:
    """Random pictures of so many, and sides in multiples."""
    count, down, across = sides
    shape = (count, 3, down * generator.multiple, across * generator.multiple)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def _graph(generator: Generator, card: ModelCard) -> bytes:
    import onnx
    import onnxscript  # noqa: F401 - or torch says less clearly that it is missing

    least = 2 if isinstance(generator, ResnetGenerator) else 1  # reflection needs more than its border
    multiple = generator.multiple
    sides = {2: multiple * Dim("down", min=least, max=512), 3: multiple * Dim("across", min=least, max=512)}
    with torch.no_grad():
        program: Any = torch.onnx.export(
            NetworkGraph(generator).eval(),
            (_pictures(generator, EXAMPLE),),
            dynamo=True,
            opset_version=OPSET,
            input_names=["image"],
            output_names=outputs_of(generator, card),
            dynamic_shapes={"image": {0: Dim("pictures", min=1, max=64), **sides}},
            verbose=False,
        )
    model = program.model_proto
    facts = {METADATA_KEY: json.dumps(asdict(card), sort_keys=True), MULTIPLE: str(multiple)}
    onnx.helper.set_model_props(model, facts)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _difference(graph: bytes, generator: Generator) -> float:
    """The largest difference between ONNX Runtime's and PyTorch's maps."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    worst = 0.0
    for sides in CHECKED:
        image = _pictures(generator, sides)
        with torch.no_grad():
            wanted = maps_of(generator.predict(image))
        for ours, theirs in zip(session.run(None, {"image": image.numpy()}), wanted, strict=True):
            worst = max(worst, float(np.abs(ours - theirs.numpy()).max()))
    return worst
