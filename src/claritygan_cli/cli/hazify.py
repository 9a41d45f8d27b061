"""``claritygan hazify``."""

from typing import TYPE_CHECKING, Annotated

import typer

from claritygan_cli.cli import options
from claritygan_cli.cli.batch_command import run_batch

if TYPE_CHECKING:
    from claritygan_cli.batch.tasks import Work


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
    """Put haze into photos and videos, thicker with distance."""

    def make() -> "Work":
        from claritygan_cli.batch.haze_parameters import parse_airlight, parse_span
        from claritygan_cli.batch.tasks import Engine, hazing

        spans = parse_span(density, "--density", 20.0), parse_airlight(airlight)
        sources = {f"--{knob}": context.get_parameter_source(knob) for knob in ("density", "airlight", "seed")}
        asked = tuple(option for option, source in sources.items() if source is not None and source.name != "DEFAULT")
        return hazing(Engine(model, device.value, threads, working_size), *spans, seed, asked)

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
