import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.videos import scene

from claritygan_cli.batch.pipe import pipe_raw, pipe_y4m
from claritygan_cli.engine.amounts import RemoveHaze
from claritygan_cli.errors import ImageError, UsageError
from claritygan_cli.media.raw_video import Y4M_SIGNATURE, Y4mHeader, parse_size
from claritygan_cli.models.image_translator import ImageTranslator
from claritygan_cli.models.video_translator import VideoTranslator
from claritygan_cli.models.weights import load_model

Make = Callable[[float], VideoTranslator]


@pytest.fixture
def make(tiny_model: Callable[[str], Path]) -> Make:
    generator, _ = load_model(tiny_model("dehaze"))
    return lambda strength: VideoTranslator(ImageTranslator(generator, torch.device("cpu")), 0.9, RemoveHaze(strength))


def test_raw_frames(make: Make) -> None:
    frames = np.stack([scene(i, 40, 30) for i in range(6)])
    done: list[int] = []
    for strength, same in ((0.0, True), (1.0, False)):
        target = io.BytesIO()
        pipe_raw(io.BytesIO(frames.tobytes()), target, (40, 30), make(strength), lambda: done.append(1))
        result = np.frombuffer(target.getvalue(), np.uint8).reshape(frames.shape)
        assert np.array_equal(result, frames) is same
    assert len(done) == 12


def test_frames_cut_short(make: Make) -> None:
    frames = scene(0, 40, 30).tobytes() * 2
    target = io.BytesIO()
    with pytest.raises(ImageError, match="cut short"):
        pipe_raw(io.BytesIO(frames[:-1]), target, (40, 30), make(1.0), lambda: None)
    assert len(target.getvalue()) == len(frames) // 2


@pytest.mark.parametrize("chroma", ["", "C420jpeg", "C420mpeg2", "C422", "C444", "C420p10"])
def test_y4m(make: Make, chroma: str) -> None:
    header = f"YUV4MPEG2 W41 H31 F30000:1001 Ip A1:1 {chroma} XCOLORRANGE=LIMITED\n".encode()
    understood = Y4mHeader.parse(header)
    random, kind = np.random.default_rng(0), np.uint16 if "p10" in chroma else np.uint8
    shape = (-(-31 // understood.down), -(-41 // understood.across))
    data = header
    for _ in range(3):
        data += b"FRAME Ip\n"
        for size in ((31, 41), shape, shape):
            data += (random.integers(100, 140, size) * (4 if "p10" in chroma else 1)).astype(kind).tobytes()
    start = len(Y4M_SIGNATURE)
    target = io.BytesIO()
    pipe_y4m(io.BytesIO(data[start:]), target, data[:start], make(0.0), lambda: None)
    assert target.getvalue() == data.replace(b"FRAME Ip", b"FRAME")
    other = io.BytesIO()
    pipe_y4m(io.BytesIO(data[start:]), other, data[:start], make(1.0), lambda: None)
    assert len(other.getvalue()) == len(target.getvalue())
    assert other.getvalue() != target.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"YUV4MPEG2 W0 H2\n", "not supported"),
        (b"YUV4MPEG2 H2\n", "a width and a height"),
        (b"YUV4MPEG2 W2 H2 C440\n", "'440' is not supported"),
        (b"YUV4MPEG2 W2 H2\nFRAME\nabc", "cut short"),
        (b"YUV4MPEG2 W2 H2\nPICTURE\nabcdef", "no FRAME"),
    ],
)
def test_damaged_y4m(make: Make, data: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        pipe_y4m(io.BytesIO(data), io.BytesIO(), b"", make(1.0), lambda: None)


def test_sizes() -> None:
    assert parse_size("1920x1080") == (1920, 1080)
    for wrong in ("1920", "0x5", "x", "axb", "12x-3"):
        with pytest.raises(UsageError, match="raw"):
            parse_size(wrong)
