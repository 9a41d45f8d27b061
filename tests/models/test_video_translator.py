from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.videos import scene

from claritygan_cli.engine.amounts import AddHaze, Amount, RemoveHaze
from claritygan_cli.engine.estimate import HazeEstimate
from claritygan_cli.engine.generators import ResnetGenerator
from claritygan_cli.engine.resampling import luma, resize
from claritygan_cli.engine.restoration import prepare
from claritygan_cli.errors import UsageError
from claritygan_cli.models import working_copy
from claritygan_cli.models.colour_coding import ColourCoding, coding_of
from claritygan_cli.models.image_translator import ImageTranslator
from claritygan_cli.models.video_translator import PREDICT_EVERY, CodedFrame, VideoTranslator
from claritygan_cli.models.weights import load_model

CPU = torch.device("cpu")
Make = Callable[..., VideoTranslator]


@pytest.fixture
def make(tiny_model: Callable[[str], Path]) -> Make:
    def build(direction: str = "dehaze", temporal: float = 0.9, amount: Amount | None = None) -> VideoTranslator:
        generator, _ = load_model(tiny_model(direction))
        return VideoTranslator(ImageTranslator(generator, CPU), temporal, amount)

    return build


def coded(pixels: np.ndarray, coding: ColourCoding, kind: type = np.uint8) -> CodedFrame:
    """A picture in 4:4:4."""
    rgb = pixels.astype(np.float64) / 255
    y = coding.kr * rgb[..., 0] + (1 - coding.kr - coding.kb) * rgb[..., 1] + coding.kb * rgb[..., 2]
    u, v = (rgb[..., 2] - y) / (2 - 2 * coding.kb), (rgb[..., 0] - y) / (2 - 2 * coding.kr)
    middle = (coding.peak + 1) / 2
    planes = coding.offset + coding.luma_range * y, middle + coding.chroma_range * u, middle + coding.chroma_range * v
    return CodedFrame(tuple(np.round(p).astype(kind) for p in planes), coding)  # type: ignore[arg-type]


def decoded(planes: tuple[np.ndarray, ...], coding: ColourCoding) -> np.ndarray:
    y, u, v = (torch.from_numpy(p.astype(np.float32))[None, None] for p in planes)
    return (coding.rgb(y, u, v)[0].permute(1, 2, 0) * 255).round().byte().numpy()


