"""Generators that ONNX Runtime runs: the network graphs that :mod:`claritygan_cli.models.exporting` writes."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from claritygan_cli.engine.estimate import DepthEstimate, Estimate, HazeEstimate, TranslationEstimate
from claritygan_cli.engine.generators import Generator
from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.errors import ModelError, SettingError, UsageError
from claritygan_cli.models.weights import METADATA_KEY, ModelCard

ESTIMATES: dict[tuple[str, ...], type[Estimate]] = {
    ("transmission", "airlight"): HazeEstimate,
    ("depth",): DepthEstimate,
    ("translation",): TranslationEstimate,
}
"""What a graph with outputs of these names predicts."""


class OnnxGenerator(Generator):
    """A network graph on the CPU; otherwise a generator like the others, but not one to train.

    Args:
        graph: the ONNX file's bytes.

    Attributes:
        card: the model card in the graph.

    Raises:
        ModelError: the graph is damaged, or none that :mod:`claritygan_cli.models.exporting` writes for a network.
        UsageError: ONNX Runtime is not installed.
    """

    def __init__(self, graph: bytes) -> None:
        super().__init__()
        self._graph = graph
        self._sessions: dict[int, Any] = {}
        session = self._session(1)
        facts = session.get_modelmeta().custom_metadata_map
        kind = ESTIMATES.get(tuple(output.name for output in session.get_outputs()))
        try:
            self.card = ModelCard(**json.loads(facts[METADATA_KEY]))
            self.multiple, self.working_size = int(facts["multiple"]), int(self.card.architecture["working_size"])
            self.restoration = RestorationConfig.from_dict(self.card.restoration)
        except (KeyError, TypeError, ValueError, SettingError) as error:
            raise ModelError("carries no claritygan model card; it was not made by this tool") from error
        if kind is None:
            raise ModelError("is no network graph; export it without --whole")
        self.kind, self.scatters = kind, kind is not TranslationEstimate

    def _session(self, threads: int) -> Any:
        """The graph, to be run by so many threads."""
        if threads not in self._sessions:
            onnxruntime, damaged = _onnxruntime()
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # beside the pixels' threads
            options.log_severity_level = 3
            try:
                session = onnxruntime.InferenceSession(self._graph, options, providers=["CPUExecutionProvider"])
            except damaged as error:
                raise ModelError("is no ONNX graph that can be run; export it again") from error
            self._sessions[threads] = session
        return self._sessions[threads]

    def predict(self, small: Tensor) -> Estimate:
        """See :class:`Generator`; by as many threads as torch would take."""
        session = self._session(torch.get_num_threads())
        maps = session.run(None, {session.get_inputs()[0].name: small.float().cpu().numpy()})
        return self.kind(*(torch.from_numpy(values).to(small.device) for values in maps))


def _onnxruntime() -> tuple[Any, tuple[type[Exception], ...]]:
    """ONNX Runtime, and what it raises for files that it cannot run."""
    try:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as errors
    except ImportError as error:
        raise UsageError("models of this kind need ONNX Runtime: pip install onnxruntime") from error
    damaged = errors.Fail, errors.InvalidArgument, errors.InvalidGraph, errors.InvalidProtobuf, errors.NotImplemented
    return onnxruntime, damaged


def load_onnx(path: Path) -> OnnxGenerator:
    """A network graph from its file.

    Raises:
        ModelError, UsageError: as :class:`OnnxGenerator`.
    """
    try:
        return OnnxGenerator(path.read_bytes())
    except (ModelError, OSError) as error:
        raise ModelError(f"{path}: {error}") from error
