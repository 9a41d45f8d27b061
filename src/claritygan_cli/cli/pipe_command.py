"""``dehaze`` and ``hazify`` in shell pipelines: one photo, or the frames of a video."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from claritygan_cli.batch.options import BatchOptions, VideoOptions
from claritygan_cli.errors import SettingError, UsageError
from claritygan_cli.settings import declared

if TYPE_CHECKING:
    from claritygan_cli.batch.tasks import Task


def refuse_changed(given: Any, allowed: Any, reason: str) -> None:
    """See that settings are what is allowed.

    Raises:
        SettingError: the first that is not.
    """
    for field, _ in declared(given):
        if getattr(given, field.name) != getattr(allowed, field.name):
            raise SettingError(field.name, None, reason)


def stream(
    inputs: list[str], make: Callable[[], "Task"], options: BatchOptions, videos: VideoOptions, threads: int
) -> None:
    """From stdin or a file, to stdout or a file: a photo, raw frames, or a YUV4MPEG2 stream.

    Raises:
        UsageError: an option has no meaning in a pipe.
        ImageError: the input cannot be read.
    """
    from claritygan_cli.media.raw_video import Y4M_SIGNATURE

    if len(inputs) != 1 or options.json:
        raise UsageError("- takes exactly one input and no JSON report")
    if (inputs[0] == "-" and sys.stdin is None) or (options.out == "-" and sys.stdout is None):
        raise UsageError("standard input or output is closed")
    start = sys.stdin.buffer.read(len(Y4M_SIGNATURE)) if inputs[0] == "-" and not videos.raw else b""
    if videos.raw or start == Y4M_SIGNATURE:
        if inputs[0] != "-" or options.out != "-":
            raise UsageError("frames come from stdin and go to stdout: claritygan dehaze - --out -")
        plain = VideoOptions(temporal=videos.temporal, raw=videos.raw)
        refuse_changed(videos, plain, "frames in pipes are not encoded or cut; leave this out")
        refuse_changed(options, BatchOptions(options.out, quiet=options.quiet), "has no meaning for frames in pipes")
        stream_frames(make(), videos, start, options.quiet)
        return
    refuse_changed(videos, VideoOptions(), "a photo in a pipe is no video; leave this out")
    refuse_changed(
        options, replace(options, suffix=""), "in a pipe the result has the name that you give it; leave this out"
    )
    alone = replace(options, report=None, update=False, ray=None)
    refuse_changed(options, alone, "is for files; in a pipe there is one input; leave this out")
    stream_photo(inputs[0], start, make, options, threads)


def stream_photo(source: str, start: bytes, make: Callable[[], "Task"], options: BatchOptions, threads: int) -> None:
    """A photo from stdin or a file, to stdout or a file; scores, if wanted, go to stderr."""
    from claritygan_cli.batch.plan import Job
    from claritygan_cli.evaluation.report import score_table
    from claritygan_cli.media.find import PHOTO_FORMATS, READABLE_VIDEOS
    from claritygan_cli.media.image_reader import decode_picture, ending_of
    from claritygan_cli.media.image_writer import encode_picture, keep_times, save_picture
    from claritygan_cli.media.remote import local_path

    out, source = local_path(options.out), str(local_path(source))
    if str(out) != "-" and (out.is_dir() or out.suffix.lower() not in PHOTO_FORMATS):
        raise SettingError("out", out, "for a photo from stdin, name the file to write, or - for stdout")
    if Path(source).suffix.lower() in READABLE_VIDEOS:
        raise UsageError(
            f"{source}: a video; name a file for the result, or decode it into the pipe (YUV4MPEG2 or rgb24)"
        )
    if str(out) != "-" and out.exists() and not options.overwrite:
        raise SettingError("out", out, "exists already; --overwrite replaces it")
    if source == "-":
        name, data = "standard input", start + sys.stdin.buffer.read()
    else:
        name, data = source, Path(source).read_bytes()
    picture = decode_picture(data, name, max_pixels=options.max_pixels, pages=True)
    if options.strip_metadata:
        picture = picture.without_story()
    task = make()
    with task.parallel():
        translated = task.photo(picture, Job(name, Path(name), out), threads)
    if translated.left_alone not in (None, "copy"):
        raise SettingError("if_clear", translated.left_alone, "in a pipe a photo can only be copied")
    if str(out) != "-":
        left_out = save_picture(out, translated.picture, options.quality_given)
        if options.preserve_times and source != "-":
            keep_times(Path(source), out)
    else:
        ending = options.ending or ending_of(data)
        if translated.left_alone and not options.strip_metadata and options.ending is None:
            result, left_out = data, ()
        else:
            result, left_out = encode_picture(translated.picture, ending, options.quality_given)
        sys.stdout.buffer.write(result)
        sys.stdout.buffer.flush()
    for what in left_out:
        typer.echo(f"claritygan: {name}: left out: {what}", err=True)
    if translated.scores:
        typer.echo(score_table({name: translated.scores}), err=True)
    if translated.problem:
        typer.echo(f"claritygan: {translated.problem}", err=True)
        raise typer.Exit(1)


def stream_frames(task: "Task", videos: VideoOptions, start: bytes, quiet: bool) -> None:
    """Frames from stdin to stdout, one by one."""
    from tqdm import tqdm

    from claritygan_cli.batch.pipe import pipe_raw, pipe_y4m
    from claritygan_cli.media.raw_video import parse_size

    translate = task.video("-", videos.temporal)
    with translate.parallel(), tqdm(unit="frame", disable=True if quiet else None, delay=1) as bar:
        source, target = sys.stdin.buffer, sys.stdout.buffer
        if videos.raw:
            pipe_raw(source, target, parse_size(videos.raw), translate, bar.update)
        else:
            pipe_y4m(source, target, start, translate, bar.update)
