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


class Direction(StrEnum):
    """Where a model translates to."""

    dehaze = "dehaze"
    hazify = "hazify"


class Format(StrEnum):
    """Formats of results, by the ending they get."""

    jpg = "jpg"
    jpeg = "jpeg"
    png = "png"
    webp = "webp"
    tif = "tif"
    tiff = "tiff"
    bmp = "bmp"


class VideoCodec(StrEnum):
    """Codings of videos."""

    h264 = "h264"
    hevc = "hevc"
    av1 = "av1"
    vp9 = "vp9"
    prores = "prores"


Inputs = Annotated[
    list[str], typer.Argument(metavar="INPUT", help="Photos, videos, folders (with subfolders), globs; - for stdin.")
]
Out = Annotated[
    Path, typer.Option("--out", "-o", help="Folder for the results; a file for a single input; - for stdout.")
]
Model = Annotated[str | None, typer.Option(help="A bundled model's name, a .safetensors file, or a run's folder.")]
ResultFormat = Annotated[Format | None, typer.Option("--format", help="Format of photos [default: the input's].")]
Quality = Annotated[int, typer.Option(min=1, max=100, help="Quality of JPEG and WebP.")]
Suffix = Annotated[str, typer.Option(help="Put after each result's name, e.g. _clear.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing results instead of skipping them.")]
DeviceChoice = Annotated[Device, typer.Option("--device", help="Where to compute; auto takes a GPU if there is one.")]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads [default: all].", show_default=False)]
WorkingSize = Annotated[
    int | None,
    typer.Option(
        min=32, max=4096, help="Longest side, in pixels, at which the network predictions [default: the model's]."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary; errors only.")]
Json = Annotated[bool, typer.Option("--json", help="Report on stdout as JSON.")]
Codec = Annotated[
    VideoCodec | None,
    typer.Option("--codec", help="Coding of videos [default: h264; vp9 in WebM].", show_default=False),
]
Crf = Annotated[int | None, typer.Option(min=0, max=63, help="Quality of videos; lower is better [default: high].")]
Preset = Annotated[str | None, typer.Option(help="Speed of the encoder of videos, e.g. veryfast [default: medium].")]
PixelFormat = Annotated[str | None, typer.Option(help="Of videos, e.g. yuv420p10le [default: the video's own].")]
Temporal = Annotated[
    float,
    typer.Option(min=0.0, max=1.0, help="Steadiness of videos; 0 takes each frame by itself."),
]
Start = Annotated[float | None, typer.Option(min=0.0, help="Seconds of the video to begin at.")]
End = Annotated[float | None, typer.Option(min=0.0, help="Seconds of the video to end at.")]
MaxFrames = Annotated[int | None, typer.Option(min=1, help="Frames of a video at most, for a trial.")]
Strict = Annotated[bool, typer.Option("--strict", help="Leave nothing of damaged videos.")]
Raw = Annotated[
    str | None,
    typer.Option(metavar="WxH", help="stdin and stdout are rgb24 frames of this size."),
]
EXIT_CODES = "Exit codes: 0 all done, 1 some files failed, 2 wrong use, 130 interrupted."
