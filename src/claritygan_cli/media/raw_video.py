"""Frames without a container, for pipes: raw RGB, and YUV4MPEG2 (mjpegtools' yuv4mpeg(5))."""

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import IO

import numpy as np

from claritygan_cli.errors import ImageError, SettingError

Y4M_SIGNATURE = b"YUV4MPEG2"
CHROMA = {"420": (2, 2), "422": (1, 2), "444": (1, 1), "411": (1, 4), "mono": (2, 2)}
Y4M_CHROMA = r"(420|422|444|411|mono)(jpeg|mpeg2|paldv)?(?:p?(9|10|12|14|16))?"
LONGEST_HEADER = 1024
MOST_PIXELS = 1 << 28
"""Of a frame; what asks for more is a mistake."""

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]


def parse_size(text: str) -> tuple[int, int]:
    """``"1920x1080"`` as (width, height).

    Raises:
        SettingError: it is none.
    """
    match = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", text)
    if match is None:
        raise SettingError("raw", text, "write the frames' size like 1920x1080")
    width, height = int(match[1]), int(match[2])
    if width * height > MOST_PIXELS:
        raise SettingError("raw", text, f"frames have {MOST_PIXELS} pixels at most")
    return width, height


def _whole(data: bytes, size: int, name: str) -> bytes:
    if len(data) != size:
        raise ImageError(f"{name}: the last frame is cut short ({len(data)} of {size} bytes)")
    return data


def raw_frames(source: IO[bytes], width: int, height: int) -> Generator[np.ndarray]:
    """Frames (H, W, 3) uint8 from rgb24 bytes.

    Raises:
        ImageError: the last one is cut short.
    """
    size = width * height * 3
    while data := source.read(size):
        yield np.frombuffer(_whole(data, size, "standard input"), np.uint8).reshape(height, width, 3)


@dataclass(frozen=True)
class Y4mHeader:
    """The first line of a YUV4MPEG2 stream.

    Attributes:
        line: as it stands there, with its end.
        width, height: of luma.
        down, across: rows and columns of luma for one of chroma.
        bits: of a sample.
        full: whether samples use the full range.
        mono: whether the stream holds luma alone.
    """

    line: bytes
    width: int
    height: int
    down: int
    across: int
    bits: int
    full: bool
    mono: bool = False

    @staticmethod
    def parse(line: bytes) -> "Y4mHeader":
        """Understand a header.

        Raises:
            ImageError: it is none, or its chroma is of a kind that is not supported.
        """
        fields = line.decode("ascii", "replace").split()
        values = {field[0]: field[1:] for field in fields[1:] if field[0] in "WHC"}
        chroma = re.fullmatch(Y4M_CHROMA, values.get("C", "420jpeg"))
        try:
            width, height = int(values["W"]), int(values["H"])
        except (KeyError, ValueError):
            raise ImageError("standard input: not a YUV4MPEG2 stream with a width and a height") from None
        if chroma is None or width < 1 or height < 1:
            raise ImageError(f"standard input: YUV4MPEG2 of kind {values.get('C')!r} is not supported; use C444")
        if width * height > MOST_PIXELS:
            raise ImageError(f"standard input: frames of {width}x{height} are too large")
        down, across = CHROMA[chroma[1]]
        full = "XCOLORRANGE=FULL" in fields
        return Y4mHeader(line, width, height, down, across, int(chroma[3] or 8), full, chroma[1] == "mono")


def read_y4m_header(source: IO[bytes], start: bytes) -> Y4mHeader:
    """The header of a stream whose first bytes have been read already.

    Raises:
        ImageError: as :meth:`Y4mHeader.parse`.
    """
    return Y4mHeader.parse(start + source.readline(LONGEST_HEADER))


def y4m_frames(source: IO[bytes], header: Y4mHeader) -> Generator[Planes]:
    """Planes of luma and chroma, uint8 or uint16.

    Raises:
        ImageError: the last frame is cut short, or something else follows.
    """
    kind = np.dtype(np.uint8 if header.bits == 8 else "<u2")
    low, narrow = -(-header.height // header.down), -(-header.width // header.across)
    shapes = ((header.height, header.width), (low, narrow), (low, narrow))
    while line := source.readline(LONGEST_HEADER):
        if not line.startswith(b"FRAME"):
            raise ImageError("standard input: damaged YUV4MPEG2 stream (no FRAME where one should be)")
        planes: list[np.ndarray] = []
        for height, width in shapes:
            if planes and header.mono:
                planes.append(np.full((height, width), 1 << header.bits - 1, kind))  # no colour
                continue
            size = height * width * kind.itemsize
            planes.append(np.frombuffer(_whole(source.read(size), size, "standard input"), kind).reshape(height, width))
        yield planes[0], planes[1], planes[2]


def write_y4m_frame(target: IO[bytes], planes: Planes, header: Y4mHeader) -> None:
    """Write one frame."""
    target.write(b"FRAME\n")
    for plane in planes[:1] if header.mono else planes:
        target.write(plane.tobytes())
