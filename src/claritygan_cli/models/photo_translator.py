"""What translates photos, and which runtime does it. Light: torch is imported only where it is to run.

ONNX Runtime starts in a fraction of the time and of the memory that torch takes; torch has the GPU, videos and networks
that translate pixels.
"""

import logging
import shutil
import sys
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from claritygan_cli.errors import ModelError, SettingError, UsageError
from claritygan_cli.models.catalogue import catalogue, weights_folder
from claritygan_cli.models.finding import find_model
from claritygan_cli.models.kinds import TILE, Device, Direction, Runtime
from claritygan_cli.models.onnx_network import PACKAGES
from claritygan_cli.processors import cpu_flags

if TYPE_CHECKING:
    import numpy as np

    from claritygan_cli.engine.amounts import Amount
    from claritygan_cli.engine.haze_summary import HazeSummary

logger = logging.getLogger(__name__)

INT8_FLAGS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})
"""Processors with one of these multiply 8-bit numbers faster than others."""
GPU_SIGNS = tuple(map(Path, ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")))
"""What Linux has where torch may find a GPU."""


class PhotoTranslator(Protocol):
    """A model, ready for photos."""

    @property
    def scatters(self) -> bool:
        """Whether it estimates haze or depth, and no pixels."""
        ...

    def parallel(self) -> AbstractContextManager[None]:
        """In which threads that begin give photos, each its own."""
        ...

    def __call__(self, pixels: "np.ndarray", amount: "Amount | None" = None, threads: int = 0) -> "np.ndarray":
        """A photo translated, as :meth:`translate` does it."""
        ...

    def translate(
        self, pixels: "np.ndarray", amount: "Amount | None" = None, threads: int = 0
    ) -> "tuple[np.ndarray, HazeSummary | None]":
        """Translate a photo. Threads may call this at once.

        Args:
            pixels: (H, W, 3), uint8 or uint16; not changed.
            amount: of haze to take out or to put in; None for the default.
            threads: CPU threads that share the full-size pixels; 0 for all cores. They change no byte.

        Returns:
            (H, W, 3) of the same type, and the haze that was seen, by a dehazer that estimates it.
        """
        ...

    def transmission(self, pixels: "np.ndarray") -> "np.ndarray | None":
        """The transmission that a dehazer sees in a photo (H, W, 3): (h, w) in (0, 1], at the network's resolution;
        None where it sees none."""
        ...


def load_photo_translator(
    direction: Direction,
    model: str | None = None,
    device: Device = "auto",
    threads: int = 0,
    working_size: int | None = None,
    tile: int = TILE,
    runtime: Runtime = "auto",
) -> PhotoTranslator:
    """A model, ready for photos.

    Args:
        runtime: ``torch``; ``onnx`` for ONNX Runtime, for which weights files are converted once; ``auto`` for ONNX
            Runtime where it is installed, no GPU is there, and the model is a graph, or the bundled one on a processor
            that is fast with 8-bit numbers.

    Others as of :func:`claritygan_cli.models.loading.load_translator`.

    Raises:
        ModelError, UsageError: there is no such model, device or runtime, or the file is damaged.
    """
    graph, sha256 = graph_file(direction, model, device, runtime) or (None, None)
    if graph is not None:
        from claritygan_cli.models.onnx_network import load_network
        from claritygan_cli.models.onnx_translator import OnnxTranslator

        network = load_network(graph, direction, sha256)
        if network.finishing is not None:
            return OnnxTranslator(network, working_size, threads)
        model = str(graph)
    from claritygan_cli.models.loading import load_translator

    return load_translator(direction, model, device, threads, working_size, tile)


def graph_file(
    direction: Direction, model: str | None, device: Device, runtime: Runtime
) -> tuple[Path, str | None] | None:
    """The ONNX file that ONNX Runtime is to run and, for a bundled one, its checksum; None where torch is to run.

    Raises:
        ModelError, UsageError: as :func:`load_photo_translator`.
    """
    installed = find_spec("onnxruntime") is not None
    if runtime == "torch" or (runtime == "auto" and (not installed or device not in ("auto", "cpu"))):
        return None
    if runtime == "auto" and device == "auto" and may_have_gpu():
        return None
    if device not in ("auto", "cpu"):
        raise SettingError("device", device, "ONNX Runtime runs on the CPU; leave this out, or the runtime")
    if not installed:
        raise UsageError(f"ONNX Runtime is not installed: pip install {PACKAGES}")
    if runtime == "auto" and model is None:
        quick = [entry for entry in catalogue() if entry.int8_default and entry.direction == direction]
        if quick and INT8_FLAGS & cpu_flags():
            return weights_folder() / quick[0].file, quick[0].sha256
    path, sha256 = find_model(model, direction)
    if path.suffix == ".onnx":
        return path, sha256
    return (converted(path, sha256), None) if runtime == "onnx" else None


def may_have_gpu() -> bool:
    """Whether torch may find a GPU here; asking itself would take a second."""
    return sys.platform == "darwin" or any(sign.exists() for sign in GPU_SIGNS) or bool(shutil.which("nvidia-smi"))


def converted(path: Path, sha256: str | None) -> Path:
    """A weights file's network graph, from the user's cache; there it is written where it is missing.

    Raises:
        ModelError, UsageError: the file is damaged, or a package is missing.
    """
    from claritygan_cli import __version__
    from claritygan_cli.atomic import file_sha256
    from claritygan_cli.models.onnx_network import onnx_packages

    with onnx_packages():
        from platformdirs import user_cache_path
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    graph = user_cache_path("claritygan") / f"{path.stem}-{file_sha256(path)[:16]}-{__version__}.onnx"
    if not graph.is_file():
        from claritygan_cli.models.exporting import export_graph, graph_of
        from claritygan_cli.models.weights import load_model

        logger.warning("%s is converted for ONNX Runtime, once", path.name)
        generator, card = load_model(path, sha256)
        export_graph(graph_of(generator, card, whole=False), card, graph)
    return graph
