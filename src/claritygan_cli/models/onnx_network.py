"""Network graphs, which :mod:`claritygan_cli.models.exporting` writes, run by ONNX Runtime. Light: no torch here."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.errors import ModelError, SettingError, UsageError
from claritygan_cli.models.card import METADATA_KEY, check_direction, parse_card
from claritygan_cli.models.kinds import Direction

MULTIPLE_KEY = "multiple"
"""Metadata: what the sides of pictures are multiples of."""
FINISHING_KEY = "finishing"
"""Metadata: in base64, the graph of what comes after the network, see :mod:`claritygan_cli.models.finishing`."""
KINDS = (("transmission", "airlight"), ("depth",), ("translation",))
"""Names of the outputs that network graphs have."""
PACKAGES = "onnx onnxruntime onnxscript platformdirs"
"""What the extra ``onnx`` installs."""


@contextmanager
def onnx_packages() -> Iterator[None]:
    """In which a missing package is an error that says what to install.

    Raises:
        UsageError: a package is missing.
    """
    try:
        yield
    except ImportError as error:
        raise UsageError(f"this needs {error.name or 'more packages'}: pip install {PACKAGES}") from error


class OnnxNetwork:
    """A network graph on the CPU.

    Args:
        graph: the ONNX file's bytes.

    Attributes:
        card: the model card in the graph.
        outputs: names of what it predicts, one of :data:`KINDS`.
        multiple: of which the sides of its input are multiples.
        finishing: the graph of what comes after it; None if the file has none.

    Raises:
        ModelError: the graph is damaged, or none that :mod:`claritygan_cli.models.exporting` writes for a network.
        UsageError: ONNX Runtime is not installed.
    """

    def __init__(self, graph: bytes) -> None:
        self._graph = graph
        self._sessions: dict[int, Any] = {}
        session = self._session(1)
        try:
            facts = session.get_modelmeta().custom_metadata_map
            self.outputs = tuple(output.name for output in session.get_outputs())
            self.card = parse_card(facts.get(METADATA_KEY))
            self.multiple, self.working_size = int(facts[MULTIPLE_KEY]), int(self.card.architecture["working_size"])
            self.restoration = RestorationConfig.from_dict(self.card.restoration)
            self.finishing = base64.b64decode(facts[FINISHING_KEY]) if FINISHING_KEY in facts else None
        except (KeyError, TypeError, ValueError, SettingError) as error:
            raise ModelError("carries no claritygan model card; it was not made by this tool") from error
        if self.outputs not in KINDS:
            raise ModelError("is no network graph; export it without --whole")

    def _session(self, threads: int) -> Any:
        """The graph, to be run by so many threads."""
        if threads not in self._sessions:
            self._sessions[threads] = open_session(self._graph, threads)
        return self._sessions[threads]

    def run(self, image: np.ndarray, threads: int = 1) -> list[np.ndarray]:
        """The maps of pictures (N, 3, h, w) float32 in [0, 1], in the order of ``outputs``."""
        maps: list[np.ndarray] = self._session(threads).run(None, {"image": image})
        return maps


def open_session(graph: bytes, threads: int) -> Any:
    """A graph in ONNX Runtime, to be run by so many threads.

    Raises:
        ModelError: it cannot be run.
        UsageError: ONNX Runtime is not installed.
    """
    with onnx_packages():
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as errors
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # beside the pixels' threads
    options.log_severity_level = 3
    options.enable_mem_pattern = False  # or runs after the first take twice the memory, and no less time
    try:
        providers = ["CPUExecutionProvider"]
        return onnxruntime.InferenceSession(graph, options, providers, enable_fallback=0)  # which would print to stdout
    except (
        errors.Fail,
        errors.InvalidArgument,
        errors.InvalidGraph,
        errors.InvalidProtobuf,
        errors.NotImplemented,
        UnicodeDecodeError,
    ) as error:
        raise ModelError("is no ONNX graph that can be run; export it again") from error


def load_network(path: Path, direction: Direction | None = None, sha256: str | None = None) -> OnnxNetwork:
    """A network graph from its file.

    Args:
        direction: what it is wanted for; None for either.
        sha256: what the file must hash to, where that is known.

    Raises:
        ModelError: as :class:`OnnxNetwork`, or the hash is another.
        UsageError: as :class:`OnnxNetwork`, or the network is for the other direction.
    """
    try:
        data = path.read_bytes()
        if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
            raise ModelError("does not match its checksum in the catalogue; install claritygan again")
        network = OnnxNetwork(data)
    except (ModelError, OSError) as error:
        raise ModelError(f"{path}: {error}") from error
    check_direction(network.card, direction, path)
    return network
