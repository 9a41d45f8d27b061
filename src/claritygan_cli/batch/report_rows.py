"""What the report page shows of each job."""

from itertools import islice
from pathlib import Path

import numpy as np

from claritygan_cli.batch.plan import Job
from claritygan_cli.batch.tasks import CAPTIONS
from claritygan_cli.batch.worker import Result
from claritygan_cli.errors import ClarityganError
from claritygan_cli.evaluation.evaluate import Thumbnail
from claritygan_cli.evaluation.report_page import Row, rounded
from claritygan_cli.media.image_reader import read_picture
from claritygan_cli.media.remote import local_copy
from claritygan_cli.models.kinds import Direction

FRAME = 25
"""Of a video, which is shown; its last one where it is shorter."""


def row_of(result: Result, direction: Direction, thumbnail: Thumbnail, max_pixels: int) -> Row:
    """The row of a job.

    Pictures that the result does not bring along, those of videos and of results that were there already, are read.

    Args:
        thumbnail: makes a small copy.
        max_pixels: photos with more are not read.
    """
    pictures = dict(result.pictures)
    message = result.message
    if not pictures and result.written:
        try:
            pictures = read_pictures(result.job, direction, thumbnail, max_pixels)
        except (ClarityganError, OSError) as error:
            message = "; ".join(filter(None, (message, f"not shown: {error}")))
    haze, size, scores = result.haze, result.size, result.scores or {}
    figures = {
        "haze": None if haze is None else round(1 - haze.transmission, 4),
        **rounded(scores),
        "megapixels": None if size is None else round(size[0] * size[1] / 1e6, 3),
        "seconds": round(result.seconds, 3) if result.seconds else None,
    }
    return Row(result.job.name, result.status, message, figures, pictures)


def read_pictures(job: Job, direction: Direction, thumbnail: Thumbnail, max_pixels: int) -> dict[str, bytes]:
    """Small copies of a job's input and result, by their captions; of videos, of one frame.

    Raises:
        ClarityganError: one cannot be read.
    """
    shown = {}
    for caption, path in zip(CAPTIONS[direction], (job.source, job.target), strict=True):
        with local_copy(path) as local:
            shown[caption] = thumbnail(
                one_frame(local) if job.video else read_picture(local, max_pixels=max_pixels).pixels
            )
    return shown


def one_frame(path: Path) -> np.ndarray:
    """A frame of a video, (H, W, 3) uint8."""
    from claritygan_cli.evaluation.video import frames  # loads torch

    *_, last = islice(frames(path), FRAME)
    return last
