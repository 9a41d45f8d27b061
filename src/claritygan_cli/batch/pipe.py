"""Videos through pipes: frames from stdin to stdout.

Frames are read where they are translated: a thread that waits for a silent pipe could not be interrupted.
"""

from collections.abc import Callable
from typing import IO

import numpy as np

from claritygan_cli.media.raw_video import raw_frames, read_y4m_header, write_y4m_frame, y4m_frames
from claritygan_cli.models.colour_coding import UNSPECIFIED, coding_of
from claritygan_cli.models.video_translator import CodedFrame, VideoTranslator


def pipe_raw(
    source: IO[bytes], target: IO[bytes], size: tuple[int, int], translate: VideoTranslator, done: Callable[[], None]
) -> None:
    """rgb24 frames of a size (width, height), each translated and written at once.

    Raises:
        ImageError: the last frame is cut short; those before it have been written.
    """
    for pixels in raw_frames(source, *size):
        target.write(translate.rgb(pixels).tobytes())
        done()
    target.flush()


def pipe_y4m(
    source: IO[bytes], target: IO[bytes], start: bytes, translate: VideoTranslator, done: Callable[[], None]
) -> None:
    """A YUV4MPEG2 stream; its header is passed on. Its colours are taken to be coded by BT.601, or BT.709 if large.

    Args:
        start: the stream's first bytes, which have been read already.

    Raises:
        ImageError: the stream is damaged; the frames before have been written.
    """
    header = read_y4m_header(source, start)
    target.write(header.line)
    coding = coding_of(header.width, header.height, header.bits, UNSPECIFIED, header.full)
    for planes in y4m_frames(source, header):
        results = (np.empty_like(planes[0]), np.empty_like(planes[1]), np.empty_like(planes[2]))
        translate(CodedFrame(planes, coding), results)
        write_y4m_frame(target, results, header)
        done()
    target.flush()
