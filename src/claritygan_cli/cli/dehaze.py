"""``claritygan dehaze``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claritygan_cli.cli import options
from claritygan_cli.cli.batch_command import run_batch

if TYPE_CHECKING:
    from claritygan_cli.batch.tasks import Work


def dehaze(
    context: typer.Context,
    inputs: options.Inputs,
    out: options.Out,
    strength: Annotated[
        float, typer.Option(min=0.0, max=4.0, help="0 leaves inputs untouched, 1 removes the haze seen, above: more.")
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
    codec: options.Codec = None,
    crf: options.Crf = None,
    preset: options.Preset = None,
    pixel_format: options.PixelFormat = None,
    temporal: options.Temporal = 0.95,
    start: options.Start = None,
    end: options.End = None,
    max_frames: options.MaxFrames = None,
    strict: options.Strict = False,
    raw: options.Raw = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Take haze out of photos and videos."""

    def make() -> "Work":
        from claritygan_cli.batch.tasks import Engine, dehazing

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
        raw=raw,
        codec=codec.value if codec else None,
        crf=crf,
        preset=preset,
        pixel_format=pixel_format,
        temporal=temporal,
        start=start,
        end=end,
        max_frames=max_frames,
        strict=strict,
    )
