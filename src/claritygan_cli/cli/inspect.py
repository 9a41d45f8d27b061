"""``claritygan inspect``."""

from pathlib import Path
from typing import Annotated

import typer

from claritygan_cli.cli.arguments import MODEL_OPTION, Json
from claritygan_cli.errors import SettingError


def inspect(
    photo: Annotated[Path, typer.Argument(help="A hazy photo.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write a figure, a .png file.", show_default=False)
    ] = None,
    model: Annotated[str | None, MODEL_OPTION] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing figure.")] = False,
    json: Json = False,
) -> None:
    """Show what the dehazer sees in a photo, and what each step of the restoration does to it.

    The figure shows transmission, airlight, and the photo after each step; the numbers go to stdout.

    claritygan inspect foggy.jpg --out figure.png
    """
    import json as json_module

    from claritygan_cli.evaluation.inspection import inspect as inspect_photo
    from claritygan_cli.media.image_reader import read_picture
    from claritygan_cli.media.image_writer import save_picture
    from claritygan_cli.media.picture import Picture
    from claritygan_cli.models.loading import load_translator

    if out is not None and out.suffix.lower() != ".png":
        raise SettingError("out", out, "must end in .png")
    if out is not None and out.exists() and not overwrite:
        raise SettingError("out", out, "exists already; --overwrite replaces it")
    if out is not None and out.exists() and photo.exists() and out.samefile(photo):
        raise SettingError("out", out, "is the photo itself; name another file")
    picture = read_picture(photo).at_8_bits()
    found = inspect_photo(load_translator("dehaze", model), picture.pixels)
    if out is not None:
        save_picture(out, Picture(found.figure()))
    numbers = {"input": str(photo), **found.numbers()}
    if json:
        typer.echo(json_module.dumps(numbers, indent=1))
        return
    transmission, airlight = numbers["transmission"], numbers["airlight"]
    typer.echo(f"{'hazy' if numbers['hazy'] else 'not hazy'}, transmission {transmission['mean']:.2f} on average")
    typer.echo("transmission " + ", ".join(f"{name} {value:.3f}" for name, value in transmission.items()))
    for name, colour in airlight.items():
        typer.echo(f"airlight {name} " + " ".join(f"{value:.3f}" for value in colour))
    for step in numbers["steps"]:
        typer.echo(f"{step['name']}: changes {step['change']:.2f} of 255")
