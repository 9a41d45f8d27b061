"""Speed, memory and flicker of ``claritygan dehaze`` on videos.

Run: ``python tests/benchmarks/bench_video.py speed [FRAMES]`` for frames a second on 1080p beside a plain transcode
(the same decoder, encoder, settings and threads), ``... memory [FRAMES ...]`` for the peak of videos of several
lengths, ``... flicker [VIDEO] [FRAMES]`` for changes from frame to frame, in a static shot with noise and in a video,
beside those of the same frames without the haze of one of them.
"""

import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import skimage.data
import torch
from bench_truth import floats
from PIL import Image
from skimage.registration import optical_flow_tvl1
from skimage.transform import warp

from claritygan_cli.engine.resampling import luma as luma_of
from claritygan_cli.engine.resampling import resize
from claritygan_cli.engine.restoration import HazeRemoval, prepare
from claritygan_cli.models.loading import load_translator

TRANSCODE = """
import sys
from pathlib import Path
import av
from claritygan_cli.batch.prefetch import prefetch
from claritygan_cli.media.video_formats import Encoding
from claritygan_cli.media.video_reader import VideoReader
from claritygan_cli.media.video_writer import VideoWriter
with VideoReader(Path(sys.argv[1])) as video, VideoWriter(Path(sys.argv[2]), ".mp4", video, Encoding()) as writer:
    for piece in prefetch(video.pieces(), 3):
        writer.frame(piece) if isinstance(piece, av.VideoFrame) else writer.packet(piece)
"""
PEAK = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
)


def hazy_photo(width: int, height: int) -> np.ndarray:
    """A photograph under haze that thickens upwards, (height, width, 3) float."""
    photo = np.asarray(Image.fromarray(skimage.data.coffee()).resize((width, height), Image.Resampling.BICUBIC), float)
    t = np.exp(-np.linspace(1.6, 0.2, height))[:, None, None]
    return photo * t + 235 * (1 - t)


