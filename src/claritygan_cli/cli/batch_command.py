"""What ``dehaze`` and ``hazify`` have in common: run a plan, show progress, report, exit."""

import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from claritygan_cli.batch.options import BatchOptions, VideoOptions
from claritygan_cli.errors import SettingError
from claritygan_cli.stopping import stop_signals

if TYPE_CHECKING:
    from claritygan_cli.batch.plan import Job
    from claritygan_cli.batch.run import Result
    from claritygan_cli.batch.tasks import Task
    from claritygan_cli.engine.haze_summary import HazeSummary


def run_batch(
    inputs: list[str],
    make: Callable[[], "Task"],
    options: BatchOptions,
    videos: VideoOptions,
    threads: int,
    *,
    debug: bool,
) -> None:
    """Translate inputs; raises ``typer.Exit`` with the documented code.

    Args:
        make: loads the model; called when the plan stands.
        threads: CPU threads, see :func:`run_plan`; the model has been told them, too.
    """
    for number in stop_signals():  # so that nothing half-written is left
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    if "-" in inputs or str(options.out) == "-":
        from claritygan_cli.cli.pipe_command import stream

        stream(inputs, make, options, videos, threads)
        return
    if videos.raw:
        raise SettingError(
            "raw", videos.raw, "frames come from stdin and go to stdout; write: claritygan dehaze - --out -"
        )
    from claritygan_cli.batch.plan import make_plan
    from claritygan_cli.batch.run import run_plan

    started = time.monotonic()
    plan = make_plan(inputs, options.out, options.suffix, options.ending)
    results: list[Result] = []
    said: set[str] = set()
    with Bars(len(plan.problems) + len(plan.jobs), options.quiet) as bars:
        for result in run_plan(plan, make(), options, videos, debug, bars.frame, threads):
            results.append(result)
            bars.done()
            if result.message and result.status != "skipped":
                bars.say(f"claritygan: {result.message}")
            for what in result.left_out:
                if what not in said and not options.quiet:
                    bars.say(f"claritygan: {result.job.source}: left out: {what}; said once")
                said.add(what)
    report(results, plan.left_out, time.monotonic() - started, options)
    if any(result.status == "failed" for result in results):
        raise typer.Exit(1)


class Bars:
    """Progress on a terminal: files, and the frames of the video in work."""

    def __init__(self, total: int, quiet: bool) -> None:
        from tqdm import tqdm

        self._make, self._off = tqdm, True if quiet else None
        self._files = tqdm(total=total, unit="file", disable=self._off, delay=1)
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
        self._files.write(line, file=sys.stderr)


def report(
    results: "list[Result]", left_out: tuple[tuple[str, str], ...], seconds: float, options: BatchOptions
) -> None:
    """Scores and JSON on stdout, a summary line on stderr.

    Args:
        left_out: files and folders that were found and are no inputs, and why.
    """
    from claritygan_cli.evaluation.metrics import PROTOCOL
    from claritygan_cli.evaluation.report import score_table, summary

    counts = {status: sum(r.status == status for r in results) for status in ("done", "skipped", "failed")}
    scored = {r.job.name: r.scores for r in results if r.scores is not None}
    if options.json:
        document: dict[str, Any] = {**counts, "seconds": round(seconds, 3)}
        document["results"] = [as_dict(r) for r in results]
        document["left_out"] = [{"input": name, "reason": reason} for name, reason in left_out]
        if scored:
            document |= {"mean": summary(list(scored.values())), "protocol": PROTOCOL}
        typer.echo(json.dumps(document, indent=1))
    elif scored:
        typer.echo(score_table(scored))
        typer.echo(f"Protocol: {PROTOCOL}; before encoding")
    if not options.quiet:
        line = ", ".join(f"{count} {status}" for status, count in counts.items() if count or status == "done")
        hint = "; existing results are kept without --overwrite" if counts["skipped"] else ""
        if reasons := Counter(reason for _, reason in left_out):
            hint += "; left out: " + ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        frames, spent = sum(r.frames or 0 for r in results), sum(r.seconds for r in results if r.frames)
        speed = f" ({frames} frames, {frames / spent:.1f} a second)" if frames else ""
        typer.echo(f"{line} in {seconds:.1f} s{speed}{hint}", err=True)


def haze_as_dict(haze: "HazeSummary") -> dict[str, Any]:
    """What was seen of a photo's haze, for JSON."""
    return {
        "hazy": haze.hazy,
        "transmission": round(haze.transmission, 4),
        "airlight": [round(value, 4) for value in haze.airlight],
    }


def as_dict(result: "Result") -> dict[str, Any]:
    """A result for JSON."""
    written = result.status != "failed" or result.frames is not None  # what could be read of a damaged video
    return {
        "input": str(result.job.source),
        "output": str(result.job.target) if written else None,
        "status": result.status,
        "message": result.message,
        "seconds": round(result.seconds, 3),
        **({"frames": result.frames} if result.frames is not None else {}),
        **({"haze": haze_as_dict(result.haze)} if result.haze else {}),
        **({"scores": result.scores} if result.scores else {}),
        **({"left_out": result.left_out} if result.left_out else {}),
    }
