"""Videos out: frames are encoded, the streams beside them copied."""

from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
from av.codec.codec import find_best_pix_fmt_of_list

from claritygan_cli.errors import ImageError
from claritygan_cli.media.find import VIDEO_FORMATS
from claritygan_cli.media.video_formats import CODECS, DROPPED_AUDIO, Encoding
from claritygan_cli.media.video_frames import BROKEN, LIMITED
from claritygan_cli.media.video_frames import describe as reason_of
from claritygan_cli.media.video_reader import VideoReader

GAP = 0.1
"""Seconds without sound from which on it is taken to be missing; below, time stamps are just inexact."""
EQUAL_STAMPS = frozenset({"matroska", "webm"})
"""Containers in which several packets of a stream may have the same time."""
STEP = Fraction(1, 1000)
"""Seconds by which a packet is moved that comes with or before the last one: containers count in coarser units."""
NEEDS_EVEN = {"h264", "hevc", "prores"}
"""Codecs whose encoders refuse odd sizes where chroma is subsampled."""


def bits_of(pixel_format: str) -> int:
    """Bits of a sample; 8 for palettes."""
    return 8 if pixel_format == "pal8" else int(av.VideoFormat(pixel_format).components[0].bits)


def encoded_as(codec: str, wanted: str, width: int, height: int) -> str:
    """The pixel format to encode: the one wanted, or what the codec has that is nearest to it.

    Odd sizes are kept: where a codec cannot subsample their chroma, it is not subsampled.
    """
    if codec == "gif":
        return "pal8"
    encoder = av.Codec(CODECS.get(codec, codec), "w")
    names = [format.name for format in encoder.video_formats or ()]
    if codec in NEEDS_EVEN and (width % 2 or height % 2):
        names = [n for n in names if n.startswith(("yuv444p", "yuvj444p"))] or names
    best, _ = find_best_pix_fmt_of_list(names, wanted)
    return wanted if best is None or wanted in names else best.name


