"""One video from file to file; decoding, translation and encoding run side by side, a few frames apart."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import av

from claritygan_cli.atomic import written_whole
from claritygan_cli.batch.options import VideoOptions
from claritygan_cli.batch.prefetch import prefetch
from claritygan_cli.errors import ImageError
from claritygan_cli.media.video_formats import Encoding
from claritygan_cli.media.video_frames import FULL, Piece, planar, planar_name, plane_arrays
from claritygan_cli.media.video_reader import VideoReader
from claritygan_cli.media.video_writer import VideoWriter
from claritygan_cli.models.colour_coding import coding_of
from claritygan_cli.models.video_translator import CodedFrame, VideoTranslator

FRAMES_IN_FLIGHT = 3
"""Frames that wait between two stages."""


def encoding_of(options: VideoOptions, threads: int = 0) -> Encoding:
    """How the result is to be encoded."""
    return Encoding(options.codec, options.crf, options.preset, options.pixel_format, threads)


@dataclass(frozen=True)
class VideoResult:
    """What became of a video: frames written, how often the network ran, and what was wrong with it."""

    frames: int
    predictions: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def translated(video: VideoReader, translate: VideoTranslator) -> Generator[Piece]:
    """A video's pieces, its frames translated."""
    with closing(prefetch(video.pieces(), FRAMES_IN_FLIGHT)) as pieces:
        for piece in pieces:
            yield translated_frame(piece, video, translate) if isinstance(piece, av.VideoFrame) else piece


def translated_frame(source: av.VideoFrame, video: VideoReader, translate: VideoTranslator) -> av.VideoFrame:
    """A frame of a video, translated, with the same time and tags."""
    frame = planar(source)
    result = av.VideoFrame(frame.width, frame.height, planar_name(frame))
    result.pts, result.time_base, result.duration = source.pts, source.time_base, source.duration
    result.colorspace, result.color_range, result.color_primaries, result.color_trc = video.tags
    bits = frame.format.components[0].bits
    coding = coding_of(frame.width, frame.height, bits, video.tags[0], video.tags[1] == FULL)
    translate(CodedFrame(plane_arrays(frame), coding, video.rotation), plane_arrays(result))
    return result


def translate_video(
    source: Path,
    target: Path,
    translate: VideoTranslator,
    options: VideoOptions,
    progress: Callable[[int | None], None] = lambda _expected: None,
    threads: int = 0,
    story: bool = True,
) -> VideoResult:
    """Translate a video file; the result is there whole or not at all.

    Args:
        progress: called after each frame with the number expected in all, where that is known.
        threads: CPU threads of decoder and encoder each; 0 for as many as they like.
        story: whether metadata are taken along.

    Raises:
        ImageError: the video cannot be read or encoded; or, with ``strict``, is damaged.
        UsageError: the container and the codec do not go together.
    """
    ending = target.suffix.lower()
    from_zero = ending in (".avi", ".gif")
    with (
        VideoReader(source, options.start, options.end, options.max_frames, from_zero, threads) as video,
        written_whole(target) as file,
    ):
        with (
            VideoWriter(Path(file.name), ending, video, encoding_of(options, threads), story) as writer,
            closing(prefetch(translated(video, translate), FRAMES_IN_FLIGHT)) as pieces,
        ):
            for piece in pieces:
                if isinstance(piece, av.VideoFrame):
                    writer.frame(piece)
                    progress(video.expected)
                else:
                    writer.packet(piece)
        if video.problems and options.strict:
            raise ImageError(f"{source}: {'; '.join(video.problems)}; nothing of it is kept, as was asked for")
    return VideoResult(video.frames, translate.predictions, tuple(video.problems), tuple(writer.notes))
