"""``dehaze`` and ``hazify`` in shell pipelines: one photo, or the frames of a video."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claritygan_cli.batch.tasks import Work
    from claritygan_cli.batch.video import VideoOptions


def stream(
    inputs: list[str],
    out: Path,
    make: Callable[[], "Work"],
    videos: "VideoOptions",
    raw: str | None,
    ending: str | None,
    quality: int,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """From stdin or a file, to stdout or a file: a photo, raw frames, or a YUV4MPEG2 stream."""
    from claritygan_cli.batch.plan import Job
    from claritygan_cli.batch.video import VideoOptions
    from claritygan_cli.errors import UsageError
    from claritygan_cli.media.image_io import FORMATS, decode_picture, ending_of, save_picture, write_picture
    from claritygan_cli.media.raw_video import Y4M_SIGNATURE
    from claritygan_cli.media.video_formats import READABLE_VIDEOS

    if len(inputs) != 1 or as_json:
        raise UsageError("- takes exactly one input and no --json")
    start = sys.stdin.buffer.read(len(Y4M_SIGNATURE)) if inputs[0] == "-" and not raw else b""
    if raw or start == Y4M_SIGNATURE:
        if inputs[0] != "-" or str(out) != "-":
            raise UsageError("frames come from stdin and go to stdout: claritygan dehaze - --out -")
        if videos != VideoOptions(temporal=videos.temporal):
            raise UsageError("frames in pipes: leave out the options of video files, all but --temporal")
        stream_frames(make(), videos, raw, start, quiet)
        return
    if str(out) != "-" and (out.is_dir() or out.suffix.lower() not in FORMATS):
        raise UsageError(f"--out {out}: for a photo from stdin, name the file to write, or - for stdout")
    if Path(inputs[0]).suffix.lower() in READABLE_VIDEOS:
        raise UsageError(
            f"{inputs[0]}: a video; name a file for --out, or decode it into the pipe (YUV4MPEG2 or --raw)"
        )
    if str(out) != "-" and out.exists() and not overwrite:
        raise UsageError(f"--out {out}: exists already; --overwrite replaces it")
    if inputs[0] == "-":
        name, data = "standard input", start + sys.stdin.buffer.read()
    else:
        name, data = inputs[0], Path(inputs[0]).read_bytes()
    picture = decode_picture(data, name)
    result = make().photo(picture, Job(name, Path(name), out)).picture
    if str(out) != "-":
        save_picture(out, result, quality)
        return
    write_picture(sys.stdout.buffer, result, ending or ending_of(data), quality)
    sys.stdout.buffer.flush()


def stream_frames(work: "Work", videos: "VideoOptions", raw: str | None, start: bytes, quiet: bool) -> None:
    """Frames from stdin to stdout, one by one."""
    from tqdm import tqdm

    from claritygan_cli.batch.pipe import pipe_raw, pipe_y4m
    from claritygan_cli.media.raw_video import parse_size

    translate = work.video("-", videos.temporal)
    with tqdm(unit="frame", disable=True if quiet else None, delay=1) as bar:
        source, target = sys.stdin.buffer, sys.stdout.buffer
        if raw:
            pipe_raw(source, target, parse_size(raw), translate, bar.update)
        else:
            pipe_y4m(source, target, start, translate, bar.update)
