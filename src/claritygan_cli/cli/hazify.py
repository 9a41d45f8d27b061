"""``claritygan hazify``."""

from typing import TYPE_CHECKING, Annotated

import typer

from claritygan_cli.cli import options
from claritygan_cli.cli.batch_command import run_batch

if TYPE_CHECKING:
    from claritygan_cli.batch.run import Translate


def hazify(
    context: typer.Context,
    inputs: options.Inputs,
    out: options.Out,
    density: Annotated[
        str,
        typer.Option(help="Haze up to the farthest point: 0 none, 0.6 light, 3 heavy; or a range LOW:HIGH."),
    ] = "0.6:1.8",
    airlight: Annotated[
        str, typer.Option(help="Colour of the haze, 0..1: grey, or R,G,B; each a number or a range LOW:HIGH.")
    ] = "0.8:1.0",
    seed: Annotated[int, typer.Option(min=0, help="Decides what is drawn from ranges; same seed, same bytes.")] = 0,
    model: options.Model = None,
    format: options.ResultFormat = None,
    quality: options.Quality = 95,
    suffix: options.Suffix = "",
    overwrite: options.Overwrite = False,
    device: options.DeviceChoice = options.Device.auto,
    threads: options.Threads = 0,
    working_size: options.WorkingSize = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Put haze into photos, thicker with distance."""

    def make() -> "Translate":
        from claritygan_cli.batch.haze_knobs import parse_airlight, parse_span
        from claritygan_cli.batch.translate import Engine, hazing

        spans = parse_span(density, "--density", 20.0), parse_airlight(airlight)
        return hazing(Engine(model, device.value, threads, working_size), *spans, seed)

    run_batch(
        inputs,
        out,
        make,
        ending=f".{format.value}" if format else None,
        suffix=suffix,
        quality=quality,
        overwrite=overwrite,
        quiet=quiet,
        as_json=json,
        debug=context.obj,
    )
