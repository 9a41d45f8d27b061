"""While one photo is translated, the next is read and the last is written; videos go one by one."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from claritygan_cli.atomic import sweep
from claritygan_cli.batch.options import BatchOptions, VideoOptions
from claritygan_cli.batch.plan import Job, Plan
from claritygan_cli.batch.tasks import Task, Translated
from claritygan_cli.batch.video import VideoResult, encoding_of, translate_video
from claritygan_cli.engine.estimate import HazeSummary
from claritygan_cli.errors import ClarityganError, SettingError
from claritygan_cli.evaluation.metrics import Scores
from claritygan_cli.media.image_reader import read_picture
from claritygan_cli.media.image_writer import keep_times, save_picture
from claritygan_cli.media.picture import Picture

PHOTOS_IN_FLIGHT = 2
"""Photos read ahead, and results waiting to be written; with the one in work, about six are in memory."""

Status = Literal["done", "skipped", "failed"]


@dataclass(frozen=True)
class Result:
    """What became of a job.

    Attributes:
        message: why, where it is not ``done``.
        haze: what was seen of it in a photo.
        left_out: what its file could not hold, in words.
    """

    job: Job
    status: Status
    message: str = ""
    seconds: float = 0.0
    haze: HazeSummary | None = None
    scores: Scores | None = None
    frames: int | None = None
    left_out: tuple[str, ...] = ()


def video_result(job: Job, video: VideoResult, started: float) -> Result:
    """What became of a video that has been written, with all that was wrong with it."""
    remarks = "; ".join((*video.problems, *video.notes))
    message = f"{job.source}: {remarks}" if remarks else ""
    status: Status = "failed" if video.problems else "done"
    return Result(job, status, message, time.monotonic() - started, frames=video.frames)


def failure(job: Job, error: Exception, debug: bool) -> Result:
    """What became of a job that an exception ended: one that was expected, or a fault of the program or a library.

    Raises:
        Exception: the exception itself, with ``debug``.
    """
    if debug:
        raise error
    if isinstance(error, ClarityganError):
        return Result(job, "failed", str(error))
    reason = " ".join(str(error).split())[:200]
    return Result(job, "failed", f"{job.source}: unexpected {type(error).__name__}: {reason}")


def check_encoding(plan: Plan, videos: VideoOptions) -> None:
    """See that some of the videos can be encoded as wanted; those that cannot fail one by one.

    Raises:
        UsageError: none can.
    """
    endings = {job.target.suffix.lower() for job in plan.jobs if job.video}
    encoding, problems = encoding_of(videos), []
    given = [name for name in ("codec", "crf", "preset", "pixel_format") if getattr(videos, name) is not None]
    for ending in sorted(endings):
        try:
            if ending == ".gif" and given:
                raise SettingError(given[0], getattr(videos, given[0]), "a GIF has its own coding; leave this out")
            encoding.options(encoding.codec_for(ending))
        except SettingError as problem:
            problems.append(problem)
    if problems and len(problems) == len(endings):
        raise problems[0]


def run_plan(
    plan: Plan,
    task: Task,
    options: BatchOptions,
    videos: VideoOptions,
    debug: bool = False,
    progress: Callable[[Job, int | None], None] = lambda _job, _expected: None,
    threads: int = 0,
) -> Iterator[Result]:
    """All results of a plan: first the inputs that lead to no job, then the jobs' in their order.

    A job that fails does not stop the others. Existing results are skipped, and their inputs not read, unless they
    are to be overwritten. The task is called in the caller's thread, one photo or video at a time.

    Args:
        debug: let exceptions through.
        progress: called for each frame of a video, with the number of frames expected if that is known.
        threads: CPU threads of videos' decoders and encoders; 0 for as many as they like.

    Raises:
        UsageError: the videos' codec and the containers do not go together.
    """
    check_encoding(plan, videos)
    for name, reason in plan.problems:
        yield Result(Job(name, Path(name), Path()), "failed", f"{name}: {reason}")

    reading: deque[tuple[Job, Future[Picture] | None]] = deque()
    writing: deque[tuple[Job, Translated, float, Future[tuple[float, tuple[str, ...]]]]] = deque()
    for folder in {job.target.parent for job in plan.jobs}:
        sweep(folder)

    def is_wanted(job: Job) -> bool:
        return options.overwrite or not job.target.is_file()

    def read(job: Job) -> Picture:
        picture = read_picture(job.source, max_pixels=options.max_pixels, pages=True)
        return picture.without_story() if options.strip_metadata else picture

    def save(job: Job, picture: Picture) -> tuple[float, tuple[str, ...]]:
        left_out = save_picture(job.target, picture, options.quality_given)
        if options.preserve_times:
            keep_times(job.source, job.target)
        return time.monotonic(), left_out

    def do_video(job: Job) -> Result:
        started = time.monotonic()
        try:
            translator = task.video(job.name, videos.temporal)
            story, report = not options.strip_metadata, partial(progress, job)
            done = translate_video(job.source, job.target, translator, videos, report, threads, story)
            if options.preserve_times:
                keep_times(job.source, job.target)
            return video_result(job, done, started)
        except Exception as error:
            return failure(job, error, debug)

    def finish_one() -> Result:
        job, translated, started, future = writing.popleft()
        try:
            ended, left_out = future.result()
        except Exception as error:
            return failure(job, error, debug)
        status: Status = "failed" if translated.problem else "done"
        haze, scores = translated.haze, translated.scores
        return Result(job, status, translated.problem, ended - started, haze, scores, left_out=left_out)

    upcoming = iter(plan.jobs)
    reader, writer = ThreadPoolExecutor(1, "read"), ThreadPoolExecutor(1, "write")
    try:
        while True:
            while len(reading) < PHOTOS_IN_FLIGHT and (job := next(upcoming, None)) is not None:
                photo = is_wanted(job) and not job.video
                reading.append((job, reader.submit(read, job) if photo else None))
            if not reading:
                break
            job, future = reading.popleft()
            started = time.monotonic()
            if future is not None:
                try:
                    translated = task.photo(future.result(), job)
                except Exception as error:
                    outcome = failure(job, error, debug)
                else:
                    writing.append((job, translated, started, writer.submit(save, job, translated.picture)))
                    if len(writing) >= PHOTOS_IN_FLIGHT:
                        yield finish_one()
                    continue
            while writing:  # results come in the order of the jobs
                yield finish_one()
            if future is not None:
                yield outcome
            elif is_wanted(job):
                yield do_video(job)
            else:
                yield Result(job, "skipped", f"{job.target}: exists already")
        while writing:
            yield finish_one()
    finally:
        reader.shutdown(cancel_futures=True)
        writer.shutdown(cancel_futures=True)
