"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Device(StrEnum):
    """Where networks run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class Format(StrEnum):
    """Formats of results."""

    jpg = "jpg"
    png = "png"
    webp = "webp"
    tiff = "tiff"
    bmp = "bmp"


Inputs = Annotated[
    list[str], typer.Argument(metavar="INPUT", help="Photos, folders (with subfolders), globs; - for stdin.")
]
Out = Annotated[
    Path, typer.Option("--out", "-o", help="Folder for the results; a file for a single photo; - for stdout.")
]
Model = Annotated[str | None, typer.Option(help="Bundled model's name or a .safetensors file.")]
ResultFormat = Annotated[Format | None, typer.Option("--format", help="Format of the results [default: the input's].")]
Quality = Annotated[int, typer.Option(min=1, max=100, help="Quality of JPEG and WebP.")]
Suffix = Annotated[str, typer.Option(help="Put after each result's name, e.g. _clear.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing results instead of skipping them.")]
DeviceChoice = Annotated[Device, typer.Option("--device", help="Where to compute; auto takes a GPU if there is one.")]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads [default: all].", show_default=False)]
WorkingSize = Annotated[
    int | None,
    typer.Option(min=32, max=4096, help="Longest side, in pixels, at which the network looks [default: the model's]."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary; errors only.")]
Json = Annotated[bool, typer.Option("--json", help="Report on stdout as JSON.")]
EXIT_CODES = "Exit codes: 0 all done, 1 some files failed, 2 wrong use, 130 interrupted."
