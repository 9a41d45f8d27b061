"""What ``dehaze`` and ``hazify`` can be told. Light: the command line makes its options of these."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from claritygan_cli.errors import SettingError
from claritygan_cli.evaluation.options import check_page
from claritygan_cli.media.find import MAX_PIXELS
from claritygan_cli.models.kinds import LEAST_TILE, TILE, Device, Runtime
from claritygan_cli.settings import check, setting

Format = Literal["jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp", "avif", "heic", "jxl"]
Codec = Literal["h264", "hevc", "av1", "vp9", "prores"]

SHARD = re.compile(r"[0-9]{1,6}/[0-9]{1,6}")
IfClear = Literal["copy", "link", "skip"]

INPUTS, RESULTS, VIDEOS, COMPUTING = "Inputs", "Results", "Videos", "Computing"
"""Headings in the help."""


@dataclass(frozen=True)
class InputOptions:
    """Where inputs come from, beside the arguments, and which of them are taken."""

    from_file: str | None = setting(
        None, help="File that names inputs, one a line; - for stdin.", metavar="FILE", panel=INPUTS
    )
    from0: str | None = setting(
        None, help="The same with NULs between the names, as find -print0 writes.", metavar="FILE", panel=INPUTS
    )
    watch: Path | None = setting(
        None,
        help="Folder to wait at, until Ctrl-C; files in it are taken once they are whole.",
        metavar="DIR",
        panel=INPUTS,
    )
    shard: str | None = setting(
        None, help="Take part I of N of the inputs, for N machines that share a job.", metavar="I/N", panel=INPUTS
    )
    dry_run: bool = setting(False, help="Say what would be done, and do nothing.", panel=INPUTS)

    def __post_init__(self) -> None:
        check(self)
        given = [name for name in ("from_file", "from0", "watch") if getattr(self, name) is not None]
        if len(given) > 1:
            raise SettingError(given[1], None, f"goes not together with {given[0].replace('_', '-')}; leave one out")
        if self.watch is not None and self.dry_run:
            raise SettingError("dry_run", None, "goes not together with watch; leave one out")
        if self.shard is not None and not (SHARD.fullmatch(self.shard) and 1 <= self.part[0] <= self.part[1]):
            raise SettingError("shard", self.shard, "write I/N with I from 1 to N, e.g. 2/8")

    @property
    def part(self) -> tuple[int, int]:
        """Which part of how many; (1, 1) is all."""
        which, count = (self.shard or "1/1").split("/")
        return int(which), int(count)


@dataclass(frozen=True)
class DehazeOptions:
    """How haze is taken out."""

    strength: float = setting(
        1.0, help="0 leaves inputs as they are, 1 takes out the haze seen, above: more.", minimum=0.0, maximum=4.0
    )
    ground_truth: Path | None = setting(
        None,
        help="Folder of clear photos of the same names: prints PSNR, SSIM, CIEDE2000.",
        metavar="DIR",
        changes_results=False,
    )
    report_maps: bool = setting(
        False, help="Show the transmission in the report, too.", panel=RESULTS, changes_results=False
    )
    min_haze: float | None = setting(
        None,
        help="Leave photos alone that have less haze than this, as 1 - transmission: 0.1 is little, 0.5 much.",
        minimum=0.0,
        maximum=1.0,
        panel=RESULTS,
    )
    if_clear: IfClear = setting("copy", help="What becomes of photos with less haze than that.", panel=RESULTS)

    def __post_init__(self) -> None:
        check(self)
        if self.if_clear != "copy" and self.min_haze is None:
            raise SettingError("if_clear", self.if_clear, "says nothing without a least haze (min-haze)")


@dataclass(frozen=True)
class HazifyOptions:
    """Which haze is put in."""

    density: str = setting(
        "0.6:1.8", help="Haze up to the farthest point: 0.6 light, 3 heavy; or a range LOW:HIGH.", metavar="D"
    )
    airlight: str = setting(
        "0.8:1.0",
        help="Colour of the haze, 0..1: grey, or R,G,B; each a number or a range LOW:HIGH.",
        metavar="A",
    )
    seed: int = setting(0, help="Decides what is drawn from ranges; same seed, same bytes.", minimum=0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class BatchOptions:
    """Where results go, and how they are written."""

    out: str = setting(
        help="Folder for the results; a file for a single input; - for stdout.",
        flags=("--out", "-o"),
        metavar="PATH",
        changes_results=False,
    )
    format: Format | None = setting(None, help="Format of photos.", shown_default="the input's", panel=RESULTS)
    quality: str = setting(
        "keep",
        help="Of JPEG, WebP and their like, 1 to 100; keep is a JPEG's own, or 95.",
        metavar="1..100|keep",
        panel=RESULTS,
    )
    suffix: str = setting("", help="Put after each result's name, e.g. _clear.", panel=RESULTS, changes_results=False)
    update: bool = setting(
        False,
        help="Replace existing results that were made of other inputs or with other settings.",
        panel=RESULTS,
        changes_results=False,
    )
    overwrite: bool = setting(
        False, help="Replace existing results instead of skipping them.", panel=RESULTS, changes_results=False
    )
    strip_metadata: bool = setting(
        False, help="Leave out EXIF, GPS, XMP, IPTC and texts; colour profiles stay.", panel=RESULTS
    )
    preserve_times: bool = setting(
        False, help="Give results the times of their inputs.", panel=RESULTS, changes_results=False
    )
    jobs: int = setting(
        0,
        help="Photos in work at once, memory allowing.",
        minimum=0,
        shown_default="as many as threads",
        panel=COMPUTING,
        changes_results=False,
    )
    ray: str | None = setting(
        None,
        help="Work on the Ray cluster there; auto for this machine's, local to start one here.",
        metavar="ADDRESS",
        panel=COMPUTING,
        changes_results=False,
    )
    max_pixels: int = setting(
        MAX_PIXELS,
        help="Photos with more pixels are refused; guards the memory.",
        minimum=1,
        panel=RESULTS,
        changes_results=False,
    )
    quiet: bool = setting(
        False,
        help="No progress and no summary; errors only.",
        flags=("--quiet", "-q"),
        panel=RESULTS,
        changes_results=False,
    )
    json: bool = setting(
        False,
        help="A line of JSON on stdout for each input, and a summary.",
        panel=RESULTS,
        changes_results=False,
    )
    report: Path | None = setting(
        None,
        help="Write a page that shows inputs and results, for any browser.",
        metavar="FILE.html",
        panel=RESULTS,
        changes_results=False,
    )

    def __post_init__(self) -> None:
        check(self)
        if {"/", os.sep, "\0"} & set(self.suffix):
            raise SettingError("suffix", self.suffix, "is part of a file's name, and holds no slash")
        if self.report is not None:
            check_page(self.report)
        if self.update and self.overwrite:
            raise SettingError("update", None, "goes not together with overwrite; leave one out")
        if self.ray is not None and self.jobs:
            raise SettingError("jobs", self.jobs, "is the cluster's affair; leave this out")
        if self.quality != "keep" and not (self.quality.isdecimal() and 1 <= int(self.quality) <= 100):
            raise SettingError("quality", self.quality, "write a whole number from 1 to 100, or keep")

    @property
    def quality_given(self) -> int | None:
        """The quality as a number; None keeps the source's."""
        return None if self.quality == "keep" else int(self.quality)

    @property
    def ending(self) -> str | None:
        """Ending of the results of photos, with its dot; None keeps each input's."""
        return f".{self.format}" if self.format else None


