"""Scores of the dehazer in training."""

from pathlib import Path

import torch

from claritygan_cli.data.pairs import Pair, find_pairs
from claritygan_cli.engine.generators import Generator
from claritygan_cli.evaluation.evaluate import evaluate_model
from claritygan_cli.evaluation.metrics import Scores, mean_scores
from claritygan_cli.models.translator import Translator

VALIDATED_PAIRS = 40
"""Pairs of a validation folder that are scored at a checkpoint, evenly spread; ``claritygan eval`` takes them all."""


def validation_pairs(folder: Path) -> tuple[str, list[Pair]]:
    """A validation folder's name, and the pairs of it that are scored while training.

    Raises:
        UsageError, DataError: as :func:`claritygan_cli.data.pairs.find_pairs`.
    """
    pairs = find_pairs(folder)
    if len(pairs) <= VALIDATED_PAIRS:
        return folder.name, pairs
    step = len(pairs) / VALIDATED_PAIRS
    return f"{folder.name} ({VALIDATED_PAIRS} of {len(pairs)})", [pairs[int(i * step)] for i in range(VALIDATED_PAIRS)]


def validate_on(folders: dict[str, list[Pair]], dehazer: Generator, device: torch.device) -> dict[str, Scores]:
    """Mean scores of a dehazer on each folder's pairs."""
    translator = Translator(dehazer, device)
    return {
        name: mean_scores([scored.after for scored in evaluate_model(translator, pairs, crop=True)])
        for name, pairs in folders.items()
    }


def mean_psnr(scores: dict[str, Scores]) -> float | None:
    """What "best" means: PSNR, mean over the folders; None without any."""
    values = [value for row in scores.values() if (value := row["psnr"]) is not None]
    return sum(values) / len(values) if values else None
