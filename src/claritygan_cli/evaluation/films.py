"""Scores of finished films, frame by frame."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import av
import numpy as np

from claritygan_cli.data.folders import image_files
from claritygan_cli.data.pairs import Pair
from claritygan_cli.errors import DataError, UsageError
from claritygan_cli.evaluation.evaluate import Scored, same_size
from claritygan_cli.evaluation.metrics import score
from claritygan_cli.media.files import read_picture
from claritygan_cli.media.film_formats import is_film
from claritygan_cli.media.film_reader import FilmReader
from claritygan_cli.models.film import BT709, settled_matrix

BT601_OF_SWSCALE, BT2020_OF_SWSCALE = 5, 9


def is_frames(path: Path) -> bool:
    """Whether a path stands for frames in order where pictures are expected: a film file."""
    return path.is_file() and is_film(path)


def frames(path: Path) -> Iterator[np.ndarray]:
    """Frames of a film, or the pictures of a folder in the order of their names: (H, W, 3) uint8.

    Raises:
        ImageError: a file cannot be read.
        DataError: a film is damaged.
        UsageError: there are none.
    """
    if path.is_dir():
        files = image_files(path)
        if not files:
            raise UsageError(f"{path}: no pictures there")
        yield from (read_picture(file).at_8_bits().pixels for file in files)
        return
    with FilmReader(path) as film:
        for piece in film.pieces():
            if isinstance(piece, av.VideoFrame):
                matrix = settled_matrix(film.tags[0], piece.width, piece.height)
                known = {BT709: BT709, 9: BT2020_OF_SWSCALE, 10: BT2020_OF_SWSCALE}
                source = None if piece.format.is_rgb else known.get(matrix, BT601_OF_SWSCALE)
                yield piece.reformat(format="rgb24", src_colorspace=source).to_ndarray()
        if film.problems:
            raise DataError(f"{path}: damaged film ({'; '.join(film.problems)})")


def evaluate_frames(pred: Path, gt: Path, crop: bool = False) -> Iterator[Scored]:
    """Score a finished film against its ground truth, a film or a folder of frames.

    Raises:
        DataError: one of them ends before the other, or a frame has another size.
        ImageError, UsageError: see :func:`frames`.
    """
    for number, (ours, truth) in enumerate(zip_longest(frames(pred), frames(gt)), 1):
        if ours is None or truth is None:
            short, long = (pred, gt) if ours is None else (gt, pred)
            raise DataError(f"{short}: has {number - 1} frames, and {long} has more; cut them to the same length")
        pair = Pair(f"frame {number}", pred, gt)
        yield Scored(pair.name, score(*same_size(ours, truth, pair, crop)))
