"""Frames of videos: how their samples lie, how they are shown, and what goes with them."""

import math
import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec.codec import find_best_pix_fmt_of_list

PLANAR = tuple(f"yuv{chroma}p{depth}" for depth in ("", "10le", "12le") for chroma in ("420", "422", "444"))
"""How frames are handed out: planes of luma and chroma, 8 to 12 bits."""
BT709 = 1
LIMITED, FULL = 1, 2

BROKEN = (av.error.FFmpegError, OSError, ValueError)

Piece = av.VideoFrame | av.Packet


def planar_name(frame: av.VideoFrame) -> str:
    """A frame's format without libav's old mark of full range."""
    return frame.format.name.replace("yuvj", "yuv")


def planar(frame: av.VideoFrame) -> av.VideoFrame:
    """The frame in one of the formats :data:`PLANAR`; its own samples wherever it has planes."""
    if planar_name(frame) in PLANAR:
        return frame
    best, _ = find_best_pix_fmt_of_list(list(PLANAR), frame.format.name)
    assert best is not None
    if not frame.format.is_rgb:
        return frame.reformat(format=best.name)
    target = frame.reformat(format=best.name, dst_colorspace=BT709, dst_color_range=LIMITED)
    target.colorspace, target.color_range = BT709, LIMITED
    return target


def plane_arrays(frame: av.VideoFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The planes' samples, (H, W) uint8 or uint16 each; those of a frame that was made here can be written to."""
    kind = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
    arrays = []
    for plane in frame.planes[:3]:
        rows = np.frombuffer(memoryview(plane), kind).reshape(plane.height, plane.line_size // np.dtype(kind).itemsize)
        arrays.append(rows[:, : plane.width])
    return arrays[0], arrays[1], arrays[2]


def open_file(path: Path) -> Any:
    """A container that is open for reading: this file and no other, whatever its name and its content say.

    Raises:
        FFmpegError, OSError, ValueError: it cannot be opened.
    """
    return av.open(f"file:{path.absolute()}", options={"protocol_whitelist": "file"})


def display_matrix(frame: av.VideoFrame) -> tuple[int, ...] | None:
    """The nine numbers of a frame's display matrix; None where it has none."""
    data = side_data(frame, "DISPLAYMATRIX")
    return None if data is None else struct.unpack("=9i", data)


def side_data(frame: av.VideoFrame, kind: str) -> bytes | None:
    """What goes with a frame, of a kind as libav names it; None where there is none."""
    found: list[Any] = list(frame.side_data)
    return next((bytes(data) for data in found if data.type.name == kind), None)


def rotation_of(matrix: tuple[int, ...] | None) -> int:
    """Degrees, counter-clockwise, that a display matrix turns frames, to the next quarter; if it mirrors them too, then
    before it does that from left to right.
    """
    if matrix is None:
        return 0
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    if a * d - b * c < 0:
        a, c = -a, -c
    across, down = math.hypot(a, c) or 1.0, math.hypot(b, d) or 1.0
    return round(-math.degrees(math.atan2(b / down, a / across)) / 90) * 90


def seconds_of(piece: Piece) -> float:
    """The time stamp of a piece that has one."""
    assert piece.pts is not None
    assert piece.time_base is not None
    return float(piece.pts * piece.time_base)


def describe(error: Any) -> str:
    """An error of libav in a few words."""
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:120]