class VideoWriter:
    """A video file that is open for writing.

    Args:
        path: the file to write now; it need not end like a video.
        ending: of the file that it will become, a key of :data:`VIDEO_FORMATS`.
        video: what it is made from.
        encoding: how frames are encoded.
        story: whether the file's metadata, titles and timecode are taken along.

    Attributes:
        notes: what the container could not hold.

    Raises:
        UsageError: the container and the codec do not go together, or a setting is unknown.
        ImageError: the encoder refuses the video.
    """

    def __init__(self, path: Path, ending: str, video: VideoReader, encoding: Encoding, story: bool = True) -> None:
        self.codec, self.video, self.notes = encoding.codec_for(ending), video, list(video.notes)
        self.threads, self.story = encoding.threads, story
        options = encoding.options(self.codec) | ({"bf": "0"} if ending == ".avi" else {})
        if video.hdr is not None:
            told = video.hdr.options(self.codec)
            options |= {name: ":".join(filter(None, (options.get(name), words))) for name, words in told.items()}
            if not told:
                self.notes.append(f"left out: HDR10 metadata, which {self.codec} cannot carry here")
        context = video.video.codec_context
        width, height = context.width, context.height
        self.format = encoded_as(self.codec, encoding.pixel_format or video.coded_as, width, height)
        if encoding.pixel_format and self.format != encoding.pixel_format:
            raise ImageError(f"{video.path}: {self.codec} cannot be {encoding.pixel_format} here; try {self.format}")
        if bits_of(self.format) < bits_of(video.coded_as):
            self.notes.append(f"{bits_of(video.coded_as)} bits a sample, cut to {bits_of(self.format)} ({self.codec})")
        form = VIDEO_FORMATS[ending]
        own_keys = any("." in key for key in video.container.metadata)
        flags = {"movflags": "+use_metadata_tags"} if own_keys and form in ("mp4", "mov") else {}
        if form == "gif":
            loop = video.gif.loop if video.gif is not None else 0
            flags = {"loop": str(-1 if loop is None else loop)}
            if video.gif is not None and video.gif.delay:
                flags["final_delay"] = str(video.gif.delay)
        self.container = av.open(f"file:{path.absolute()}", "w", format=form, container_options=flags)
        try:
            self._open(ending, options)
        except BaseException:
            self.container.close()
            raise

    def _open(self, ending: str, options: dict[str, str]) -> None:
        video, source, context = self.video, self.video.video, self.video.video.codec_context
        if self.story:
            self.container.metadata.update(video.container.metadata)
        stream: Any = self.container.add_stream(CODECS.get(self.codec, self.codec), rate=video.rate, options=options)
        stream.width, stream.height, stream.pix_fmt = context.width, context.height, self.format
        # AVI has no time stamps and no order of display, only a rate; GIF counts hundredths of seconds
        self.grid = {".avi": 1 / video.rate, ".gif": Fraction(1, 100)}.get(ending)
        self._last, self._lengths = -1, dict[int, int]()
        stream.time_base = stream.codec_context.time_base = self.grid or source.time_base
        if source.sample_aspect_ratio:
            stream.codec_context.sample_aspect_ratio = source.sample_aspect_ratio
        cc = stream.codec_context
        if self.threads:
            cc.thread_count = self.threads
        cc.colorspace, cc.color_range, cc.color_primaries, cc.color_trc = video.tags
        self.range = None
        if self.codec == "prores":
            cc.color_range = self.range = LIMITED  # it knows no other
        if self.codec == "hevc" and VIDEO_FORMATS[ending] in ("mp4", "mov"):
            cc.codec_tag = "hvc1"  # the one that Apple's players know
        stream.metadata.update(
            {k: v for k, v in source.metadata.items() if k == "language" or (k == "title" and self.story)}
        )
        if video.matrix is not None:
            stream.set_display_matrix(video.matrix)
        if video.timecode is not None and self.story:
            if ending == ".mov":
                stream.metadata["timecode"] = video.timecode
            else:
                self.container.metadata["timecode"] = video.timecode
        if "stereo_mode" in source.metadata:
            if VIDEO_FORMATS[ending] in ("matroska", "webm"):
                stream.metadata["stereo_mode"] = source.metadata["stereo_mode"]
            else:
                self.notes.append(f"left out: the order of both eyes' views ({source.metadata['stereo_mode']})")
        self.stream = stream
        self.palette = Palette(stream) if self.codec == "gif" else None
        self.copies: dict[int, Copy] = {}
        for other in video.others:
            copy = self._copy_of(other, ending)
            if copy is not None:
                if not self.story:
                    copy.stream.metadata.update({k: "" for k in copy.stream.metadata if k != "language"})
                self.copies[other.index] = copy
        chapters = video.chapters()
        if chapters and ending in (".mp4", ".m4v", ".mov", ".mkv", ".webm"):
            self.container.set_chapters(chapters)
        try:
            if self.palette is None:
                self.container.start_encoding()  # what does not fit shows now, and not when all is done
        except BROKEN as error:
            raise ImageError(
                f"{video.path}: {ending} and {self.codec} do not take this or these settings ({reason_of(error)}); "
                "try another preset, codec or container"
            ) from error

    def _copy_of(self, other: Any, ending: str) -> "Copy | None":
        name = other.codec_context.codec.canonical_name if other.codec_context else "unknown"  # not the decoder's
        known = other.codec_context is not None
        if ending != ".gif" and known and name in self.container.supported_codecs and not self._refuses(other, ending):
            return Copy(self.container, other, None)
        if ending != ".gif" and known and other.type == "audio" and other.codec_context.sample_rate:
            return Copy(self.container, other, "libopus" if ending == ".webm" else DROPPED_AUDIO)
        self.notes.append(f"left out: {other.type} ({name}), which {ending} files cannot hold")
        return None

    @staticmethod
    def _refuses(other: Any, ending: str) -> bool:
        """What containers are said to hold, and then do not write."""
        name = other.codec_context.codec.canonical_name
        if ending == ".mov":
            return name in ("flac", "opus")
        if ending == ".avi":
            return name == "aac" and not other.codec_context.extradata
        return ending in (".mp4", ".m4v") and name.startswith("pcm_")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        except BROKEN as error:
            raise ImageError(f"{self.video.path}: cannot be finished ({reason_of(error)})") from error
        finally:
            self.container.close()

    def frame(self, frame: av.VideoFrame) -> None:
        """Encode a frame.

        Raises:
            ImageError: the encoder refuses it.
        """
        if self.grid is not None:
            assert frame.pts is not None
            assert frame.time_base is not None
            frame.pts = self._last = max(self._last + 1, round(frame.pts * frame.time_base / self.grid))
            frame.time_base = self.grid
        try:
            if self.palette is not None:
                for indexed in self.palette(frame):
                    self.container.mux(self.stream.encode(indexed))
                return
            if frame.format.name != self.format or (self.range and int(frame.color_range) != self.range):
                frame = frame.reformat(format=self.format, dst_color_range=self.range)
            if frame.pts is not None and frame.duration and self.grid is None:
                self._lengths[frame.pts] = frame.duration
            self._mux(self.stream.encode(frame))
        except BROKEN as error:
            raise ImageError(f"{self.video.path}: {self.codec} cannot encode this ({reason_of(error)})") from error

    def _mux(self, packets: list[av.Packet]) -> None:
        """Write packets; each lasts as long as its frame, which encoders forget and the last one needs."""
        for packet in packets:
            length = self._lengths.pop(packet.pts, 0) if packet.pts is not None else 0
            if length and packet.time_base == self.video.video.time_base:
                packet.duration = length
            self.container.mux(packet)

    def packet(self, packet: av.Packet) -> None:
        """Pass on a packet of another stream.

        Raises:
            ImageError: the container does not take it.
        """
        copy = self.copies.get(packet.stream.index)
        if copy is not None:
            try:
                copy.packet(packet)
            except BROKEN as error:
                kind = copy.source.type
                raise ImageError(f"{self.video.path}: its {kind} cannot be written ({reason_of(error)})") from error

    def _finish(self) -> None:
        if self.palette is not None:
            for indexed in self.palette(None):
                self.container.mux(self.stream.encode(indexed))
        self._mux(self.stream.encode(None))
        for copy in self.copies.values():
            copy.finish()
            if copy.lost:
                self.notes.append(f"left out: {copy.lost} packets of {copy.source.type}, whose time goes back")


