"""Scores of finished videos, frame by frame."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import av
import numpy as np

from claritygan_cli.data.pairs import ImagePair
from claritygan_cli.errors import DataError, UsageError
from claritygan_cli.evaluation.evaluate import Scored, Thumbnail, same_size, small_copies
from claritygan_cli.evaluation.metrics import score
from claritygan_cli.media.find import image_files, is_video
from claritygan_cli.media.image_reader import read_picture
from claritygan_cli.media.video_reader import VideoReader
from claritygan_cli.models.colour_coding import BT709, settled_matrix

BT601_OF_SWSCALE, BT2020_OF_SWSCALE = 5, 9


def is_frames(path: Path) -> bool:
    """Whether a path stands for frames in order where pictures are expected: a video file."""
    return path.is_file() and is_video(path)


def frames(path: Path) -> Iterator[np.ndarray]:
    """Frames of a video, or the pictures of a folder in the order of their names: (H, W, 3) uint8.

    Raises:
        ImageError: a file cannot be read.
        DataError: a video is damaged.
        UsageError: there are none.
    """
    if path.is_dir():
        files = image_files(path)
        if not files:
            raise UsageError(f"{path}: no pictures there")
        yield from (read_picture(file).at_8_bits().pixels for file in files)
        return
    with VideoReader(path) as video:
        for piece in video.pieces():
            if isinstance(piece, av.VideoFrame):
                matrix = settled_matrix(video.tags[0], piece.width, piece.height)
                known = {BT709: BT709, 9: BT2020_OF_SWSCALE, 10: BT2020_OF_SWSCALE}
                source = None if piece.format.is_rgb else known.get(matrix, BT601_OF_SWSCALE)
                yield piece.reformat(format="rgb24", src_colorspace=source).to_ndarray()
        if video.problems:
            raise DataError(f"{path}: damaged video ({'; '.join(video.problems)})")


def evaluate_frames(pred: Path, gt: Path, crop: bool = False, thumbnail: Thumbnail | None = None) -> Iterator[Scored]:
    """Score a finished video against its ground truth, a video or a folder of frames.

    Raises:
        DataError: one of them ends before the other, or a frame has another size.
        ImageError, UsageError: see :func:`frames`.
    """
    for number, (ours, truth) in enumerate(zip_longest(frames(pred), frames(gt)), 1):
        if ours is None or truth is None:
            short, long = (pred, gt) if ours is None else (gt, pred)
            raise DataError(f"{short}: has {number - 1} frames, and {long} has more; cut them to the same length")
        pair = ImagePair(f"frame {number}", pred, gt)
        pictures = small_copies(thumbnail, picture=ours, truth=truth)
        yield Scored(pair.name, score(*same_size(ours, truth, pair, crop)), pictures=pictures)