def through(translator: VideoTranslator, frame: CodedFrame) -> tuple[np.ndarray, ...]:
    results = tuple(np.zeros_like(plane) for plane in frame.planes)
    translator(frame, results)  # type: ignore[arg-type]
    return results


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_colours_survive_their_coding(bits: int, full: bool, matrix: int) -> None:
    coding = coding_of(64, 48, bits, matrix, full)
    pixels = scene(0, 64, 48)
    back = decoded(coded(pixels, coding, np.uint16).planes, coding)
    assert np.abs(back.astype(int) - pixels).max() <= (3 if bits == 8 else 1)
    red = torch.tensor([0.8, 0.2, 0.3]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(coding.rgb(*coding.codes(red)), red, atol=1e-5, rtol=0)


def test_codes_of_the_standard() -> None:
    white, black = torch.ones(1, 3, 1, 1), torch.zeros(1, 3, 1, 1)
    limited, full = coding_of(1920, 1080, 8, 2, False), coding_of(64, 48, 10, 2, True)
    assert [float(code) for code in limited.codes(white)] == pytest.approx([235, 128, 128])
    assert [float(code) for code in limited.codes(black)] == pytest.approx([16, 128, 128])
    assert [float(code) for code in full.codes(white)] == pytest.approx([1023, 512, 512])
    assert (limited.kr, full.kr) == (0.2126, 0.299)  # without a tag: by size


def test_nothing_changes_without_haze_to_take_out(make: Make) -> None:
    frame = coded(scene(0, 63, 47), coding_of(63, 47, 8, 1, False))
    for ours, theirs in zip(through(make(amount=RemoveHaze(0.0)), frame), frame.planes, strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("direction", ["dehaze", "hazify"])
@pytest.mark.parametrize("size", [(64, 48), (300, 1000)])
def test_coded_frames_come_out_like_photos(
    make: Make, direction: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working_copy, "AVERAGED", 100)  # both see the same
    pixels = np.repeat(scene(0, *size)[..., :1], 3, axis=2)  # grey: both lumas agree
    coding = coding_of(*size, 8, 1, True)
    amount = None if direction == "dehaze" else AddHaze(1.5, (0.8, 0.7, 0.9))
    translator = make(direction, 0.0, amount)
    expected = ImageTranslator(translator.generator, CPU)(pixels, amount).astype(int)
    assert np.abs(expected - pixels).mean() > 5
    found = decoded(through(translator, coded(pixels, coding)), coding)
    assert np.abs(found - expected).mean() < 1.5
    assert np.abs(translator.rgb(pixels) - expected).max() <= 1


@pytest.mark.parametrize("field", [False, True])
def test_colours_in_dense_haze_come_out_like_photos(make: Make, monkeypatch: pytest.MonkeyPatch, field: bool) -> None:
    across = np.linspace(0, 25, 64)[None, :, None]
    pixels = (180 + across * np.array([1.0, 0.3, -0.5])).repeat(48, 0).astype(np.uint8)
    translator, coding = make(temporal=0.0), coding_of(64, 48, 16, 6, True)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    airlight = torch.linspace(0.7, 0.8, 6).expand(1, 3, 4, 6) if field else torch.full((1, 3, 1, 1), 0.75)
    haze = HazeEstimate(torch.full((1, 1, 24, 32), 0.25), airlight)
    dense = prepare(image, haze, translator.config, guide=luma(image))
    monkeypatch.setattr(translator, "_prepared", lambda *_: dense)
    expected = (dense.rows(image, 48, 0)[0].permute(1, 2, 0) * 255).numpy()
    assert np.abs(decoded(through(translator, coded(pixels, coding, np.uint16)), coding) - expected).max() < 3
    assert np.abs(translator.rgb(pixels) - expected).max() < 3


def test_subsampled_chroma_of_odd_sizes(make: Make) -> None:
    coding = coding_of(63, 47, 8, 1, False)
    whole = coded(np.full((47, 63, 3), (150, 120, 100), np.uint8), coding)
    y, u, v = whole.planes
    planes = through(make(), CodedFrame((y, u[::2, ::2].copy(), v[::2, ::2].copy()), coding))
    expected = through(make(), whole)
    for ours, theirs in zip(planes[1:], expected[1:], strict=True):
        assert ours.shape == (24, 32)
        assert np.abs(ours.astype(int) - theirs[::2, ::2]).max() <= 2


def test_the_network_sees_turned_frames_upright(make: Make) -> None:
    coding = coding_of(96, 64, 8, 1, False)
    upright = coded(scene(0, 64, 96), coding)
    lying = CodedFrame(tuple(np.ascontiguousarray(np.rot90(p, -1)) for p in upright.planes), coding, rotation=90)  # type: ignore[arg-type]
    expected, found = through(make(), upright), through(make(), lying)
    for ours, theirs in zip(found, expected, strict=True):
        assert np.abs(np.rot90(ours).astype(int) - theirs).max() <= 1


def test_the_network_runs_seldom_but_at_every_cut(make: Make) -> None:
    coding = coding_of(64, 48, 8, 1, False)
    still, other = coded(scene(0, 64, 48), coding), coded(255 - scene(0, 64, 48), coding)
    translator = make()
    for _ in range(3 * PREDICT_EVERY):
        through(translator, still)
    assert translator.predictions == 3
    through(translator, other)
    assert translator.predictions == 4
    each = make(temporal=0.0)
    for _ in range(5):
        through(each, still)
    assert each.predictions == 5


def test_noise_makes_less_flicker_with_the_filter(make: Make, random: np.random.Generator) -> None:
    coding = coding_of(64, 48, 8, 1, False)
    clean = coded(scene(0, 64, 48), coding)
    noisy = [
        CodedFrame(
            (np.clip(clean.planes[0] + random.normal(0, 6, (48, 64)), 0, 255).astype(np.uint8), *clean.planes[1:]),
            coding,
        )
        for _ in range(24)
    ]

    def flicker(temporal: float) -> float:
        translator = make(temporal=temporal)
        means = [through(translator, frame)[1].mean() for frame in noisy]  # chroma, which has no noise itself
        return float(np.abs(np.diff(means[6:])).mean())

    assert flicker(0.9) < 0.7 * flicker(0.0)


@pytest.mark.parametrize("pipe", [False, True])
def test_noise_is_not_amplified_with_the_contrast(make: Make, random: np.random.Generator, pipe: bool) -> None:
    coding, translator = coding_of(64, 48, 8, 1, False), make(temporal=0.95, amount=RemoveHaze(1.0))
    neutral = np.full((24, 32), 128, np.uint8)
    noisy = np.linspace(120, 180, 64) + random.normal(0, 3, (30, 48, 64))
    video = noisy.round().clip(0, 255).astype(np.uint8)
    if pipe:
        results = [translator.rgb(np.repeat(y[..., None], 3, 2))[..., 1] for y in video]
    else:
        results = [through(translator, CodedFrame((y, neutral, neutral), coding))[0] for y in video]

    def of(frames: np.ndarray) -> tuple[float, float]:
        """Contrast, and change from frame to frame."""
        settled = frames[10:].astype(float)
        return settled.mean((0, 1)).std(), np.diff(settled, axis=0).std()

    (contrast, noise), (own_contrast, own_noise) = of(np.stack(results)), of(video)
    assert contrast > 1.2 * own_contrast
    assert noise < 1.1 * own_noise


def test_other_generators_are_for_photos_alone() -> None:
    translator = ImageTranslator(ResnetGenerator(width=4, blocks=1), CPU)
    with pytest.raises(UsageError, match="scattering"):
        VideoTranslator(translator, 0.9)


def test_an_airlight_that_was_asked_for_stays_while_a_video_fades_in(make: Make) -> None:
    translator, coding = make("hazify", amount=AddHaze(20.0, (0.8, 0.8, 0.8))), coding_of(64, 48, 8, 1, True)
    bright = scene(0, 64, 48)
    for i in range(30):
        planes = through(translator, coded((bright * (i / 29)).astype(np.uint8), coding))
        assert planes[0].max() <= max(round(255 * 0.8), round(bright.max() * (i / 29))) + 10  # noise


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("direction", ["dehaze", "hazify"])
@pytest.mark.parametrize("size", [(64, 48), (63, 47), (33, 70)])
@pytest.mark.parametrize("steps", [(1, 1), (2, 2), (1, 2), (1, 4), (4, 4)])
def test_the_fused_pass_equals_torch(
    make: Make, bits: int, direction: str, size: tuple[int, int], steps: tuple[int, int]
) -> None:
    coding = coding_of(*size, bits, 1, False)
    whole = coded(scene(0, *size), coding, np.uint8 if bits == 8 else np.uint16)
    luma_plane, *chroma = whole.planes
    frame = replace(whole, planes=(luma_plane, *(plane[:: steps[0], :: steps[1]].copy() for plane in chroma)))
    translator = make(direction, 0.9, None if direction == "dehaze" else AddHaze(1.5, (0.8, 0.7, 0.9)))
    ours = through(translator, frame)
    planes = [torch.from_numpy(plane.astype(np.float32))[None, None] for plane in frame.planes]
    small = coding.rgb(*(resize(plane, translator._small_size(*planes[0].shape[2:])) for plane in planes))
    prepared = translator._prepared(small, coding.luma(small), 0)
    wanted = tuple(np.zeros_like(plane) for plane in frame.planes)
    translator._in_bands(prepared, coding, planes, planes, wanted)
    for one, other in zip(ours, wanted, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 2 ** (bits - 8)
        assert one.std() > 0
