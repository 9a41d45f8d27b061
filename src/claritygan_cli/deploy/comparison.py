"""A quantized model beside the one that it was made from: size, time and scores."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch

from claritygan_cli.data.pairs import find_pairs
from claritygan_cli.evaluation.evaluate import evaluate_examples, evaluate_model
from claritygan_cli.evaluation.metrics import Scores, mean_scores, score
from claritygan_cli.models.image_translator import ImageTranslator
from claritygan_cli.models.loading import load_translator

ROUNDS = 15


@dataclass(frozen=True)
class Figures:
    """Of one model.

    Attributes:
        bytes: of its file.
        seconds: that its network takes for a photo at the working size, the median of several.
        scores: means over the pairs.
    """

    bytes: int
    seconds: float
    scores: Scores


def latencies(networks: Sequence[Callable[[torch.Tensor], object]], view: torch.Tensor) -> list[float]:
    """Seconds of each network for one photo: medians of rounds in which they take turns.

    Args:
        view: the photo at the working size, (1, 3, h, w) in [0, 1].
    """
    taken: list[list[float]] = [[] for _ in networks]
    with torch.inference_mode():
        for network in networks:
            network(view)
        for _ in range(ROUNDS):
            for network, seconds in zip(networks, taken, strict=True):
                started = time.perf_counter()
                network(view)
                seconds.append(time.perf_counter() - started)
    return [median(seconds) for seconds in taken]


def dehazing_scores(translator: ImageTranslator, pairs: Path | None) -> Scores:
    """Means over a folder of pairs; over the built-in examples without one.

    Raises:
        UsageError, DataError, ImageError: the folder has no pairs, or they cannot be read or compared.
    """
    if pairs is None:
        scored = list(evaluate_examples(translator, load_translator("hazify", device="cpu")))
    else:
        scored = list(evaluate_model(translator, find_pairs(pairs)))
    return mean_scores([one.after for one in scored])


def agreement(translator: ImageTranslator, other: ImageTranslator, photos: Sequence[np.ndarray]) -> Scores:
    """Scores of one model's results against another's: means over photos (H, W, 3) uint8."""
    return mean_scores([score(translator(photo), other(photo)) for photo in photos])
