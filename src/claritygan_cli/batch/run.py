"""Several photos at once, each read, translated and written by a thread of its own; videos go one by one."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from claritygan_cli.atomic import sweep
from claritygan_cli.batch.manifest import Manifest, Record, fingerprint, is_as_made, settings_hash
from claritygan_cli.batch.options import BatchOptions, DehazeOptions, HazifyOptions, ModelOptions, VideoOptions
from claritygan_cli.batch.plan import Job, Plan
from claritygan_cli.batch.tasks import Task
from claritygan_cli.batch.worker import Result, Worker
from claritygan_cli.errors import SettingError
from claritygan_cli.media.remote import UNKNOWN, AnyPath

if TYPE_CHECKING:
    from claritygan_cli.evaluation.evaluate import Thumbnail

WAITING = 4
"""Photos for each thread that are planned ahead, so that no thread waits for a result to be taken."""


@dataclass(frozen=True)
class Notes:
    """What is noted of the results of a folder.

    Attributes:
        photos, videos: hashes of what results depend on beside their inputs; see :func:`settings_hash`.
    """

    manifest: Manifest
    photos: str
    videos: str

    @classmethod
    def of(
        cls,
        manifest: Manifest,
        model: str,
        haze: DehazeOptions | HazifyOptions,
        batch: BatchOptions,
        videos: VideoOptions,
        options: ModelOptions,
    ) -> "Notes":
        """Notes of results made with a model of this checksum and with these settings."""
        common = BatchOptions(batch.out, strip_metadata=batch.strip_metadata)
        plain = replace(haze, min_haze=None, if_clear="copy") if isinstance(haze, DehazeOptions) else haze
        return cls(
            manifest,
            settings_hash(model, haze, batch, options),
            settings_hash(model, plain, common, options, videos),
        )

    def settings(self, job: Job) -> str:
        """The hash for a job."""
        return self.videos if job.video else self.photos

    def add(self, result: Result) -> None:
        """Note what was made, if it was; a result of earlier that is to be none any more is deleted, unless it is
        somebody else's."""
        target = result.job.target
        name, settings = self.manifest.name(target), self.settings(result.job)
        problem = result.message if result.status == "failed" else ""
        record = Record(name, settings, result.source, result.made, not result.written, problem)
        if result.written or (result.status == "left alone" and (not target.is_file() or self._remove(target))):
            self.manifest.add(record)

    def _remove(self, target: AnyPath) -> bool:
        """Delete a result that was made by an earlier run, and is as it was; says whether it was."""
        known = self.manifest.of(target)
        if known is None or not known.made or not is_as_made(target, known.made):
            return False
        if isinstance(target, Path):
            target.unlink()
        else:
            target.remove()
        return True


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


def unplanned(plan: Plan) -> list[Result]:
    """The inputs that lead to no job."""
    return [Result(Job(name, Path(name), Path()), "failed", f"{name}: {reason}") for name, reason in plan.problems]


def stale(job: Job, record: Record | None, settings: str, there: bool) -> str:
    """Why a result is not what this run would make, as far as is known; empty where it is.

    Args:
        there: whether it is.
    """
    if record is None:
        return "made with settings unknown"
    if record.settings != settings:
        return "made with other settings"
    try:
        if there and (record.left_out or (record.made and not is_as_made(job.target, record.made))):
            return "changed since it was made"
        source = fingerprint(job.source)
        if source == UNKNOWN:
            return "made of an input that cannot be told from another one"
        return "" if record.source == source else "made of another input"
    except OSError:  # the input is gone; whoever reads it says so
        return ""


def split_plan(plan: Plan, options: BatchOptions, notes: Notes | None = None) -> tuple[list[Result], list[Job]]:
    """The jobs whose results are there already, and those that are to be done. No input is read.

    Args:
        notes: what is known of the results; None for nothing.
    """
    skipped: list[Result] = []
    todo: list[Job] = []
    for job in plan.jobs:
        record = notes.manifest.of(job.target) if notes else None
        try:
            there = job.target.is_file()
        except OSError:  # it will be said when it cannot be written
            there = False
        known = there or (record is not None and record.left_out)
        reason = stale(job, record, notes.settings(job), there) if notes and known else ""
        if options.overwrite or not known or (reason and (options.update or not there)):
            todo.append(job)
        elif there and record is not None and record.problem and not reason:
            skipped.append(Result(job, "failed", record.problem, written=True))
        elif there:
            message = f"{job.target}: exists already" + (f", {reason}" if reason else "")
            skipped.append(Result(job, "skipped", message, stale=reason, written=True))
        else:
            skipped.append(Result(job, "skipped", f"{job.source}: little haze, left alone before"))
    return skipped, todo


def sweep_targets(jobs: Iterable[Job]) -> None:
    """Delete what processes that died have left where results of these jobs go, see :func:`sweep`."""
    for folder in {job.target.parent for job in jobs if isinstance(job.target, Path)}:
        sweep(folder)


Doing = Callable[[list[Job], Callable[[Result], None]], Iterator[Result]]
"""Does jobs, one by one or several at once, here or elsewhere. Each result is noted as soon as it is made, by what is
given for that, in whatever thread; they are yielded then or later."""


def run_plan(
    plan: Plan,
    do: Doing,
    options: BatchOptions,
    videos: VideoOptions,
    notes: Notes | None = None,
    patient: bool = False,
) -> Iterator[Result]:
    """All results of a plan: first the inputs that lead to no job, then those whose results exist, then the others'.

    A job that fails does not stop the others. Existing results are skipped before anything is read, unless they
    are to be overwritten or updated.

    Args:
        do: does what is to be done, see :func:`here`; not called where that is nothing.
        notes: of the folder of results, which are read and written.
        patient: more plans may come, so that it is no fault of the settings if none of these videos can be made.

    Raises:
        UsageError: the videos' codec and the containers do not go together.
    """
    if not patient:
        check_encoding(plan, videos)
    yield from unplanned(plan)
    skipped, todo = split_plan(plan, options, notes)
    yield from skipped
    sweep_targets(plan.jobs)
    if not todo:
        return
    try:
        yield from do(todo, notes.add if notes is not None else lambda _: None)
    finally:
        if notes is not None:
            notes.manifest.close()


def here(
    make: Callable[[], Task],
    options: BatchOptions,
    videos: VideoOptions,
    debug: bool = False,
    progress: Callable[[Job, int | None], None] = lambda _job, _expected: None,
    threads: int = 0,
    thumbnail: "Thumbnail | None" = None,
) -> Doing:
    """What does jobs in this process; results come in the jobs' order, videos are translated in the caller's thread.

    Args:
        make: opens the model; called when there is something to do.
        debug, threads, thumbnail: see :class:`Worker`.
        progress: called for each frame of a video, with the number of frames expected if that is known.
    """

    def do(jobs: list[Job], note: Callable[[Result], None]) -> Iterator[Result]:
        worker = Worker(make(), options, videos, debug, threads, thumbnail)

        def noted(result: Result) -> Result:
            note(result)
            return result

        for is_video, group in groupby(jobs, lambda job: job.video):
            if is_video:
                for job in group:
                    yield noted(worker.video(job, progress))
                continue
            with ThreadPoolExecutor(worker.at_once, "photo") as pool, worker.task.parallel():
                pending: deque[Future[Result]] = deque()
                try:
                    for job in group:
                        pending.append(pool.submit(lambda job: noted(worker.photo(job)), job))
                        if len(pending) >= WAITING * worker.at_once:
                            yield pending.popleft().result()
                    while pending:
                        yield pending.popleft().result()
                finally:
                    pool.shutdown(cancel_futures=True)

    return do
