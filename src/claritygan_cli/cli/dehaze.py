"""``claritygan dehaze``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claritygan_cli.cli import options
from claritygan_cli.cli.batch_command import run_batch

if TYPE_CHECKING:
    from claritygan_cli.batch.run import Translate


def dehaze(
    context: typer.Context,
    inputs: options.Inputs,
    out: options.Out,
    strength: Annotated[
        float, typer.Option(min=0.0, max=4.0, help="0 leaves photos untouched, 1 removes the haze seen, above: more.")
    ] = 1.0,
    model: options.Model = None,
    ground_truth: Annotated[
        Path | None, typer.Option(help="Folder of clear photos of the same names: prints PSNR, SSIM, CIEDE2000.")
    ] = None,
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
    """Take haze out of photos."""

    def make() -> "Translate":
        from claritygan_cli.batch.translate import Engine, dehazing

        return dehazing(Engine(model, device.value, threads, working_size), strength, ground_truth)

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