@dataclass(frozen=True)
class ModelOptions:
    """Which model runs, and where."""

    model: str | None = setting(
        None,
        help="A bundled model's name, a .safetensors or .onnx file, or a run's folder.",
        shown_default="the bundled one",
        panel=COMPUTING,
        changes_results=False,
    )
    device: Device = setting("auto", help="auto takes a GPU if there is one.", panel=COMPUTING, changes_results=False)
    runtime: Runtime = setting(
        "auto",
        help="What runs photos: auto takes ONNX Runtime, if installed, for graphs, and on CPUs fast in 8 bits.",
        panel=COMPUTING,
        changes_results=False,
    )
    threads: int = setting(
        0, help="CPU threads.", minimum=0, shown_default="all", panel=COMPUTING, changes_results=False
    )
    working_size: int | None = setting(
        None,
        help="Longest side, in pixels, at which the network sees photos.",
        minimum=32,
        maximum=8192,
        shown_default="the model's",
        panel=COMPUTING,
    )
    tile: int = setting(
        TILE,
        help="Side of the tiles in which a resnet takes what is larger: memory, not the result, depends on it.",
        minimum=LEAST_TILE,
        panel=COMPUTING,
        changes_results=False,
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class VideoOptions:
    """What is made of videos."""

    codec: Codec | None = setting(None, help="Codec.", shown_default="h264; vp9 in WebM", panel=VIDEOS)
    crf: int | None = setting(
        None, help="Quality; lower is better.", minimum=0, maximum=63, shown_default="high", panel=VIDEOS
    )
    preset: str | None = setting(
        None, help="Speed of the encoder, e.g. veryfast.", shown_default="medium", panel=VIDEOS
    )
    pixel_format: str | None = setting(None, help="E.g. yuv420p10le.", shown_default="the video's own", panel=VIDEOS)
    temporal: float = setting(
        0.95, help="Steadiness; 0 takes each frame by itself.", minimum=0.0, maximum=1.0, panel=VIDEOS
    )
    start: float | None = setting(None, help="Seconds of the video to begin at.", minimum=0.0, panel=VIDEOS)
    end: float | None = setting(None, help="Seconds of the video to end at.", minimum=0.0, panel=VIDEOS)
    max_frames: int | None = setting(None, help="Frames at most, for a trial.", minimum=1, panel=VIDEOS)
    strict: bool = setting(False, help="Leave nothing of damaged videos.", panel=VIDEOS)
    raw: str | None = setting(None, help="stdin and stdout are rgb24 frames of this size.", metavar="WxH", panel=VIDEOS)

    def __post_init__(self) -> None:
        check(self)
        if self.end is not None and self.end <= (self.start or 0):
            raise SettingError("end", f"{self.end:g}", f"must lie behind the start, {self.start or 0:g}")
