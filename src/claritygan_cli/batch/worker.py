"""Does one job: reads a photo or a video, has it translated, writes the result. Several photos at once, in threads."""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from claritygan_cli.atomic import written_whole
from claritygan_cli.batch.budget import PixelBudget
from claritygan_cli.batch.manifest import fingerprint, state_of_result
from claritygan_cli.batch.options import BatchOptions, IfClear, VideoOptions
from claritygan_cli.batch.plan import Job
from claritygan_cli.batch.tasks import Task, Translated
from claritygan_cli.engine.haze_summary import HazeSummary
from claritygan_cli.errors import ClarityganError, ImageError
from claritygan_cli.evaluation.metrics import Scores
from claritygan_cli.media.image_reader import decode_picture, pixel_count, read_bytes
from claritygan_cli.media.image_writer import keep_times, save_picture
from claritygan_cli.media.picture import Picture
from claritygan_cli.media.remote import RemotePath, local_copy
from claritygan_cli.processors import processors

if TYPE_CHECKING:
    from claritygan_cli.batch.video import VideoResult
    from claritygan_cli.evaluation.evaluate import Thumbnail

PIXELS_A_THREAD = 32_000_000
"""Pixels of photos in memory for each thread, all threads sharing; a pixel takes about 10 bytes at most, and twice that
with 16 bits. A larger photo waits until it is alone."""

Status = Literal["planned", "done", "skipped", "left alone", "failed"]
"""``left alone`` is a photo with too little haze: it, or nothing, lies where the result would. ``planned`` is what a
dry run would do."""


@dataclass(frozen=True)
class Result:
    """What became of a job.

    Attributes:
        message: why, where it is not ``done``.
        size: width and height of a photo, in pixels.
        haze: what was seen of it in a photo.
        left_out: what its file could not hold, in words.
        stale: why it is skipped although this run would, or may, make another result.
        source: fingerprint of the input that was read, see :func:`fingerprint`.
        pictures: small copies for the report, by their captions.
        written: whether there is a result.
        made: its state, see :func:`state_of_result`.
    """

    job: Job
    status: Status
    message: str = ""
    seconds: float = 0.0
    size: tuple[int, int] | None = None
    haze: HazeSummary | None = None
    scores: Scores | None = None
    frames: int | None = None
    left_out: tuple[str, ...] = ()
    stale: str = ""
    source: str = ""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    written: bool = False
    made: str = ""


def video_result(job: Job, video: "VideoResult", started: float, source: str) -> Result:
    """What became of a video that has been written, with all that was wrong with it."""
    remarks = "; ".join((*video.problems, *video.notes))
    message = f"{job.source}: {remarks}" if remarks else ""
    status: Status = "failed" if video.problems else "done"
    seconds = time.monotonic() - started
    return Result(job, status, message, seconds, frames=video.frames, source=source, written=True)


def failure(job: Job, error: Exception, debug: bool) -> Result:
    """What became of a job that an exception ended: one that was expected, or a fault of the program or a library.

    Raises:
        Exception: the exception itself, with ``debug``.
    """
    if debug:
        raise error
    if isinstance(error, ClarityganError):
        return Result(job, "failed", str(error))
    if isinstance(error, OSError):
        reason = f"{error.filename or job.source}: {error.strerror}" if error.strerror else f"{job.source}: {error}"
        return Result(job, "failed", reason)
    reason = " ".join(str(error).split())[:200]
    return Result(job, "failed", f"{job.source}: unexpected {type(error).__name__}: {reason}")


def as_asked(result: Result, job: Job) -> Result:
    """A result of a job that stood for this one, with copies or other paths: with the paths that the user gave."""
    message = result.message
    for theirs, ours in ((result.job.source, job.source), (result.job.target, job.target)):
        message = message.replace(str(theirs), str(ours))
    return replace(result, job=job, message=message)


