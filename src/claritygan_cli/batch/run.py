"""While one photo is translated, the next is read and the last is written; videos go one by one."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from claritygan_cli.batch.plan import Job
from claritygan_cli.batch.video import VideoResult
from claritygan_cli.errors import ClarityganError
from claritygan_cli.evaluation.metrics import Scores
from claritygan_cli.media.image_io import DEFAULT_QUALITY, read_picture, save_picture
from claritygan_cli.media.picture import Picture

PHOTOS_IN_FLIGHT = 2
"""Photos read prefetch, and results waiting to be written; with the one in work, about six are in memory."""


@dataclass(frozen=True)
class Translated:
    """A translated photo, scores where its truth is known, and what was wrong although the photo is good."""

    picture: Picture
    scores: Scores | None = None
    problem: str = ""


@dataclass(frozen=True)
class Result:
    """What became of a job; ``message`` says why where it is not ``done``."""

    job: Job
    status: Literal["done", "skipped", "failed"]
    message: str = ""
    seconds: float = 0.0
    scores: Scores | None = None
    frames: int | None = None


Translate = Callable[[Picture, Job], Translated]
TranslateFilm = Callable[[Job], VideoResult]


def video_result(job: Job, video: VideoResult, started: float) -> Result:
    """What became of a video that has been written, with all that was wrong with it."""
    remarks = "; ".join((*video.problems, *video.notes))
    message = f"{job.source}: {remarks}" if remarks else ""
    status: Literal["done", "failed"] = "failed" if video.problems else "done"
    return Result(job, status, message, time.monotonic() - started, frames=video.frames)


def run_jobs(
    jobs: Sequence[Job],
    translate: Translate,
    translate_video: TranslateFilm,
    overwrite: bool = False,
    quality: int = DEFAULT_QUALITY,
    debug: bool = False,
) -> Iterator[Result]:
    """Do jobs in order; one that fails does not stop the others.

    Args:
        translate: called in the caller's thread, one photo at a time.
        translate_video: from file to file, the same.
        overwrite: write over existing results; otherwise they are skipped, and their inputs not read.
        quality: of JPEG and WebP.
        debug: let exceptions through.

    Yields:
        A result for each job, in the order of the jobs.
    """
    reading: deque[tuple[Job, Future[Picture] | None]] = deque()
    writing: deque[tuple[Job, Translated, float, Future[float]]] = deque()

    def failed(job: Job, error: Exception) -> Result:
        if debug:
            raise error
        if isinstance(error, ClarityganError):
            return Result(job, "failed", str(error))
        reason = " ".join(str(error).split())[:200]
        return Result(job, "failed", f"{job.source}: {type(error).__name__}: {reason} (--debug shows where)")

    def save(job: Job, picture: Picture) -> float:
        save_picture(job.target, picture, quality)
        return time.monotonic()

    def finish_one() -> Result:
        job, translated, started, future = writing.popleft()
        try:
            seconds = future.result() - started
        except Exception as error:
            return failed(job, error)
        return Result(job, "failed" if translated.problem else "done", translated.problem, seconds, translated.scores)

    upcoming = iter(jobs)
    reader, writer = ThreadPoolExecutor(1, "read"), ThreadPoolExecutor(1, "write")
    try:
        while True:
            while len(reading) < PHOTOS_IN_FLIGHT and (job := next(upcoming, None)) is not None:
                skip = job.target.is_file() and not overwrite
                reading.append((job, None if skip or job.video else reader.submit(read_picture, job.source)))
            if not reading:
                break
            job, future = reading.popleft()
            started = time.monotonic()
            outcome: Result | None = None
            if job.video and (overwrite or not job.target.is_file()):
                while writing:
                    yield finish_one()
                started = time.monotonic()
                try:
                    outcome = video_result(job, translate_video(job), started)
                except Exception as error:
                    outcome = failed(job, error)
            elif future is None:
                outcome = Result(job, "skipped", f"{job.target}: exists already; --overwrite replaces it")
            else:
                try:
                    translated = translate(future.result(), job)
                except Exception as error:
                    outcome = failed(job, error)
            if outcome is None:
                writing.append((job, translated, started, writer.submit(save, job, translated.picture)))
                if len(writing) >= PHOTOS_IN_FLIGHT:
                    yield finish_one()
            else:
                while writing:  # results come in the order of the jobs
                    yield finish_one()
                yield outcome
        while writing:
            yield finish_one()
    finally:
        reader.shutdown(cancel_futures=True)
        writer.shutdown(cancel_futures=True)