def write_video(path: Path, frames: int, width: int, height: int, pan: int = 2, noise: float = 3.0) -> None:
    """A pan over the hazy photo, with sensor noise; H.264."""
    picture = hazy_photo(width + 512, height)
    random = np.random.default_rng(0)
    denoiser = [random.normal(0, noise, (height, width, 1)).astype(np.float32) for _ in range(5)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "20", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for i in range(frames):
            left = abs((pan * i) % 1024 - 512)
            image = picture[:, left : left + width] + denoiser[random.integers(5)]
            frame = av.VideoFrame.from_ndarray(np.clip(image, 0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def measure(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak resident MiB of a command."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", PEAK, *command], check=True, capture_output=True, text=True)
    return time.perf_counter() - started, float(done.stdout.split()[-1])


def dehaze(source: Path, target: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "claritygan_cli", "dehaze", str(source), "--out", str(target), "-q", *options]


def speed(frames: int) -> None:
    """Frames a second on 1080p, start-up included."""
    with tempfile.TemporaryDirectory() as work:
        source = Path(work) / "in.mp4"
        write_video(source, frames, 1920, 1080)
        for round_ in range(2):
            plain, plain_mib = measure([sys.executable, "-c", TRANSCODE, str(source), f"{work}/plain.mp4"])
            ours, mib = measure(dehaze(source, Path(work) / f"ours{round_}.mp4"))
            print(
                f"1080p, {frames} frames: transcode {frames / plain:.1f} frames/s, {plain_mib:.0f} MiB; "
                f"dehaze {frames / ours:.1f} frames/s, {mib:.0f} MiB; {ours / plain:.2f} times the time",
                flush=True,
            )


def memory(lengths: list[int]) -> None:
    """Peak memory of videos that differ in length alone."""
    with tempfile.TemporaryDirectory() as work:
        for frames in lengths:
            source = Path(work) / f"{frames}.mp4"
            write_video(source, frames, 320, 240)
            seconds, mib = measure(dehaze(source, Path(work) / f"out{frames}.mp4", "--preset", "veryfast"))
            print(f"320x240, {frames} frames: {mib:.0f} MiB, {frames / seconds:.0f} frames/s", flush=True)


def luma(path: Path, frames: int) -> Iterator[np.ndarray]:
    """Luma of the first frames at about 240 columns, 0 to 1."""
    with av.open(str(path)) as container:
        for i, frame in enumerate(container.decode(video=0)):
            if i == frames:
                return
            height = round(240 * frame.height / frame.width / 2) * 2
            small = frame.reformat(240, height, "gray", interpolation="AREA").to_ndarray()
            yield small.astype(np.float32) / 255


def flicker(before: list[np.ndarray], after: list[np.ndarray]) -> tuple[float, float, float]:
    """Changes of the result in units of the video's own: of mean luma, of what remains after undoing motion, and the
    latter per contrast gained (ratio of the frames' standard deviations), since dehazing raises contrast.
    """
    means = [float(np.abs(np.diff([f.mean() for f in video])).mean()) for video in (before, after)]
    rest: list[list[float]] = [[], []]
    for i in range(1, len(before)):
        v, u = optical_flow_tvl1(before[i], before[i - 1], num_iter=5, num_warp=3)
        rows, columns = np.mgrid[: before[i].shape[0], : before[i].shape[1]].astype(np.float32)
        for video, found in zip((before, after), rest, strict=True):
            moved = warp(video[i - 1], np.array([rows + v, columns + u]), mode="edge")
            found.append(float(np.abs(video[i] - moved).mean()))
    contrast = np.mean([a.std() / b.std() for a, b in zip(after, before, strict=True)])
    remaining = float(np.mean(rest[1]) / np.mean(rest[0]))
    return means[1] / means[0], remaining, remaining / float(contrast)


@torch.inference_mode()
def held(source: Path, before: list[np.ndarray]) -> list[np.ndarray]:
    """The frames without the haze that the middle one shows: what flickers there is none of the haze's doing."""
    translator = load_translator("dehaze")
    with av.open(str(source)) as container:
        rgb = next(itertools.islice(container.decode(video=0), len(before) // 2, None)).to_ndarray(format="rgb24")
    image = floats(rgb)
    prepared = prepare(translator.generator.small_copy(image), translator.estimate(rgb), translator.restoration)
    assert isinstance(prepared, HazeRemoval)
    guide = luma_of(resize(image, before[0].shape))
    gain, airlight = prepared.gain(guide, len(before[0]), 0)[0, 0].numpy(), float(luma_of(prepared.airlight).mean())
    return [np.clip((frame - airlight) * gain + airlight, 0, 1) for frame in before]


def flickers(video: Path | None, frames: int) -> None:
    """Flicker with and without the filter over time, and with one frame's haze for all."""
    with tempfile.TemporaryDirectory() as work:
        static = Path(work) / "static.mp4"
        write_video(static, frames, 640, 360, pan=0, noise=6.0)
        for source in (static, video) if video else (static,):
            before = list(luma(source, frames))
            results = {"one haze for all": held(source, before)}
            for temporal in ("0", "0.95"):
                target = Path(work) / f"{source.stem}-{temporal}.mp4"
                options = ("--temporal", temporal, "--max-frames", str(frames), "--overwrite")
                subprocess.run(dehaze(source, target, *options), check=True)
                results[f"--temporal {temporal}"] = list(luma(target, frames))
            for name, after in results.items():
                mean, rest, relative = flicker(before, after)
                print(
                    f"{source.name}, {name}: mean luma {mean:.2f}, warped difference {rest:.2f}, "
                    f"per contrast {relative:.2f} times the video's own",
                    flush=True,
                )


def main() -> None:
    """One of the three."""
    what, *rest = sys.argv[1:] or ["speed"]
    if what == "speed":
        speed(int(rest[0]) if rest else 150)
    elif what == "memory":
        memory([int(n) for n in rest] or [500, 2000, 10000])
    else:
        numbers = [int(a) for a in rest if a.isdigit()]
        videos = [Path(a) for a in rest if not a.isdigit()]
        flickers(videos[0] if videos else None, numbers[0] if numbers else 60)


if __name__ == "__main__":
    main()
