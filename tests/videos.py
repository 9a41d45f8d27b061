"""Small videos made by code."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np


def scene(number: int, width: int, height: int, seed: int = 0) -> np.ndarray:
    """A hazy scene whose square moves by four pixels a frame; (height, width, 3) uint8."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    base = 110 + 60 * np.sin(x / 9 + seed) + 40 * np.cos(y / 7 + 2 * seed)
    image = np.stack([base, base * 0.9 + 10, base * 0.8 + 30], 2)
    left = (4 * number) % max(1, width - 12)
    image[height // 3 : height // 3 + 12, left : left + 12] = (200, 60, 40)
    return np.clip(image * 0.6 + 90, 0, 255).astype(np.uint8)


def make_video(
    path: Path,
    pts: Sequence[int] = tuple(range(12)),
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    rate: Fraction = Fraction(25),
    time_base: Fraction = Fraction(1, 25),
    audio: Sequence[str] = (),
    rotation: int = 0,
    frames: Sequence[np.ndarray] | None = None,
    options: dict[str, str] | None = None,
    tags: tuple[int, int, int, int] | None = None,
    shape_of_pixels: Fraction | None = None,
    metadata: dict[str, str] | None = None,
    chapters: Sequence[Any] = (),
) -> Path:
    """Write a video; its audio tracks are tones of increasing pitch, as long as the video."""
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata or {})
        stream: Any = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pixel_format
        stream.time_base = stream.codec_context.time_base = time_base
        if tags:
            cc = stream.codec_context
            cc.colorspace, cc.color_range, cc.color_primaries, cc.color_trc = tags
        if shape_of_pixels:
            stream.codec_context.sample_aspect_ratio = shape_of_pixels
        if rotation:
            stream.set_display_rotation(rotation)
        tracks = [container.add_stream(name, rate=48000, layout="stereo", bit_rate=128000) for name in audio]
        if chapters:
            container.set_chapters(list(chapters))
        for number, stamp in enumerate(pts):
            image = frames[number] if frames is not None else scene(number, *size)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
                format=pixel_format, dst_colorspace=tags[0] if tags else None
            )
            frame.pts, frame.time_base = stamp, time_base
            container.mux(stream.encode(frame))
        seconds = float((pts[-1] + 1) * time_base) if pts else 0
        for pitch, track in enumerate(tracks, 1):
            for block in range(int(seconds * 48000) // 960):
                t = (np.arange(960) + block * 960) / 48000
                tone = np.sin(2 * np.pi * 220 * pitch * t).astype(np.float32)
                sound = av.AudioFrame.from_ndarray(np.stack([tone, tone]) * 0.3, format="fltp", layout="stereo")
                sound.sample_rate, sound.pts, sound.time_base = 48000, block * 960, Fraction(1, 48000)
                for piece in av.AudioResampler(track.format, "stereo", 48000).resample(sound):
                    container.mux(track.encode(piece))
        for track in tracks:
            container.mux(track.encode(None))
        container.mux(stream.encode(None))
    return path


def times_of(path: Path) -> list[Fraction]:
    """Time stamps of a video's frames, in seconds."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def frames_of(path: Path) -> list[np.ndarray]:
    """A video's frames as (H, W, 3) uint8."""
    with av.open(str(path)) as container:
        frames = []
        for frame in container.decode(video=0):
            matrix = int(frame.colorspace) if int(frame.colorspace) == 1 else None
            frames.append(frame.reformat(format="rgb24", src_colorspace=matrix).to_ndarray())
        return frames


def packets_of(path: Path, kind: str = "audio", track: int = 0) -> list[bytes]:
    """The packets of a stream."""
    with av.open(str(path)) as container:
        stream = [s for s in container.streams if s.type == kind][track]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]
