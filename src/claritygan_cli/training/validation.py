"""Scores of the dehazer in training."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch
from skimage.metrics import peak_signal_noise_ratio

from claritygan_cli.data.pairs import Pair, find_pairs
from claritygan_cli.engine.generators import Generator
from claritygan_cli.errors import ClarityganError
from claritygan_cli.evaluation.evaluate import read_pair, same_size
from claritygan_cli.evaluation.metrics import IDENTICAL_PSNR, Scores, mean_scores, score
from claritygan_cli.models.translator import Translator
from claritygan_cli.training.talk import say

VALIDATED_PAIRS = 40
"""Pairs of a validation folder that are scored at a checkpoint, evenly spread; ``claritygan eval`` takes them all."""


def validation_pairs(folders: Sequence[Path]) -> dict[str, list[Pair]]:
    """The pairs of each validation folder that are scored while training, by the folder's name.

    Raises:
        UsageError, DataError: as :func:`claritygan_cli.data.pairs.find_pairs`.
    """
    found = {}
    for folder in folders:
        pairs = find_pairs(folder)
        name = folder.name if [other.name for other in folders].count(folder.name) == 1 else str(folder)
        if len(pairs) > VALIDATED_PAIRS:
            name, step = f"{name} ({VALIDATED_PAIRS} of {len(pairs)})", len(pairs) / VALIDATED_PAIRS
            pairs = [pairs[int(i * step)] for i in range(VALIDATED_PAIRS)]
        found[name] = pairs
    return found


def validate_on(folders: dict[str, list[Pair]], dehazer: Generator, device: torch.device) -> dict[str, Scores]:
    """Mean scores of a dehazer on each folder's pairs; those that cannot be read are named and taken out."""
    translator, means = Translator(dehazer, device), {}
    for name, pairs in folders.items():
        scores = []
        for pair in tuple(pairs):
            try:
                hazy, truth = read_pair(pair)
                scores.append(score(*same_size(translator(hazy), truth, pair, crop=True)))
            except ClarityganError as error:
                pairs.remove(pair)
                say(f"left out of validation: {error}")
        means[name] = mean_scores(scores)
    return means


def hazy_scores(folders: dict[str, list[Pair]]) -> dict[str, Scores]:
    """PSNR of the pictures as they are, which a dehazer has to beat; broken ones are passed over."""
    means: dict[str, Scores] = {}
    for name, pairs in folders.items():
        values: list[float] = []
        for pair in pairs:
            with suppress(ClarityganError):
                hazy, truth = same_size(*read_pair(pair), pair, crop=True)
                values.append(min(IDENTICAL_PSNR, float(peak_signal_noise_ratio(truth, hazy, data_range=255))))
        means[name] = {"psnr": sum(values) / len(values) if values else None}
    return means


def mean_psnr(scores: dict[str, Scores]) -> float | None:
    """What "best" means: PSNR, mean over the folders; None without any."""
    values = [value for row in scores.values() if (value := row["psnr"]) is not None]
    return sum(values) / len(values) if values else None