class Palette:
    """Frames with a palette of 256 colours each, for GIF."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.graph: Any = None

    def _build(self, frame: av.VideoFrame) -> Any:
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
        split, make = graph.add("split"), graph.add("palettegen", "stats_mode=single")
        use, sink = graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=4"), graph.add("buffersink")
        source.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(make, 1, 0)
        make.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()
        return graph

    def __call__(self, frame: av.VideoFrame | None) -> list[av.VideoFrame]:
        """Frames that are ready after this one; None for the end."""
        if self.graph is None:
            if frame is None:
                return []
            self.graph = self._build(frame)
        self.graph.push(frame)
        ready = []
        while True:
            try:
                ready.append(self.graph.pull())
            except (av.error.BlockingIOError, av.error.EOFError):
                return ready


class Copy:
    """A stream beside the video: its packets as they are, or its sound encoded anew, in mono or stereo.

    Args:
        codec: encoder for sound that the container cannot hold as it is; None copies.
    """

    def __init__(self, container: Any, source: Any, codec: str | None) -> None:
        self.container, self.source, self.lost = container, source, 0
        self.strict = container.format.name not in EQUAL_STAMPS
        if codec is None:
            self.stream = container.add_stream_from_template(source)
            self.resampler = None
        else:
            rate = 48000 if codec == "libopus" else source.codec_context.sample_rate
            layout = "mono" if source.codec_context.channels == 1 else "stereo"
            self.stream = container.add_stream(codec, rate=rate, layout=layout)
            self.resampler = av.AudioResampler(self.stream.codec_context.format, layout, rate)
        self._next: int | None = None
        self._last: int | None = None
        self.stream.metadata.update(source.metadata)
        self.stream.disposition = source.disposition

    def packet(self, packet: av.Packet) -> None:
        """Write a packet of the source."""
        if self.resampler is None:
            if packet.dts is not None and self._last is not None:
                back = self._last - packet.dts
                if back * packet.time_base > GAP:
                    self.lost += 1  # nothing can hold time stamps that jump back
                    return
                if back > 0 or (back == 0 and self.strict):
                    packet.dts = self._last + max(1, round(STEP / packet.time_base))
                    packet.pts = max(packet.pts or 0, packet.dts)
            self._last = packet.dts
            packet.stream = self.stream
            self.container.mux(packet)
            return
        try:
            sounds = self.source.decode(packet)
        except BROKEN:
            return  # a damaged piece of sound
        for sound in sounds:
            for piece in self.resampler.resample(sound):
                self._encode(piece)

    def finish(self) -> None:
        """Write what is still held back."""
        if self.resampler is not None:
            for piece in self.resampler.resample(None):
                self._encode(piece)
            self.container.mux(self.stream.encode(None))

    def _encode(self, sound: Any) -> None:
        """Encode a piece of sound; its time is counted in samples, and only gaps are taken from its time stamp."""
        stamp = 0 if sound.pts is None else round(sound.pts * sound.time_base * sound.sample_rate)
        if self._next is None or stamp - self._next > GAP * sound.sample_rate:
            self._next = stamp
        sound.pts, sound.time_base = self._next, Fraction(1, sound.sample_rate)
        self._next += sound.samples
        self.container.mux(self.stream.encode(sound))
