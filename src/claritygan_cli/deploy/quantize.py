"""A model file quantized, judged and written."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from claritygan_cli.atomic import written_whole
from claritygan_cli.deploy.comparison import Figures, agreement, dehazing_scores, latencies
from claritygan_cli.deploy.options import Method, QuantizeOptions
from claritygan_cli.deploy.quantizers import Quantized, quantize_dynamically, quantize_statically
from claritygan_cli.errors import ImageError, ModelError, SettingError
from claritygan_cli.evaluation.examples import examples
from claritygan_cli.evaluation.metrics import METRICS
from claritygan_cli.evaluation.report import DECIMALS
from claritygan_cli.media.find import image_files
from claritygan_cli.media.image_reader import read_picture
from claritygan_cli.models.exporting import finishing_of, graph_bytes, graph_of, with_card
from claritygan_cli.models.finding import find_card
from claritygan_cli.models.image_translator import ImageTranslator
from claritygan_cli.models.loading import load_translator, open_model, quicken
from claritygan_cli.models.onnx_generator import OnnxGenerator
from claritygan_cli.models.onnx_network import OnnxNetwork, onnx_packages

logger = logging.getLogger(__name__)

CPU = torch.device("cpu")
ENOUGH_AGREEMENT = 35.0
"""PSNR, in dB, of a quantized hazifier's pictures against those of the model itself, that counts as no loss."""


@dataclass(frozen=True)
class Report:
    """What quantization did.

    Attributes:
        before, after: of the model in PyTorch, and quantized in ONNX Runtime.
        onnx_seconds: of the model in ONNX Runtime, not quantized.
        photo_size: height and width of the photo that the times are of, as the network sees it.
    """

    method: Method
    layers: int
    in_float: list[str]
    before: Figures
    after: Figures
    onnx_seconds: float
    photo_size: tuple[int, int]
    threads: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def quantize_model(name: str, options: QuantizeOptions, progress: Callable[[float], None]) -> Report:
    """Quantize a model, compare it with what it was, and write it, whole or not at all.

    Args:
        name: a bundled model, a weights file, or a run folder (its dehazer).
        progress: is told the share of the work that is done.

    Raises:
        ModelError: more is lost than may be, or the model is none that this can be done with.
        SettingError: the folders do not go with the model.
        UsageError, ImageError, DataError: a package is missing, or the photos or pairs cannot be read.
    """
    direction = find_card(name).direction
    generator, card = open_model(name, direction)
    if isinstance(generator, OnnxGenerator):
        raise ModelError(f"{name}: is an ONNX graph already; name the model that it was made from")
    if direction == "hazify" and options.pairs is not None:
        raise SettingError("pairs", options.pairs, "pairs score dehazers; a hazifier is compared with itself")
    with onnx_packages():
        graph = graph_of(generator, card, whole=False)
        plain, finishing = with_card(graph_bytes(graph), card, graph.multiple), finishing_of(graph)
        quicken(generator)
        translator = ImageTranslator(generator, CPU)
        views = _views(translator, options)
        if options.method == "static":
            made = quantize_statically(plain, [view.numpy() for view in views], progress)
        else:
            made = quantize_dynamically(plain)
        quantized, onnx = (
            OnnxGenerator(OnnxNetwork(data)) for data in (with_card(made.graph, card, graph.multiple), plain)
        )
    report = _compared(translator, ImageTranslator(quantized, CPU), onnx, views[0], made, options)
    before, after = (figures.scores["psnr"] or 0.0 for figures in (report.before, report.after))
    lost = (before if direction == "dehaze" else ENOUGH_AGREEMENT) - after
    if lost > options.max_drop and not options.force:
        raise ModelError(
            f"{options.out}: not written: {lost:.2f} dB would be lost, and {options.max_drop:g} may be\n{table(report)}"
        )
    scored_on = options.pairs.name if options.pairs else "built-in examples"
    scores = {scored_on: report.after.scores} if direction == "dehaze" else {}
    card = replace(card, scores=scores, recipe={**card.recipe, "quantization": report.as_dict()})
    with written_whole(options.out) as file:
        file.write(with_card(made.graph, card, graph.multiple, finishing))
    return report


def _views(translator: ImageTranslator, options: QuantizeOptions) -> list[torch.Tensor]:
    """Photos as the network sees them, (1, 3, h, w); those that cannot be read are named and left out.

    Raises:
        SettingError: there is no photo in the folder, or none that can be read.
    """
    if options.calibration is None:
        return [translator.small_copy(photo) for photo in _clear_photos()]
    found = image_files(options.calibration)
    if not found:
        raise SettingError("calibration", options.calibration, "no such folder, or no photos in it")
    chosen = found[:: max(1, len(found) // options.photos)][: options.photos]
    views = []
    for path in chosen:
        try:
            views.append(translator.small_copy(read_picture(path).at_8_bits().pixels))
        except ImageError as error:
            logger.warning("left out: %s", error)
    if not views:
        raise SettingError("calibration", options.calibration, "no photo there can be read")
    return views


def _clear_photos() -> list[np.ndarray]:
    return [example.clear for example in examples(load_translator("hazify", device="cpu"))]


def _compared(
    translator: ImageTranslator,
    quantized: ImageTranslator,
    plain: OnnxGenerator,
    view: torch.Tensor,
    made: Quantized,
    options: QuantizeOptions,
) -> Report:
    networks = translator.generator, plain, quantized.generator
    seconds = latencies([network.predict for network in networks], view)
    if plain.card.direction == "dehaze":
        scores = [dehazing_scores(one, options.pairs) for one in (translator, quantized)]
    else:
        photos = _clear_photos()
        scores = [agreement(one, translator, photos) for one in (translator, quantized)]
    weights = 4 * sum(parameter.numel() for parameter in translator.generator.parameters())
    return Report(
        options.method,
        made.layers,
        made.in_float,
        Figures(weights, seconds[0], scores[0]),
        Figures(len(made.graph), seconds[2], scores[1]),
        seconds[1],
        (view.shape[2], view.shape[3]),
        torch.get_num_threads(),
    )


def table(report: Report) -> str:
    """A report for people."""
    before, after = report.before, report.after
    height, width = report.photo_size
    rows = [
        f"{'':<28}{'before':>10}{'after':>10}",
        f"{'weights in memory, MiB':<28}{before.bytes / 2**20:>10.1f}{after.bytes / 2**20:>10.1f}",
        f"{f'network, {width}x{height}, ms':<28}{1000 * before.seconds:>10.1f}{1000 * after.seconds:>10.1f}",
    ]
    for metric in METRICS:
        values = [figures.scores[metric] for figures in (before, after)]
        shown = ["-" if value is None else f"{value:.{DECIMALS[metric]}f}" for value in values]
        rows.append(f"{metric:<28}{shown[0]:>10}{shown[1]:>10}")
    whole = report.layers - len(report.in_float)
    rows.append(f"{report.method}: {whole} of {report.layers} convolutions in 8 bits; {report.threads} threads.")
    rows.append(f"ONNX Runtime takes {1000 * report.onnx_seconds:.1f} ms for the model that is not quantized.")
    if after.seconds >= 0.95 * report.onnx_seconds:
        rows.append("So this brings no speed on this machine.")
    return "\n".join(rows)
