"""What ``dehaze`` and ``hazify`` have in common: plan, run, show progress, report, exit."""

import functools
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from claritygan_cli.batch.options import (
    BatchOptions,
    DehazeOptions,
    HazifyOptions,
    InputOptions,
    ModelOptions,
    VideoOptions,
)
from claritygan_cli.cli.batch_report import Page, Report, printable
from claritygan_cli.errors import SettingError, UsageError
from claritygan_cli.models.kinds import Direction
from claritygan_cli.stopping import stop_signals

if TYPE_CHECKING:
    from claritygan_cli.batch.plan import Job, Plan
    from claritygan_cli.batch.run import Notes
    from claritygan_cli.batch.tasks import Task


def run_batch(
    direction: Direction,
    inputs: list[str],
    where: InputOptions,
    haze: DehazeOptions | HazifyOptions,
    options: BatchOptions,
    videos: VideoOptions,
    model: ModelOptions,
    *,
    debug: bool,
    given: tuple[str, ...] = (),
) -> None:
    """Translate inputs; raises ``typer.Exit`` with the documented code.

    Args:
        debug: let exceptions through.
        given: the fields of ``haze`` that the user set.
    """

    @functools.cache
    def make() -> "Task":
        from claritygan_cli.batch.tasks import make_task

        return make_task(haze, model, given)

    @functools.cache  # a file that changes meanwhile is not what has been opened
    def checksum() -> str:
        from claritygan_cli.batch.tasks import model_checksum

        return model_checksum(direction, model)

    for number in stop_signals():  # so that nothing half-written is left
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    if "-" in inputs or options.out == "-":
        from claritygan_cli.cli.pipe_command import refuse_changed, stream
        from claritygan_cli.media.remote import url_of

        refuse_changed(where, InputOptions(), "is for files; in a pipe there is one input; leave this out")
        if any(url_of(place) for place in [*inputs, options.out]):
            raise UsageError("a pipe has its other end on this machine; name no URL")
        stream(inputs, make, options, videos, model.threads)
        return
    if videos.raw:
        raise SettingError(
            "raw", videos.raw, "frames come from stdin and go to stdout; write: claritygan dehaze - --out -"
        )
    from claritygan_cli.batch.run import here, run_plan, split_plan

    if options.report is not None and where.dry_run:
        raise SettingError("report", options.report, "has nothing to show of a dry run; leave one out")
    if options.report is not None and where.watch is not None:
        raise SettingError("report", options.report, "is written at the end, and watching has none; leave one out")
    each = 3 if isinstance(haze, DehazeOptions) and haze.report_maps else 2
    page = Page(options.report, direction, options.max_pixels) if options.report else None
    thumbnail = page.thumbnail if page else None
    with Bars(options.quiet) as bars, Report(options, bars.say, page) as report:
        if options.ray is None:
            do = here(make, options, videos, debug, bars.frame, model.threads, thumbnail)
        else:
            from claritygan_cli.batch.cluster import Setup, on_cluster

            setup = Setup(direction, haze, given, options, videos, model, debug=debug, thumbnail=thumbnail)
            do = on_cluster(options.ray, setup)
        with suppress(*((KeyboardInterrupt,) if where.watch else ())):  # it is how watching ends
            for plan in plans(inputs, where, options):
                notes = notes_of(plan, where, haze, options, videos, model, checksum)
                if where.dry_run:
                    report.dry_run(plan, *split_plan(plan, options, notes))
                    continue
                bars.expect(len(plan.problems) + len(plan.jobs))
                if page:
                    page.thumbnail.share(each * len(plan.jobs))
                how = replace(options, overwrite=True, update=False) if plan.changed else options
                for result in run_plan(plan, do, how, videos, notes, patient=where.watch is not None):
                    report.add(result)
                    bars.done()
                report.leave_out(plan.left_out)
    if report.failed:
        raise typer.Exit(1)


def plan_of(inputs: list[str], where: InputOptions, options: BatchOptions) -> "Plan":
    """What is to be done."""
    from claritygan_cli.batch.name_list import read_names
    from claritygan_cli.batch.plan import make_plan
    from claritygan_cli.batch.remote_plan import is_remote, make_remote_plan
    from claritygan_cli.media.remote import local_path

    listed: list[str] = []
    if where.from_file is not None:
        listed = read_names("from_file", where.from_file, b"\n")
    if where.from0 is not None:
        listed = read_names("from0", where.from0, b"\0")
    if is_remote([*inputs, *listed, options.out]):
        plan = make_remote_plan(inputs, options.out, options.suffix, options.ending, listed)
    else:
        here = [str(local_path(text)) for text in inputs]
        plan = make_plan(here, local_path(options.out), options.suffix, options.ending, listed)
    return plan.part(*where.part)


def plans(inputs: list[str], where: InputOptions, options: BatchOptions) -> "Iterator[Plan]":
    """What is to be done: one plan or, of a folder that is watched, one after the other until Ctrl-C."""
    if where.watch is None:
        yield plan_of(inputs, where, options)
        return
    from claritygan_cli.batch.plan import look_at
    from claritygan_cli.batch.remote_plan import is_remote
    from claritygan_cli.batch.watch import new_plans
    from claritygan_cli.media.remote import local_path

    if inputs:
        raise SettingError("watch", where.watch, "is the only input; leave the others out")
    if is_remote([options.out]):
        raise SettingError("watch", where.watch, "puts results into a folder of this machine")
    folder = where.watch
    if not folder.is_dir():
        raise SettingError("watch", folder, "no such folder")
    out = local_path(options.out)
    yield from new_plans(lambda: look_at(folder, out, options.suffix, options.ending).part(*where.part))


def notes_of(
    plan: "Plan",
    where: InputOptions,
    haze: DehazeOptions | HazifyOptions,
    options: BatchOptions,
    videos: VideoOptions,
    model: ModelOptions,
    checksum: Callable[[], str],
) -> "Notes | None":
    """What is known of the results of the plan's folder.

    Args:
        checksum: the model's.

    Raises:
        SettingError: such notes are needed, and there is no folder.
    """
    from claritygan_cli.batch.manifest import open_manifest
    from claritygan_cli.batch.run import Notes

    if plan.folder is None:
        if options.update:
            raise SettingError("update", None, "keeps its notes in a folder of results; name a folder, or overwrite")
        return None
    manifest = open_manifest(plan.folder, where.part)
    return Notes.of(manifest, checksum(), haze, options, videos, model)


class Bars:
    """Progress on a terminal: files, and the frames of the video in work."""

    def __init__(self, quiet: bool) -> None:
        from tqdm import tqdm

        self._make, self._off = tqdm, True if quiet else None
        self._files = tqdm(total=0, unit="file", disable=self._off, delay=1)
        self._frames: Any = None

    def __enter__(self) -> "Bars":
        return self

    def __exit__(self, *_: object) -> None:
        self._close_video()
        self._files.close()

    def _close_video(self) -> None:
        if self._frames is not None:
            self._frames.close()
            self._frames = None

    def expect(self, count: int) -> None:
        """So many more files."""
        self._files.total += count

    def frame(self, job: "Job", expected: int | None) -> None:
        """One more frame of a video."""
        if self._frames is None:
            self._frames = self._make(
                total=expected, unit="frame", desc=job.source.name, disable=self._off, leave=False, delay=1
            )
        self._frames.update()

    def done(self) -> None:
        """One more file."""
        self._close_video()
        self._files.update()

    def say(self, line: str) -> None:
        """A line on stderr, above the bars."""
        self._files.write(printable(line), file=sys.stderr)
