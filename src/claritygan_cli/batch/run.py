"""Several photos at once, each read, translated and written by a thread of its own; videos go one by one."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from claritygan_cli.atomic import sweep
from claritygan_cli.batch.budget import PixelBudget
from claritygan_cli.batch.options import BatchOptions, VideoOptions
from claritygan_cli.batch.plan import Job, Plan
from claritygan_cli.batch.tasks import Task
from claritygan_cli.engine.haze_summary import HazeSummary
from claritygan_cli.errors import ClarityganError, SettingError
from claritygan_cli.evaluation.metrics import Scores
from claritygan_cli.media.image_reader import decode_picture, pixel_count, read_bytes
from claritygan_cli.media.image_writer import keep_times, save_picture
from claritygan_cli.processors import processors

if TYPE_CHECKING:
    from claritygan_cli.batch.video import VideoResult

PIXELS_A_THREAD = 32_000_000
"""Pixels of photos in memory for each thread, all threads sharing; a pixel takes about 10 bytes at most, and twice that
with 16 bits. A larger photo waits until it is alone."""
WAITING = 4
"""Photos for each thread that are planned ahead, so that no thread waits for a result to be taken."""

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


def video_result(job: Job, video: "VideoResult", started: float) -> Result:
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
    if not endings:
        return
    from claritygan_cli.batch.video import encoding_of  # loads torch

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
    are to be overwritten. Videos are translated in the caller's thread.

    Args:
        debug: let exceptions through.
        progress: called for each frame of a video, with the number of frames expected if that is known.
        threads: CPU threads; fewer photos at once than that share them. Videos' decoders and encoders are told the
            number, too. 0 for all cores, and in videos as many as they like.

    Raises:
        UsageError: the videos' codec and the containers do not go together.
    """
    check_encoding(plan, videos)
    for name, reason in plan.problems:
        yield Result(Job(name, Path(name), Path()), "failed", f"{name}: {reason}")
    for folder in {job.target.parent for job in plan.jobs}:
        sweep(folder)
    cores = threads or processors()
    workers = options.jobs or cores
    budget = PixelBudget(PIXELS_A_THREAD * workers)

    def do_photo(job: Job) -> Result:
        try:
            data = read_bytes(job.source)
            size = pixel_count(data, str(job.source), options.max_pixels)
            with budget.taking(size) as at_once:
                started = time.monotonic()
                picture = decode_picture(data, str(job.source), max_pixels=options.max_pixels, pages=True)
                del data
                picture = picture.without_story() if options.strip_metadata else picture
                translated = task.photo(picture, job, max(1, cores // at_once))
                del picture
                left_out = save_picture(job.target, translated.picture, options.quality_given)
                if options.preserve_times:
                    keep_times(job.source, job.target)
        except Exception as error:
            return failure(job, error, debug)
        status: Status = "failed" if translated.problem else "done"
        seconds, haze, scores = time.monotonic() - started, translated.haze, translated.scores
        return Result(job, status, translated.problem, seconds, haze, scores, left_out=left_out)

    def do_video(job: Job) -> Result:
        from claritygan_cli.batch.video import translate_video

        started = time.monotonic()
        try:
            translator = task.video(job.name, videos.temporal)
            story, report = not options.strip_metadata, partial(progress, job)
            with translator.parallel():  # the decoder's and the encoder's threads are busy beside it
                done = translate_video(job.source, job.target, translator, videos, report, threads, story)
            if options.preserve_times:
                keep_times(job.source, job.target)
            return video_result(job, done, started)
        except Exception as error:
            return failure(job, error, debug)

    def skipped(job: Job) -> Result | None:
        if job.target.is_file() and not options.overwrite:
            return Result(job, "skipped", f"{job.target}: exists already")
        return None

    for is_video, group in groupby(plan.jobs, lambda job: job.video):
        if is_video:
            for job in group:
                yield skipped(job) or do_video(job)
            continue
        with ThreadPoolExecutor(workers, "photo") as pool, task.parallel():
            pending: deque[Future[Result]] = deque()
            try:
                for job in group:
                    pending.append(pool.submit(lambda job: skipped(job) or do_photo(job), job))
                    if len(pending) >= WAITING * workers:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)
