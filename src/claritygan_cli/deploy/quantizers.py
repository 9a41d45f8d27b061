"""Network graphs whose convolutions compute with 8-bit whole numbers, by ONNX Runtime's quantizer.

Static: weights have a scale for each channel (Krishnamoorthi, arXiv:1806.08342, 2018), activations one for each map,
from the ranges that photos give, without the outermost values. Layers that would cost most stay in floating point:
each one's cost is measured. Dynamic: activations' ranges are found anew at each run.
"""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from claritygan_cli.models.onnx_network import open_session
from claritygan_cli.processors import processors

OPERATORS = ("Conv", "ConvTranspose")
PERCENTILE = 99.99
"""Share of an activation's values within its range, in percent; with all of them scattering-dehaze loses 1 dB more."""
KEPT_ERROR = 2.5e-4
"""Sum of the layers' squared errors (of finished pictures in [0, 1]) that may stay; layers with the largest ones stay
in floating point for it. Errors add up: together, layers are within a tenth of it."""
JUDGED = 8
"""Photos on which each layer's error is measured."""


@dataclass(frozen=True)
class Quantized:
    """A quantized graph.

    Attributes:
        graph: the ONNX file's bytes.
        layers: convolutions in it.
        in_float: names of those that stay in floating point.
    """

    graph: bytes
    layers: int
    in_float: list[str] = field(default_factory=list)


class _Views:
    """Photos in the form that ONNX Runtime's calibration reads them."""

    def __init__(self, name: str, views: Sequence[np.ndarray]) -> None:
        self._left = iter([{name: view} for view in views])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """One more."""
        return next(self._left, None)


def quantize_dynamically(graph: bytes) -> Quantized:
    """A graph with weights in 8 bits, and activations that are brought to 8 bits at each run."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        source, prepared, made = (Path(folder) / f"{name}.onnx" for name in ("float", "prepared", "quantized"))
        source.write_bytes(graph)
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        # ConvInteger has no signed weights on the CPU
        quantize_dynamic(prepared, made, op_types_to_quantize=["Conv", "MatMul", "Gemm"], weight_type=QuantType.QUInt8)
        layers = [node for node in onnx.load(prepared).graph.node if node.op_type in OPERATORS]
        left = [node.name for node in layers if node.op_type != "Conv"]
        return Quantized(made.read_bytes(), len(layers), left)


def quantize_statically(
    graph: bytes, views: Sequence[np.ndarray], progress: Callable[[float], None] = lambda share: None
) -> Quantized:
    """A graph whose convolutions run in 8 bits, but for those whose error is largest.

    Args:
        views: photos as the network sees them, (1, 3, h, w) float32 in [0, 1].
        progress: is told the share of the work that is done.
    """
    import onnx
    from onnxruntime.quantization.calibrate import CalibrationMethod, create_calibrator
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        source, prepared = Path(folder) / "float.onnx", Path(folder) / "prepared.onnx"
        source.write_bytes(graph)
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        model = onnx.load(prepared)
        name = model.graph.input[0].name
        layers = [node.name for node in model.graph.node if node.op_type in OPERATORS]
        calibrator = create_calibrator(
            prepared,
            list(OPERATORS),
            str(Path(folder) / "augmented.onnx"),
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={"percentile": PERCENTILE},
        )
        with redirect_stdout(StringIO()):  # it talks
            for number, view in enumerate(
                views
            ):  # one by one, since sizes differ, and all activations are kept meanwhile
                calibrator.collect_data(_Views(name, [view]))
                progress(0.5 * number / len(views))
            ranges = calibrator.compute_data()
        judged = list(views[:: max(1, len(views) // JUDGED)][:JUDGED])
        wanted = _results(model.SerializeToString(), name, judged)
        errors = {}
        for number, layer in enumerate(layers):
            alone = _with_whole_numbers(prepared, ranges, [layer])
            errors[layer] = _squared_error(_results(alone, name, judged), wanted)
            progress(0.5 + 0.5 * number / len(layers))
        in_float = costly(errors, KEPT_ERROR)
        made = _with_whole_numbers(prepared, ranges, [layer for layer in layers if layer not in in_float])
        return Quantized(made, len(layers), in_float)


def costly(errors: dict[str, float], kept: float) -> list[str]:
    """The fewest layers without which the others' errors sum to at most ``kept``."""
    left, found = sum(errors.values()), []
    for layer in sorted(errors, key=lambda layer: -errors[layer]):
        if left <= kept:
            break
        found.append(layer)
        left -= errors[layer]
    return found


def _with_whole_numbers(prepared: Path, ranges: Any, layers: list[str]) -> bytes:
    """The graph with these of its convolutions in 8 bits."""
    import onnx
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    quantizer = QDQQuantizer(
        onnx.load(prepared),
        True,  # a scale for each channel of the weights
        False,
        QuantType.QInt8,
        QuantType.QUInt8,
        ranges,
        layers,
        [],
        list(OPERATORS),
        {},
    )
    quantizer.quantize_model()
    return quantizer.model.model.SerializeToString()


def _results(graph: bytes, name: str, views: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What a graph makes of photos, see :func:`_result`."""
    session = open_session(graph, processors())
    return [_result(view, session.run(None, {name: view})) for view in views]


def _result(view: np.ndarray, maps: list[np.ndarray]) -> np.ndarray:
    """The photo without the haze that was seen, at the size of the transmission, since an error of the airlight shows
    elsewhere than one of the transmission; of networks that predict one map, the map."""
    if len(maps) == 1:
        return maps[0]
    transmission, airlight = maps
    hazy, airlight = (_sampled(values, transmission.shape[2:]) for values in (view, airlight))
    return (hazy - airlight) / transmission + airlight


def _sampled(values: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Maps (N, C, h, w) at another size, by their nearest values."""
    rows, columns = (np.arange(wanted) * own // wanted for wanted, own in zip(size, values.shape[2:], strict=True))
    return values[:, :, rows[:, None], columns]


def _squared_error(found: list[np.ndarray], wanted: list[np.ndarray]) -> float:
    """Mean squared difference, all photos alike."""
    return float(np.mean([np.square(ours - theirs).mean() for ours, theirs in zip(found, wanted, strict=True)]))
