"""Scores of the dehazer in training."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from claritygan_cli.data.pairs import ImagePair, find_pairs
from claritygan_cli.engine.generators import Generator
from claritygan_cli.errors import ClarityganError, DataError, ImageError
from claritygan_cli.evaluation.evaluate import read_pair, same_size
from claritygan_cli.evaluation.metrics import Scores, mean_scores, psnr, score
from claritygan_cli.media.image_reader import picture_size
from claritygan_cli.models.image_translator import ImageTranslator
from claritygan_cli.training.console import say

VALIDATED_PAIRS = 40
"""Pairs of a validation folder that are scored at a checkpoint, evenly spread; ``claritygan eval`` takes them all."""


def validation_pairs(folders: Sequence[Path]) -> dict[str, list[ImagePair]]:
    """The pairs of each validation folder that are scored while training, by the folder's name.

    Raises:
        UsageError, DataError: as :func:`claritygan_cli.data.pairs.find_pairs`.
    """
    found = {}
    for folder in folders:
        pairs = find_pairs(folder)
        check_sizes(pairs)
        name = folder.name if [other.name for other in folders].count(folder.name) == 1 else str(folder)
        if len(pairs) > VALIDATED_PAIRS:
            name, step = f"{name} ({VALIDATED_PAIRS} of {len(pairs)})", len(pairs) / VALIDATED_PAIRS
            pairs = [pairs[int(i * step)] for i in range(VALIDATED_PAIRS)]
        found[name] = pairs
    return found


def check_sizes(pairs: Sequence[ImagePair]) -> None:
    """See that pictures and truths have the same size, as ``claritygan eval`` wants it. Those that cannot be read are
    named later.

    Raises:
        DataError: a pair has two sizes.
    """
    for pair in pairs:
        try:
            picture, truth = picture_size(pair.picture), picture_size(pair.truth)
        except ImageError:
            continue
        if picture != truth:
            sizes = f"{picture[0]}x{picture[1]} and {truth[0]}x{truth[1]}"
            raise DataError(f"{pair.picture}: its ground truth {pair.truth} has another size ({sizes}); cut it to size")


def _means(
    folders: dict[str, list[ImagePair]],
    translate: Callable[[np.ndarray], np.ndarray],
    measure: Callable[[np.ndarray, np.ndarray], Scores],
) -> dict[str, Scores]:
    """Mean scores on each folder's pairs; those that cannot be read are named and taken out."""
    means = {}
    for name, pairs in folders.items():
        scores = []
        for pair in tuple(pairs):
            try:
                hazy, truth = read_pair(pair)
                scores.append(measure(*same_size(translate(hazy), truth, pair, crop=False)))
            except ClarityganError as error:
                pairs.remove(pair)
                say(f"left out of validation: {error}")
        means[name] = mean_scores(scores)
    return means


def validate_on(folders: dict[str, list[ImagePair]], dehazer: Generator, device: torch.device) -> dict[str, Scores]:
    """Mean scores of a dehazer on each folder's pairs; those that cannot be read are named and taken out."""
    return _means(folders, ImageTranslator(dehazer, device), score)


def hazy_psnr(folders: dict[str, list[ImagePair]]) -> dict[str, Scores]:
    """PSNR of the hazy pictures themselves, which a dehazer has to beat; broken ones as in :func:`validate_on`."""
    return _means(folders, lambda hazy: hazy, lambda a, b: {"psnr": psnr(a, b), "ssim": None, "ciede2000": None})


def mean_psnr(scores: dict[str, Scores]) -> float | None:
    """What "best" means: PSNR, mean over the folders; None without any."""
    return mean_scores(list(scores.values()))["psnr"]