class Worker:
    """Does jobs.

    Args:
        debug: let exceptions through.
        threads: CPU threads; fewer photos at once than that share them. Videos' decoders and encoders are told the
            number, too. 0 for all cores, and in videos as many as they like.
        thumbnail: makes the small copies that results bring along; None for none.
    """

    def __init__(
        self,
        task: Task,
        options: BatchOptions,
        videos: VideoOptions,
        debug: bool = False,
        threads: int = 0,
        thumbnail: "Thumbnail | None" = None,
    ) -> None:
        self.task, self.options, self.videos, self.debug, self.threads = task, options, videos, debug, threads
        self.thumbnail = thumbnail
        self.cores = threads or processors()
        self.at_once = options.jobs or self.cores
        """Photos that may be done at once."""
        self._budget = PixelBudget(PIXELS_A_THREAD * self.at_once)

    def photo(self, job: Job) -> Result:
        """Do a photo; to be called within the task's ``parallel()``."""
        return self._with_files(job, self._photo)

    def video(self, job: Job, progress: Callable[[Job, int | None], None] = lambda _job, _expected: None) -> Result:
        """Do a video.

        Args:
            progress: called for each frame, with the number of frames expected if that is known.
        """
        return self._with_files(job, partial(self._video, partial(progress, job)))

    def _with_files(self, job: Job, do: Callable[[Job, Path, Path], Result]) -> Result:
        """Do a job with files of this machine: those of other file systems are copied, and results are put there."""
        try:
            if isinstance(job.source, Path) and isinstance(job.target, Path):
                return self._with_state(do(job, job.source, job.target))
            with tempfile.TemporaryDirectory(prefix="claritygan-") as folder, local_copy(job.source) as source:
                target = job.target if isinstance(job.target, Path) else Path(folder, "result" + job.target.suffix)
                result = do(job, source, target)
                if isinstance(job.target, RemotePath) and target.is_file():
                    job.target.put(target)
                result = self._with_state(
                    as_asked(replace(result, job=replace(job, source=source, target=target)), job)
                )
        except Exception as error:  # what a file system raises is its own affair
            return failure(job, error, self.debug)
        return result

    def _with_state(self, result: Result) -> Result:
        """A result that knows the state of its file."""
        if not result.written:
            return result
        return replace(result, made=state_of_result(result.job.target, self.options.preserve_times))

    def _photo(self, job: Job, source: Path, target: Path) -> Result:
        options, name = self.options, str(job.source)
        try:
            state = fingerprint(job.source)
            data = read_bytes(source)
            pixels = pixel_count(data, name, options.max_pixels)
            with self._budget.taking(pixels) as at_once:
                started = time.monotonic()
                picture = decode_picture(data, name, max_pixels=options.max_pixels, pages=True)
                del data
                picture = picture.without_story() if options.strip_metadata else picture
                translated = self.task.photo(picture, job, max(1, self.cores // at_once))
                size = (picture.pixels.shape[1], picture.pixels.shape[0])
                pictures = self._pictures(picture, translated)
                if translated.left_alone is None:
                    del picture
                    left_out = save_picture(target, translated.picture, options.quality_given)
                else:
                    how = "copy" if source != job.source and translated.left_alone == "link" else translated.left_alone
                    left_out = self._leave_alone(source, target, picture, how)
                if options.preserve_times and translated.left_alone is None:
                    keep_times(source, target)
        except Exception as error:
            return failure(job, error, self.debug)
        status: Status = "failed" if translated.problem else "left alone" if translated.left_alone else "done"
        return Result(
            job,
            status,
            translated.problem,
            time.monotonic() - started,
            size,
            translated.haze,
            translated.scores,
            left_out=left_out,
            source=state,
            pictures=pictures,
            written=translated.left_alone != "skip",
        )

    def _pictures(self, picture: Picture, translated: Translated) -> dict[str, bytes]:
        """What a report shows of a photo."""
        if self.thumbnail is None:
            return {}
        shown = zip(self.task.captions, (picture.pixels, translated.picture.pixels), strict=True)
        pictures = {caption: self.thumbnail(pixels) for caption, pixels in shown}
        if translated.transmission is not None:
            levels = (translated.transmission * 255).round().astype("uint8")
            pictures["transmission"] = self.thumbnail(levels)
        return pictures

    def _leave_alone(self, source: Path, target: Path, picture: Picture, how: IfClear) -> tuple[str, ...]:
        """Put a photo where its result would be, as it is: the file itself or, where another format or no metadata are
        wanted, its picture; or leave no result."""
        options = self.options
        if how == "skip":
            return ()
        if options.strip_metadata or target.suffix.lower() != source.suffix.lower():
            return save_picture(target, picture, options.quality_given)
        try:
            if how == "link":
                link_whole(source, target)
            else:
                with source.open("rb") as original, written_whole(target) as file:
                    shutil.copyfileobj(original, file)
                if options.preserve_times:
                    keep_times(source, target)
        except OSError as error:
            raise ImageError(f"{target}: cannot be written ({error.strerror or error})") from error
        return ()

    def _video(self, progress: Callable[[int | None], None], job: Job, source: Path, target: Path) -> Result:
        from claritygan_cli.batch.video import translate_video

        started = time.monotonic()
        try:
            state = fingerprint(job.source)
            translator = self.task.video(job.name, self.videos.temporal)
            story = not self.options.strip_metadata
            with translator.parallel():  # the decoder's and the encoder's threads are busy beside it
                done = translate_video(source, target, translator, self.videos, progress, self.threads, story)
            if self.options.preserve_times:
                keep_times(source, target)
            return video_result(job, done, started, state)
        except Exception as error:
            return failure(job, error, self.debug)


def link_whole(source: Path, target: Path) -> None:
    """Make a symbolic link to a file, in place of what is at ``target``.

    Raises:
        OSError: it cannot be made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".claritygan-{secrets.token_hex(8)}.link")
    temporary.symlink_to(source.resolve())
    os.replace(temporary, target)
