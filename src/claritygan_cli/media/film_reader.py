"""Films in: frames as they are coded, and everything else as packets, in the order of the file."""

from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from av.codec.codec import find_best_pix_fmt_of_list

from claritygan_cli.errors import ImageError

PLANAR = tuple(f"yuv{chroma}p{depth}" for depth in ("", "10le", "12le") for chroma in ("420", "422", "444"))
"""How frames are handed out: planes of luma and chroma, 8 to 12 bits."""
BT709 = 1
LIMITED, FULL = 1, 2

Piece = av.VideoFrame | av.Packet


def planar(frame: av.VideoFrame) -> av.VideoFrame:
    """The frame in one of the formats :data:`PLANAR`; its own samples wherever it has planes."""
    name = frame.format.name.replace("yuvj", "yuv")
    if name in PLANAR:
        return frame
    best, _ = find_best_pix_fmt_of_list(list(PLANAR), frame.format.name)
    assert best is not None
    target = frame.reformat(format=best.name, dst_colorspace=BT709 if frame.format.is_rgb else None)
    if frame.format.is_rgb:
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


class FilmReader:
    """A film file that is open for reading.

    Args:
        path: the file.
        start, end: seconds from the film's start between which frames are wanted.
        max_frames: greatest number of frames.

    Attributes:
        video: the first video stream.
        others: audio and subtitle streams.
        problems: what was wrong on the way; empty for a film in good order.
        frames: frames handed out so far.
        tags: (matrix, range, primaries, transfer), as libav numbers them.
        rotation: degrees, counter-clockwise, that frames are turned for display.
        coded_as: name of the frames' format, one of :data:`PLANAR`.

    Raises:
        ImageError: the file cannot be opened, or holds no frames.
    """

    def __init__(
        self, path: Path, start: float | None = None, end: float | None = None, max_frames: int | None = None
    ) -> None:
        self.path, self.max_frames = path, max_frames
        try:
            self.container = av.open(str(path))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise ImageError(f"{path}: no film that can be read ({describe(error)})") from error
        streams = [s for s in self.container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
        if not streams:
            self.container.close()
            raise ImageError(f"{path}: holds no video")
        self.video = streams[0]
        self.video.thread_type = "AUTO"
        self.others = [s for s in self.container.streams if s.type in ("audio", "subtitle")]
        begin = (self.container.start_time or 0) / av.time_base
        self.shift = 0.0 if start is None else begin + start
        self.start = -np.inf if start is None else begin + start
        self.end = np.inf if end is None else begin + end
        self.problems: list[str] = []
        self.frames = 0
        self._last: int | None = None
        if start:
            self.container.seek(int(self.start * av.time_base))
        self._pieces = self._read()
        self._waiting: list[Piece] = []
        self._first = self._find_first()
        frame = planar(self._first)
        self.rotation = int(self._first.rotation)
        self.coded_as = frame.format.name.replace("yuvj", "yuv")
        matrix = int(frame.colorspace)
        full = "yuvj" in frame.format.name or int(frame.color_range) == FULL
        context = self.video.codec_context
        self.tags = (
            matrix if frame.format.name == self._first.format.name else int(frame.colorspace),
            FULL if full else LIMITED,
            int(context.color_primaries),
            int(context.color_trc),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pieces.close()
        self.container.close()

    @property
    def rate(self) -> Fraction:
        """Frames per second, on average."""
        return self.video.average_rate or self.video.guessed_rate or Fraction(25)

    @property
    def expected(self) -> int | None:
        """About how many frames there are, as far as the file says; less where only a part is wanted."""
        count = self.video.frames
        seconds = self._stated_seconds()
        if not count and seconds:
            count = round(seconds * self.rate)
        if not count:
            return None
        if np.isfinite(self.start) or np.isfinite(self.end):
            begin = (self.container.start_time or 0) / av.time_base
            last = min(self.end, begin + count / float(self.rate))
            count = max(0, round((last - max(self.start, begin)) * float(self.rate)))
        return min(count, self.max_frames or count)

    def _stated_seconds(self) -> float | None:
        if self.video.duration and self.video.time_base:
            return float(self.video.duration * self.video.time_base)
        stated = self.video.metadata.get("DURATION")
        if stated:  # Matroska: 00:00:10.000000000
            hours, minutes, seconds = stated.split(":")
            return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        only = not self.others and self.container.duration
        return self.container.duration / av.time_base if only and self.container.duration else None

    def _find_first(self) -> av.VideoFrame:
        for piece in self._pieces:
            self._waiting.append(piece)
            if isinstance(piece, av.VideoFrame):
                return piece
        self.container.close()
        raise ImageError(f"{self.path}: holds no frames that can be decoded" + "".join(f"; {p}" for p in self.problems))

    def pieces(self) -> Generator[Piece]:
        """Frames in the order of display, and packets of the other streams, as they come.

        Time stamps are the file's own, or count from ``start`` where that was given.
        """
        while self._waiting:
            yield self._waiting.pop(0)
        yield from self._pieces

    def _read(self) -> Generator[Piece]:
        over, bad = False, 0
        packets = self.container.demux(self.video, *self.others)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except (av.error.FFmpegError, OSError, ValueError) as error:
                self.problems.append(f"broken off ({describe(error)})")
                packet = None
            if packet is not None and packet.stream.index != self.video.index:
                kept = self._within(packet)
                if kept is None:
                    break
                if kept:
                    yield packet
                continue
            if over:
                if packet is None or packet.dts is None:
                    break
                continue
            try:
                frames = self.video.decode(packet)
            except (av.error.FFmpegError, OSError, ValueError):
                frames, bad = [], bad + 1
            for frame in frames:
                bad += bool(frame.is_corrupt)
                if self._is_over(frame):
                    over = True
                    break
                if frame.time is not None and frame.time < self.start - 1e-6:
                    continue
                self._stamp(frame)
                self.frames += 1
                yield frame
            if packet is None or (over and not self.others):
                break
        if bad:
            self.problems.append(f"{bad} damaged frames")
        self._see_what_is_missing(over)

    def _see_what_is_missing(self, over: bool) -> None:
        """Note a film that ended before its time; frames of variable rates are not counted."""
        count, seconds = self.video.frames, self._stated_seconds()
        if over or np.isfinite(self.start) or self._last is None or self.video.time_base is None:
            return
        if count:
            if self.frames < count - max(1, count // 100):
                self.problems.append(f"only {self.frames} of {count} frames could be read")
        elif seconds and (last := float(self._last * self.video.time_base)) < seconds - 1:
            self.problems.append(f"only {last:.1f} of {seconds:.1f} s could be read")

    def _is_over(self, frame: av.VideoFrame) -> bool:
        """Whether a frame lies behind the last one wanted."""
        if self.max_frames is not None and self.frames >= self.max_frames and frame.time is not None:
            self.end = min(self.end, frame.time)
        return frame.time is not None and frame.time >= self.end - 1e-6

    def _stamp(self, frame: av.VideoFrame) -> None:
        """See that a frame has a time stamp, and one later than the last."""
        assert frame.time_base is not None
        if frame.pts is None:
            step = max(1, round(1 / (self.rate * frame.time_base)))
            frame.pts = 0 if self._last is None else self._last + step
        else:
            frame.pts -= round(self.shift / frame.time_base)
        if self._last is not None and frame.pts <= self._last:
            frame.pts = self._last + 1
        self._last = frame.pts

    def _within(self, packet: av.Packet) -> bool | None:
        """Whether a packet is wanted, and moved in time; None when nothing wanted can follow."""
        if packet.dts is None or packet.pts is None:
            return False
        time = float(packet.pts * packet.time_base)
        if time > self.end + 2:
            return None
        if not self.start - 0.05 <= time < self.end:
            return False
        if self.shift:
            moved = round(self.shift / packet.time_base)
            packet.pts, packet.dts = packet.pts - moved, packet.dts - moved
        return True


def describe(error: Any) -> str:
    """An error of libav in a few words."""
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:120]
