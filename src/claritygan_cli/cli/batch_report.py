"""What ``dehaze`` and ``hazify`` say of each input, and at the end."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from claritygan_cli.batch.options import BatchOptions
from claritygan_cli.models.kinds import Direction

if TYPE_CHECKING:
    from claritygan_cli.batch.plan import Job, Plan
    from claritygan_cli.batch.worker import Result
    from claritygan_cli.engine.haze_summary import HazeSummary
    from claritygan_cli.evaluation.metrics import Scores
    from claritygan_cli.evaluation.report_page import Row

LEFT_OUT = "left out"
"""Status of what was found and is no input."""


class Report:
    """JSON lines or scores on stdout; problems and a summary, when the ``with`` block ends well, on stderr.

    Args:
        say: writes a line to stderr.
        page: to be written, too.
    """

    def __init__(self, options: BatchOptions, say: Callable[[str], None], page: "Page | None" = None) -> None:
        self._options, self._say, self._page = options, say, page
        self._out = sys.stdout  # which somebody may redirect meanwhile
        self._started = time.monotonic()
        self._counts: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._said: set[str] = set()
        self._scores: dict[str, Scores] = {}
        self._frames, self._spent = 0, 0.0
        self._stale: Counter[str] = Counter()

    def __enter__(self) -> "Report":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._end()

    @property
    def failed(self) -> bool:
        """Whether something did."""
        return self._counts["failed"] > 0

    def add(self, result: "Result") -> None:
        """What became of one input."""
        self._counts[result.status] += 1
        if result.stale:
            self._stale[result.stale] += 1
        if result.frames:
            self._frames, self._spent = self._frames + result.frames, self._spent + result.seconds
        if result.scores is not None:
            self._scores[result.job.name] = result.scores
        if result.message and result.status in ("done", "failed"):
            self._say(f"claritygan: {result.message}")
        for what in result.left_out:
            if what not in self._said and not self._options.quiet:
                self._say(f"claritygan: {result.job.source}: left out: {what}; said once")
            self._said.add(what)
        self._line(as_dict(result))
        if self._page:
            self._page.add(result)

    def leave_out(self, left_out: tuple[tuple[str, str], ...]) -> None:
        """Files and folders that were found and are no inputs, and why."""
        for name, reason in left_out:
            self._counts[LEFT_OUT] += 1
            self._reasons[reason] += 1
            self._line({"input": name, "status": LEFT_OUT, "message": reason})

    def dry_run(self, plan: "Plan", skipped: "list[Result]", todo: "list[Job]") -> None:
        """What would be done."""
        from claritygan_cli.batch.run import unplanned
        from claritygan_cli.batch.worker import Result

        for result in (*unplanned(plan), *skipped, *(Result(job, "planned") for job in todo)):
            self.add(result)
            if not self._options.json and result.status != "failed":
                arrow = f"{result.job.source} -> {result.job.target}"
                what = arrow if result.status == "planned" else result.message
                typer.echo(printable(f"{result.status}: {what}"), self._out)
        self.leave_out(plan.left_out)

    def _line(self, values: dict[str, Any]) -> None:
        if self._options.json:
            typer.echo(json.dumps(values), self._out)

    def _end(self) -> None:
        from claritygan_cli.evaluation.metrics import PROTOCOL
        from claritygan_cli.evaluation.report import score_table, summary

        if self._page:
            self._page.write()
        seconds = time.monotonic() - self._started
        counts = {name: self._counts[name] for name in ("done", "skipped", "left alone", "failed", LEFT_OUT)}
        if self._counts["planned"]:
            counts = {"planned": self._counts["planned"], **counts}
        values: dict[str, Any] = {name.replace(" ", "_"): count for name, count in counts.items()}
        values |= {"seconds": round(seconds, 3)}
        if self._scores:
            values |= {"mean": summary(list(self._scores.values())), "protocol": PROTOCOL}
        self._line({"summary": values})
        if self._scores and not self._options.json:
            typer.echo(score_table(self._scores), self._out)
            typer.echo(f"Protocol: {PROTOCOL}; before encoding", self._out)
            if counts["skipped"] and not self._options.quiet:
                self._say(f"claritygan: {counts['skipped']} skipped are not in these scores")
        if self._options.quiet:
            return
        counts.pop(LEFT_OUT)
        needed = "planned" if self._counts["planned"] else "done"
        line = ", ".join(f"{count} {name}" for name, count in counts.items() if count or name == needed)
        if self._frames:
            line += f" in {seconds:.1f} s ({self._frames} frames, {self._frames / self._spent:.1f} a second)"
        else:
            line += f" in {seconds:.1f} s"
        if counts["skipped"] and not self._options.update:
            line += "; existing results are kept without --overwrite"
        if self._stale:
            line += "; of them " + ", ".join(f"{n} {reason}" for reason, n in sorted(self._stale.items()))
            line += " (--update makes these again)"
        if self._reasons:
            line += "; left out: " + ", ".join(f"{n} {reason}" for reason, n in sorted(self._reasons.items()))
        typer.echo(line, err=True)


def printable(text: str) -> str:
    """A line for the terminal: names of files are any bytes, and may hold what it would obey."""
    return "".join(
        c if c.isprintable() or "\ud800" <= c <= "\udfff" else c.encode("unicode_escape").decode() for c in text
    )


def haze_as_dict(haze: "HazeSummary") -> dict[str, Any]:
    """What was seen of a photo's haze, for JSON."""
    return {
        "hazy": haze.hazy,
        "transmission": round(haze.transmission, 4),
        "airlight": [round(value, 4) for value in haze.airlight],
    }


def as_dict(result: "Result") -> dict[str, Any]:
    """A result for JSON."""
    return {
        "input": str(result.job.source),
        "output": str(result.job.target) if result.written or result.status == "planned" else None,
        "status": result.status,
        "message": result.message,
        "seconds": round(result.seconds, 3),
        **({"size": list(result.size)} if result.size else {}),
        **({"frames": result.frames} if result.frames is not None else {}),
        **({"haze": haze_as_dict(result.haze)} if result.haze else {}),
        **({"scores": result.scores} if result.scores else {}),
        **({"left_out": result.left_out} if result.left_out else {}),
    }


class Page:
    """The page of ``--report``.

    Args:
        path: the file.
        max_pixels: photos with more are not read for it.
    """

    def __init__(self, path: Path, direction: Direction, max_pixels: int) -> None:
        from claritygan_cli.evaluation.report_page import Thumbnails

        self._path, self._direction, self._max_pixels = path, direction, max_pixels
        self.thumbnail = Thumbnails()
        self._rows: list[Row] = []

    def add(self, result: "Result") -> None:
        """Another row."""
        from claritygan_cli.batch.report_rows import row_of

        self._rows.append(row_of(result, self._direction, self.thumbnail, self._max_pixels))

    def write(self) -> None:
        """Write the page."""
        from claritygan_cli.evaluation.report_page import write_page

        counts = Counter(row.status for row in self._rows)
        note = ", ".join(f"{count} {status}" for status, count in counts.items())
        write_page(self._path, f"claritygan {self._direction}", note, self._rows)
