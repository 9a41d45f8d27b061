"""What ``dehaze`` and ``hazify`` have in common: run a plan, show progress, report, exit."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from claritygan_cli.batch.run import Result, Translate


def run_batch(
    inputs: list[str],
    out: Path,
    make: Callable[[], "Translate"],
    *,
    ending: str | None,
    suffix: str,
    quality: int,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
    debug: bool,
) -> None:
    """Translate inputs; raises ``typer.Exit`` with the documented code.

    Args:
        make: loads the model; called when the plan stands.
    """
    if "-" in inputs or str(out) == "-":
        stream(inputs, out, make, ending, quality, overwrite, as_json)
        return
    from tqdm import tqdm

    from claritygan_cli.batch.plan import make_plan
    from claritygan_cli.batch.translate import do_plan

    started = time.monotonic()
    plan = make_plan(inputs, out, suffix, ending)
    results: list[Result] = []
    total = len(plan.problems) + len(plan.jobs)
    with tqdm(total=total, unit="photo", disable=True if quiet else None, delay=1) as bar:
        for result in do_plan(plan, make(), overwrite, quality, debug):
            results.append(result)
            bar.update()
            if result.status == "failed":
                bar.write(f"claritygan: {result.message}", file=sys.stderr)
    report(results, time.monotonic() - started, quiet, as_json)
    if any(result.status == "failed" for result in results):
        raise typer.Exit(1)


def report(results: "list[Result]", seconds: float, quiet: bool, as_json: bool) -> None:
    """Scores and JSON on stdout, a summary line on stderr."""
    from claritygan_cli.evaluation.metrics import PROTOCOL
    from claritygan_cli.evaluation.report import score_table, summary

    counts = {status: sum(r.status == status for r in results) for status in ("done", "skipped", "failed")}
    scored = {r.job.name: r.scores for r in results if r.scores is not None}
    if as_json:
        document: dict[str, Any] = {**counts, "seconds": round(seconds, 3), "results": [as_dict(r) for r in results]}
        if scored:
            document |= {"mean": summary(list(scored.values())), "protocol": PROTOCOL}
        typer.echo(json.dumps(document, indent=1))
    elif scored:
        typer.echo(score_table(scored))
        typer.echo(f"Protocol: {PROTOCOL}; before encoding")
    if not quiet:
        line = ", ".join(f"{count} {status}" for status, count in counts.items() if count or status == "done")
        hint = "; existing results are kept without --overwrite" if counts["skipped"] else ""
        typer.echo(f"{line} in {seconds:.1f} s{hint}", err=True)


def as_dict(result: "Result") -> dict[str, Any]:
    """A result for JSON."""
    return {
        "input": str(result.job.source),
        "output": None if result.status == "failed" else str(result.job.target),
        "status": result.status,
        "message": result.message,
        "seconds": round(result.seconds, 3),
        **({"scores": result.scores} if result.scores else {}),
    }


def stream(
    inputs: list[str],
    out: Path,
    make: Callable[[], "Translate"],
    ending: str | None,
    quality: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """One photo through a pipe: from stdin or a file, to stdout or a file."""
    from claritygan_cli.batch.plan import Job
    from claritygan_cli.errors import UsageError
    from claritygan_cli.media.files import FORMATS, decode_picture, ending_of, save_picture, write_picture

    if len(inputs) != 1 or as_json:
        raise UsageError("- takes exactly one input and no --json")
    if str(out) != "-" and (out.is_dir() or out.suffix.lower() not in FORMATS):
        raise UsageError(f"--out {out}: for a photo from stdin, name the file to write, or - for stdout")
    if str(out) != "-" and out.exists() and not overwrite:
        raise UsageError(f"--out {out}: exists already; --overwrite replaces it")
    if inputs[0] == "-":
        name, data = "standard input", sys.stdin.buffer.read()
    else:
        name, data = inputs[0], Path(inputs[0]).read_bytes()
    picture = decode_picture(data, name)
    result = make()(picture, Job(name, Path(name), out)).picture
    if str(out) != "-":
        save_picture(out, result, quality)
        return
    write_picture(sys.stdout.buffer, result, ending or ending_of(data), quality)
    sys.stdout.buffer.flush()
