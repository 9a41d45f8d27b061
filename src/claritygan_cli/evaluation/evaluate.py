"""Scores of finished pictures, of a model on a data set, and of an installation."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from claritygan_cli.data.pairs import ImagePair
from claritygan_cli.errors import DataError
from claritygan_cli.evaluation.examples import examples
from claritygan_cli.evaluation.metrics import Scores, score
from claritygan_cli.media.image_reader import read_picture
from claritygan_cli.models.photo_translator import PhotoTranslator


@dataclass(frozen=True)
class Scored:
    """A picture's scores; ``before`` are those of the hazy picture where there is one; small copies of the pictures, by
    their captions, where they are wanted."""

    name: str
    after: Scores
    before: Scores | None = None
    pictures: Mapping[str, bytes] = field(default_factory=dict)


Thumbnail = Callable[[np.ndarray], bytes]
"""Makes a small copy of a picture, (H, W, 3) uint8."""


def small_copies(thumbnail: Thumbnail | None, **pictures: np.ndarray) -> dict[str, bytes]:
    """Small copies of pictures, by their captions; none without what makes them."""
    return {caption: thumbnail(pixels) for caption, pixels in pictures.items()} if thumbnail else {}


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


def evaluate_model(
    translator: PhotoTranslator, pairs: Iterable[ImagePair], crop: bool = False, thumbnail: Thumbnail | None = None
) -> Iterator[Scored]:
    """Dehaze the hazy pictures, whole, and score them.

    Raises:
        ImageError, DataError: see :func:`read_pair` and :func:`same_size`.
    """
    for pair in pairs:
        hazy, truth = read_pair(pair)
        before = score(*same_size(hazy, truth, pair, crop))
        dehazed = translator(hazy)
        pictures = small_copies(thumbnail, hazy=hazy, dehazed=dehazed, truth=truth)
        yield Scored(pair.name, score(*same_size(dehazed, truth, pair, crop)), before, pictures)


def evaluate_pictures(
    pairs: Iterable[ImagePair], crop: bool = False, thumbnail: Thumbnail | None = None
) -> Iterator[Scored]:
    """Score finished pictures.

    Raises:
        ImageError, DataError: see :func:`read_pair` and :func:`same_size`.
    """
    for pair in pairs:
        picture, truth = read_pair(pair)
        pictures = small_copies(thumbnail, picture=picture, truth=truth)
        yield Scored(pair.name, score(*same_size(picture, truth, pair, crop)), pictures=pictures)


def evaluate_examples(
    dehazer: PhotoTranslator, hazifier: PhotoTranslator, thumbnail: Thumbnail | None = None
) -> Iterator[Scored]:
    """Score a dehazer on the built-in examples."""
    for example in examples(hazifier):
        dehazed = dehazer(example.hazy)
        pictures = small_copies(thumbnail, hazy=example.hazy, dehazed=dehazed, truth=example.clear)
        before, after = (score(pixels, example.clear) for pixels in (example.hazy, dehazed))
        yield Scored(example.name, after, before, pictures)
