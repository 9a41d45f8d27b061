"""What commands share beside the settings: inputs, names, and exit codes."""

from enum import StrEnum
from typing import Annotated

import typer

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT", help="Photos, videos, folders (with subfolders), globs; - for stdin.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Report on stdout as JSON.")]
EXIT_CODES = "Exit codes: 0 all done, 1 some files failed, 2 wrong use, 130 interrupted."


class Direction(StrEnum):
    """Where a model translates to."""

    dehaze = "dehaze"
    hazify = "hazify"
