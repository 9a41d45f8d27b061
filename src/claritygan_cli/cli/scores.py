"""Scores on the terminal, for ``eval`` and ``demo``."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from claritygan_cli.evaluation.evaluate import Scored


def show_scores(
    scored: "Iterable[Scored]",
    what: str,
    count: int | None,
    *,
    as_json: bool = False,
    csv: Path | None = None,
    quiet: bool = False,
    cropped: bool = False,
    rows: bool = True,
) -> "list[Scored]":
    """Print a table or JSON on stdout, with the protocol; a progress bar on stderr meanwhile.

    Args:
        count: how many scores there will be, where that is known.
        rows: whether the table has a row for each picture.

    Returns:
        The scores.
    """
    from tqdm import tqdm

    from claritygan_cli.evaluation.metrics import PROTOCOL
    from claritygan_cli.evaluation.report import score_table, summary, write_csv

    unit = "photo" if rows else "frame"
    found = list(tqdm(scored, total=count, unit=unit, disable=True if quiet else None, delay=1, leave=False))
    after = {one.name: one.after for one in found}
    before = [one.before for one in found if one.before is not None]
    protocol = PROTOCOL + ("; pictures cropped to their common middle" if cropped else "")
    if as_json:
        document = {
            "data": what,
            "protocol": protocol,
            "mean": summary(list(after.values())),
            "input": summary(before) if before else None,
            "pictures": after,
        }
        typer.echo(json.dumps(document, indent=1))
    else:
        typer.echo(score_table(after, rows))
        if before:
            mean = summary(before)
            typer.echo(f"The hazy input has {mean['psnr']} dB, {mean['ssim']}, {mean['ciede2000']}.")
        typer.echo(f"Protocol: {protocol}.")
    if csv is not None:
        write_csv(csv, after)
    return found
