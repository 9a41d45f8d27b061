from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claritygan_cli.engine.amounts import AddHaze, RemoveHaze
from claritygan_cli.engine.estimate import TranslationEstimate
from claritygan_cli.engine.generators import ResnetGenerator
from claritygan_cli.engine.restoration import prepare
from claritygan_cli.errors import UsageError
from claritygan_cli.models import image_translator as module
from claritygan_cli.models import working_copy
from claritygan_cli.models.image_translator import ImageTranslator
from claritygan_cli.models.kinds import LEAST_TILE
from claritygan_cli.models.loading import choose_device
from claritygan_cli.models.weights import load_model

CPU = torch.device("cpu")


@pytest.fixture
def dehazer(tiny_model: Callable[[str], Path]) -> ImageTranslator:
    return ImageTranslator(load_model(tiny_model("dehaze"))[0], CPU)


@torch.no_grad()
def test_equals_the_generator_to_half_a_level(
    dehazer: ImageTranslator, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working_copy, "AVERAGED", 100)
    image = torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 255
    expected = dehazer.generator(image)[0].permute(1, 2, 0).numpy() * 255
    ours = dehazer(photo)
    assert ours.dtype == np.uint8
    assert np.abs(ours - expected).max() <= 0.51
    assert not np.array_equal(ours, photo)


@torch.no_grad()
def test_averaging_a_large_photo_first_hardly_shows(
    dehazer: ImageTranslator, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = photo.repeat(4, 0).repeat(4, 1)
    averaged = dehazer.estimate(large).transmission
    monkeypatch.setattr(working_copy, "AVERAGED", 100)
    exact = dehazer.estimate(large).transmission
    assert not torch.equal(averaged, exact)
    assert (averaged - exact).abs().max() < 0.01


@torch.no_grad()
def test_bands_of_torch_equal_the_fused_pass(
    dehazer: ImageTranslator, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepare(dehazer.small_copy(photo), dehazer.estimate(photo), dehazer.restoration)
    whole = dehazer._in_bands(photo, prepared)
    assert np.abs(whole.astype(int) - dehazer(photo)).max() <= 1
    monkeypatch.setattr(module, "BAND_PIXELS", 1)
    assert np.array_equal(dehazer._in_bands(photo, prepared), whole)


def test_16_bits_follow_8_bits(dehazer: ImageTranslator, photo: np.ndarray) -> None:
    image16 = dehazer(photo.astype(np.uint16) * 257)
    assert image16.dtype == np.uint16
    assert np.abs(image16 / 257 - dehazer(photo)).max() <= 0.51
    assert len(np.unique(image16)) > 256


def test_strength_zero_changes_nothing(dehazer: ImageTranslator, photo: np.ndarray) -> None:
    assert np.array_equal(dehazer(photo, RemoveHaze(0.0)), photo)
    image16 = (photo.astype(np.uint16) * 251) + 3
    assert np.array_equal(dehazer(image16, RemoveHaze(0.0)), image16)


def test_more_strength_changes_more(dehazer: ImageTranslator, photo: np.ndarray) -> None:
    change = [np.abs(dehazer(photo, RemoveHaze(s)).astype(int) - photo).mean() for s in (0.5, 1.0, 1.5)]
    assert 0 < change[0] < change[1] < change[2]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (33, 2), (257, 300)])
def test_any_size(dehazer: ImageTranslator, random: np.random.Generator, size: tuple[int, int]) -> None:
    pixels = random.integers(0, 256, (*size, 3)).astype(np.uint8)
    before = pixels.copy()
    assert dehazer(pixels).shape == pixels.shape
    assert np.array_equal(pixels, before)


def test_resnet_is_upsampled_beyond_its_working_size(photo: np.ndarray) -> None:
    torch.manual_seed(0)
    translator = ImageTranslator(ResnetGenerator(width=4, blocks=1), CPU, working_size=64)
    assert translator(photo).shape == photo.shape


def test_a_full_gpu_means_smaller_tiles_then_the_cpu(
    photo: np.ndarray, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    torch.manual_seed(0)
    generator = ResnetGenerator(width=4, blocks=1)
    generator.tile = 2 * LEAST_TILE
    translator = ImageTranslator(generator, CPU, working_size=160)
    expected = translator(photo)
    small, predict = translator.small_copy(photo), generator.predict

    def full(picture: torch.Tensor) -> TranslationEstimate:
        if translator.device.type != "cpu":
            raise torch.cuda.OutOfMemoryError("a test's")
        return predict(picture)

    monkeypatch.setattr(
        translator, "device", torch.device("cuda")
    )  # there need not be one: what would use it is replaced
    monkeypatch.setattr(translator, "small_copy", lambda pixels: small)
    monkeypatch.setattr(generator, "predict", full)
    results = [translator(photo) for _ in range(2)]
    assert [record.getMessage() for record in caplog.records] == [
        "the GPU's memory is full; going on in tiles of 64 pixels",
        "the GPU's memory is full; going on without it",
    ]
    for result in results:
        assert np.abs(result.astype(int) - expected).max() <= 1


def test_devices() -> None:
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(UsageError, match="choose auto, cpu, cuda or mps"):
        choose_device("tpu")
    for name in ("cuda", "mps"):
        there = torch.cuda.is_available() if name == "cuda" else torch.backends.mps.is_available()
        if not there:
            with pytest.raises(UsageError, match="no such device here"):
                choose_device(name)


def test_a_dehazer_puts_in_no_haze(dehazer: ImageTranslator, photo: np.ndarray) -> None:
    with pytest.raises(TypeError, match="HazeEstimate does not go with AddHaze"):
        dehazer(photo, AddHaze())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([np.uint8, np.uint16]), st.integers(0, 2**31))
def test_any_picture_keeps_its_size_and_type(
    dehazer: ImageTranslator, height: int, width: int, kind: type, seed: int
) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, np.iinfo(kind).max, (height, width, 3), kind, endpoint=True)
    result = dehazer(pixels, RemoveHaze(float(random.uniform(0, 4))))
    assert (result.shape, result.dtype) == (pixels.shape, pixels.dtype)
    assert np.array_equal(dehazer(pixels, RemoveHaze(0.0)), pixels)
