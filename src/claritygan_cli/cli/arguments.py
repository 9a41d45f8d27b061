"""What commands share beside the settings: inputs, names, and exit codes."""

import glob
import os
from enum import StrEnum
from typing import Annotated

import typer


def complete_model(incomplete: str) -> list[str]:
    """What a model's name or path may go on as, for the shell's completion."""
    from claritygan_cli.models.catalogue import catalogue

    names = [entry.name for entry in catalogue() if entry.name.startswith(incomplete)]
    paths = sorted(glob.glob(glob.escape(incomplete) + "*"))
    return names + [path + "/" if os.path.isdir(path) else path for path in paths if is_model_path(path)]


def is_model_path(path: str) -> bool:
    """Whether a path may lead to a model."""
    return path.endswith((".safetensors", ".onnx")) or os.path.isdir(path)


MODEL = typer.Argument(
    metavar="MODEL",
    help="A bundled model, a .safetensors file, or a run's folder.",
    show_default=False,
    autocompletion=complete_model,
)
MODEL_OPTION = typer.Option(
    "--model",
    help="A bundled model's name, a .safetensors or .onnx file, or a run's folder.",
    show_default="the bundled one",
    autocompletion=complete_model,
)
Inputs = Annotated[
    list[str] | None,
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
