"""Videos in: frames as they are coded, and everything else as packets, in the order of the file."""

import re
from collections import deque
from collections.abc import Generator, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import numpy as np

from claritygan_cli.errors import ImageError
from claritygan_cli.media.containers import is_damaged_matroska, read_gif
from claritygan_cli.media.hdr import read_hdr
from claritygan_cli.media.timeline import JUMPING, Timeline
from claritygan_cli.media.video_frames import (
    BROKEN,
    FULL,
    LIMITED,
    Piece,
    describe,
    display_matrix,
    open_file,
    planar,
    planar_name,
    rotation_of,
    seconds_of,
    side_data,
)

NEAR_JOIN = 4
"""Packets before and behind the place where two recordings were joined."""
STILL_SHOWN = 0.05
"""Seconds that a frame of before ``start`` has to stay on show after it, to be the first one."""


class VideoReader:
    """A video file that is open for reading.

    Args:
        path: the file.
        start, end: seconds from the video's start between which frames are wanted.
        max_frames: greatest number of frames.
        from_zero: let time begin at 0, as formats without time stamps do; otherwise it is the file's own, or counts
            from ``start`` where that is given.
        threads: CPU threads of the decoder; 0 for as many as it likes.

    Attributes:
        begin: seconds at which the file's own time starts.
        video: the first video stream.
        others: audio and subtitle streams.
        problems: what was wrong on the way; empty for a video in good order.
        notes: what is not taken along.
        gif: the blocks of a GIF file; None for others.
        timecode: of the first frame, where the file has one.
        matrix: how frames are turned and mirrored for display, as libav has it; None for not at all.
        frames: frames handed out so far.
        tags: (matrix, range, primaries, transfer), as libav numbers them.
        rotation: degrees, counter-clockwise, that frames are turned for display (before they are mirrored).
        hdr: HDR10's metadata, where the video has some.
        coded_as: name of the frames' format, one of :data:`PLANAR`.
        expected: about how many frames there are, as far as the file says.

    Raises:
        ImageError: the file cannot be opened, or holds no frames.
    """

    def __init__(
        self,
        path: Path,
        start: float | None = None,
        end: float | None = None,
        max_frames: int | None = None,
        from_zero: bool = False,
        threads: int = 0,
    ) -> None:
        self.path, self.max_frames, self.threads = path, max_frames, threads
        try:
            self.container = open_file(path)
        except BROKEN as error:
            raise ImageError(f"{path}: no video that can be read ({describe(error)})") from error
        try:
            self._open(start, end, from_zero)
        except BaseException:
            self.container.close()
            raise

    def _open(self, start: float | None, end: float | None, from_zero: bool) -> None:
        streams = [s for s in self.container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
        if not streams:
            raise ImageError(f"{self.path}: holds no video")
        self.video = streams[0]
        self.video.thread_type = "AUTO"
        if self.threads:
            self.video.codec_context.thread_count = self.threads
        self.others = [s for s in self.container.streams if s.type in ("audio", "subtitle")]
        self.timecode = None if start else self.video.metadata.get("timecode")
        self.notes = [f"left out: {s.type} stream {s.index}" for s in self.container.streams if self._is_lost(s)]
        if start and "timecode" in self.video.metadata:
            self.notes.append("left out: the timecode, which is that of another frame")
        self.begin = begin = (self.container.start_time or 0) / av.time_base
        self.start = -np.inf if start is None else begin + start
        self.end = np.inf if end is None else begin + end
        from_zero = from_zero or self.container.format.name in JUMPING
        self.offset = begin + (start or 0.0) if from_zero or start is not None else 0.0
        self._timeline = Timeline() if self.container.format.name in JUMPING else None
        self._stamps: deque[int] = deque()
        self._packets, self._jumps, self._joined_at = 0, 0, -NEAR_JOIN
        self._damaged: list[int] = []
        self.problems: list[str] = []
        self.frames = 0
        self.gif = read_gif(self.path) if self.container.format.name == "gif" else None
        self._before: av.VideoFrame | None = None
        self._size: tuple[int, int] | None = None
        self._last: int | None = None
        self._read = 0.0
        self.expected = self._expected()
        if start and self.container.format.name not in JUMPING:  # there, a seek does not land where decoding can begin
            self.container.seek(int(self.start * av.time_base))
        self._pieces = self._decode() if self.max_frames is None else self._in_step(self._decode())
        self._waiting: list[Piece] = []
        first = self._find_first(start)
        frame = planar(first)
        self.matrix = display_matrix(first)
        self.rotation, self.hdr = rotation_of(self.matrix), read_hdr(first)
        if side_data(first, "A53_CC") is not None:
            self.notes.append("left out: closed captions (A53)")
        if first.interlaced_frame:
            self.notes.append("interlaced frames are stored as progressive ones")
        self.coded_as = planar_name(frame)
        full = "yuvj" in frame.format.name or int(frame.color_range) == FULL
        context = self.video.codec_context
        self.tags = (
            int(frame.colorspace),
            FULL if full else LIMITED,
            int(context.color_primaries),
            int(context.color_trc),
        )

    def _is_lost(self, stream: Any) -> bool:
        """Whether a stream is left out, and is not what is kept in another way: chapters' names, and the timecode."""
        if stream is self.video or stream in self.others:
            return False
        if stream.type != "data":
            return True
        names_chapters = bool(self.container.chapters()) and "timecode" not in stream.metadata
        keeps_timecode = "timecode" in stream.metadata and self.timecode is not None
        return not (names_chapters or keeps_timecode)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pieces.close()
        self.container.close()

    @property
    def rate(self) -> Fraction:
        """Frames per second, on average."""
        return self.video.average_rate or self.video.guessed_rate or Fraction(25)

    def chapters(self) -> list[Any]:
        """The chapters of what is wanted, cut and moved in time as the frames are."""
        end = self.end
        if self.max_frames is not None:
            end = min(end, max(self.start, self.begin) + float(self.max_frames / self.rate))
        found: list[Any] = list(self.container.chapters())
        chapters = []
        for chapter in found:
            base = chapter["time_base"]
            first, last = max(chapter["start"] * base, self.start), min(chapter["end"] * base, end)
            if first < last:
                times = {"start": round((first - self.offset) / base), "end": round((last - self.offset) / base)}
                chapters.append({**chapter, **times})
        return chapters

    def _expected(self) -> int | None:
        rate, seconds = float(self.rate), self._stated_seconds()
        count = self.video.frames or (round(seconds * rate) if seconds else 0)
        if not count:
            return None
        if np.isfinite(self.start) or np.isfinite(self.end):
            last = min(self.end, self.begin + count / rate)
            count = max(0, round((last - max(self.start, self.begin)) * rate))
        return min(count, self.max_frames or count)

    def _stated_seconds(self) -> float | None:
        """How long the video is, as far as the file says."""
        if self.video.duration and self.video.time_base:
            return float(self.video.duration * self.video.time_base)
        stated = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", self.video.metadata.get("DURATION", ""))  # Matroska
        if stated:
            return int(stated[1]) * 3600 + int(stated[2]) * 60 + float(stated[3])
        only = not self.others and self.container.duration
        return self.container.duration / av.time_base if only and self.container.duration else None

    def _find_first(self, start: float | None) -> av.VideoFrame:
        for piece in self._pieces:
            self._waiting.append(piece)
            if isinstance(piece, av.VideoFrame):
                return piece
        if start and not self.problems:
            raise ImageError(f"{self.path}: holds no frames behind second {start:g}")
        raise ImageError(f"{self.path}: holds no frames that can be decoded" + "".join(f"; {p}" for p in self.problems))

    def pieces(self) -> Generator[Piece]:
        """Frames in the order of display, and packets of the other streams, as they come."""
        while self._waiting:
            yield self._waiting.pop(0)
        yield from self._pieces

    def _demux(self) -> Generator[av.Packet | None]:
        """Packets with data, and None where they end."""
        packets = self.container.demux(self.video, *self.others)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except BROKEN as error:
                self.problems.append(f"broken off ({describe(error)})")
                break
            if packet.size:
                if self._timeline is not None:
                    self._timeline(packet)
                yield packet
        yield None

    def _decode(self) -> Generator[Piece]:
        over, bad, begin = False, 0, float((self.video.start_time or 0) * (self.video.time_base or 0))
        for packet in self._demux():
            if packet is not None and packet.stream.index != self.video.index:
                if self._within(packet):
                    yield packet
                elif over and packet.pts is not None and packet.pts * packet.time_base > self.end + 2:
                    break
                continue
            if over:
                continue
            if packet is not None and packet.pts is not None:
                length = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                self._read = max(self._read, length - begin)
            if packet is not None:
                self._note_damage(packet)
                self._stamps += [packet.dts] if packet.dts is not None else []
            try:
                frames = self.video.decode(packet)
            except BROKEN:
                frames, bad = [], bad + 1
            for frame in self._from_start(frames, packet is None):
                over = over or self._is_over(frame)
                if over:
                    continue
                bad += bool(frame.is_corrupt)
                self._stamp(frame)
                self.frames += 1
                yield frame
            if over and not self.others:
                break
        bad += len(self._damaged)
        if bad:
            self.problems.append(f"{bad} damaged frame{'s' * (bad > 1)}")
        if not over and not np.isfinite(self.start):
            self._see_what_is_missing()

    def _note_damage(self, packet: av.Packet) -> None:
        """Remember a damaged packet, unless two recordings meet there: libav takes their ends for damaged."""
        self._packets += 1
        if self._timeline is not None and self._timeline.jumps > self._jumps:
            self._jumps, self._joined_at = self._timeline.jumps, self._packets
            self._damaged = [number for number in self._damaged if number < self._packets - NEAR_JOIN]
        if packet.is_corrupt and self._packets > self._joined_at + NEAR_JOIN:
            self._damaged.append(self._packets)

    def _from_start(self, frames: list[av.VideoFrame], last: bool) -> Generator[av.VideoFrame]:
        """Frames without those before ``start``, but for one that is still on show then, which is moved there.

        Args:
            last: whether no frames follow these.
        """
        for frame in frames:
            frame.time_base = frame.time_base or self.video.time_base
            if self.container.format.name == "avi" and self._stamps:
                frame.pts = self._stamps.popleft()  # AVI has stamps for places in the file, and none for display
            if frame.time is not None and frame.time < self.start - 1e-6:
                self._before = frame
                continue
            if frame.time is not None:
                yield from self._still_shown(frame.time)
            yield frame
        if last:
            yield from self._still_shown()

    def _still_shown(self, until: float | None = None) -> Generator[av.VideoFrame]:
        """The last frame from before ``start``; ``until``: seconds at which the next one comes, if one does."""
        before, self._before = self._before, None
        if before is None or before.time is None or before.time_base is None:
            return
        if until is None:
            until = before.time + float(before.duration * before.time_base)
        if until - self.start >= STILL_SHOWN:
            before.pts = round(self.start / before.time_base)
            yield before

    def _in_step(self, pieces: Iterable[Piece]) -> Generator[Piece]:
        """Holds back the sound that runs ahead of the frames, until it is known that those are wanted."""
        held: list[av.Packet] = []
        for piece in pieces:
            if isinstance(piece, av.Packet):
                held.append(piece)
                continue
            yield piece
            yield from (packet for packet in held if seconds_of(packet) <= seconds_of(piece))
            held = [packet for packet in held if seconds_of(packet) > seconds_of(piece)]
        yield from (packet for packet in held if seconds_of(packet) < self.end - self.offset)

    def _see_what_is_missing(self) -> None:
        """Note a video that ended before its time. Frames are not counted: rates vary, and edit lists hide some."""
        name = self.container.format.name
        if name.startswith("matroska") and not self.problems and is_damaged_matroska(self.path):
            self.problems.append("damaged: its parts do not follow each other as they should; pieces may be missing")
        if self.gif is not None and (self.gif.damaged or self.frames < self.gif.images):
            self.problems.append(f"damaged: {self.frames} of at least {self.gif.images} pictures could be read")
        seconds = self._stated_seconds()
        if seconds and self._read < seconds - max(1.0, 2 / float(self.rate)):
            self.problems.append(f"only {self._read:.1f} of {seconds:.1f} s could be read")

    def _is_over(self, frame: av.VideoFrame) -> bool:
        """Whether a frame lies behind the last one wanted, or is of another size than those before."""
        if self._size is not None and (frame.width, frame.height) != self._size:
            self.problems.append(f"frames change their size to {frame.width}x{frame.height}; what follows is left out")
            return True
        self._size = frame.width, frame.height
        if self.max_frames is not None and self.frames >= self.max_frames:
            self.end = min(self.end, self.end if frame.time is None else frame.time)
            return True
        return frame.time is not None and frame.time >= self.end - 1e-6

    def _stamp(self, frame: av.VideoFrame) -> None:
        """See that a frame has a time stamp, and one later than the last."""
        assert frame.time_base is not None
        if frame.pts is None:
            step = max(1, round(1 / (self.rate * frame.time_base)))
            frame.pts = 0 if self._last is None else self._last + step
        else:
            frame.pts -= round(self.offset / frame.time_base)
        if self._last is not None and frame.pts <= self._last:
            frame.pts = self._last + 1
        self._last = frame.pts

    def _within(self, packet: av.Packet) -> bool:
        """Whether a packet of another stream is wanted; it is moved in time as the frames are."""
        if packet.dts is None or packet.pts is None:
            return False
        if not self.start - 0.05 <= float(packet.pts * packet.time_base) < self.end:
            return False
        moved = round(self.offset / packet.time_base)
        packet.pts, packet.dts = packet.pts - moved, packet.dts - moved
        return True
