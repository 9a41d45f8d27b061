"""Scores of finished pictures, of a model on a data set, and of an installation."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from claritygan_cli.data.pairs import ImagePair
from claritygan_cli.errors import DataError
from claritygan_cli.evaluation.examples import examples
from claritygan_cli.evaluation.metrics import Scores, score
from claritygan_cli.media.image_reader import read_picture
from claritygan_cli.models.photo_translator import PhotoTranslator


@dataclass(frozen=True)
class Scored:
    """A picture's scores; ``before`` are those of the hazy picture where there is one."""

    name: str
    after: Scores
    before: Scores | None = None


def center_crop(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The middle of a picture; an odd remainder is cut at the bottom and right."""
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def same_size(picture: np.ndarray, truth: np.ndarray, pair: ImagePair, crop: bool) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures of one size.

    Args:
        crop: cut both to their common middle where their sizes differ.

    Raises:
        DataError: the sizes differ and ``crop`` is off.
    """
    if picture.shape == truth.shape:
        return picture, truth
    if not crop:
        sizes = f"{picture.shape[1]}x{picture.shape[0]} and {truth.shape[1]}x{truth.shape[0]}"
        raise DataError(
            f"{pair.picture}: its ground truth {pair.truth} has another size ({sizes}); "
            "cropping to the center compares their common middle"
        )
    height, width = (min(a, b) for a, b in zip(picture.shape[:2], truth.shape[:2], strict=True))
    return center_crop(picture, height, width), center_crop(truth, height, width)


def read_pair(pair: ImagePair) -> tuple[np.ndarray, np.ndarray]:
    """Picture and truth, (H, W, 3) uint8 each.

    Raises:
        ImageError: a file cannot be read.
    """
    return read_picture(pair.picture).at_8_bits().pixels, read_picture(pair.truth).at_8_bits().pixels


def evaluate_model(translator: PhotoTranslator, pairs: Iterable[ImagePair], crop: bool = False) -> Iterator[Scored]:
    """Dehaze the hazy pictures, whole, and score them.

    Raises:
        ImageError, DataError: see :func:`read_pair` and :func:`same_size`.
    """
    for pair in pairs:
        hazy, truth = read_pair(pair)
        before = score(*same_size(hazy, truth, pair, crop))
        yield Scored(pair.name, score(*same_size(translator(hazy), truth, pair, crop)), before)


def evaluate_pictures(pairs: Iterable[ImagePair], crop: bool = False) -> Iterator[Scored]:
    """Score finished pictures.

    Raises:
        ImageError, DataError: see :func:`read_pair` and :func:`same_size`.
    """
    for pair in pairs:
        yield Scored(pair.name, score(*same_size(*read_pair(pair), pair, crop)))


def evaluate_examples(dehazer: PhotoTranslator, hazifier: PhotoTranslator) -> Iterator[Scored]:
    """Score a dehazer on the built-in examples."""
    for example in examples(hazifier):
        yield Scored(example.name, score(dehazer(example.hazy), example.clear), score(example.hazy, example.clear))
