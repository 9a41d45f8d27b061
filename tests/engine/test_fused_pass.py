import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from claritygan_cli.engine import fused_pass
from claritygan_cli.engine.amounts import AddHaze, Amount, RemoveHaze
from claritygan_cli.engine.estimate import DepthEstimate, HazeEstimate
from claritygan_cli.engine.restoration import Scattering, prepare
from claritygan_cli.engine.restoration_config import RestorationConfig

CONFIGS = (RestorationConfig(), RestorationConfig.plain(), RestorationConfig(upsampling_radius=0, noise_deviation=0.0))


def prepared(seed: int, field: tuple[int, int], config: RestorationConfig, amount: Amount) -> Scattering:
    """A random estimate, of a small picture of 7x9."""
    random = torch.Generator().manual_seed(seed)
    values = torch.rand(1, 1, 7, 9, generator=random) * 0.95 + 0.05
    estimate: HazeEstimate | DepthEstimate
    if isinstance(amount, RemoveHaze):
        estimate = HazeEstimate(values, torch.rand(1, 3, *field, generator=random))
    else:
        estimate = DepthEstimate(values)
    found = prepare(torch.rand(1, 3, 7, 9, generator=random), estimate, config, amount)
    assert isinstance(found, Scattering)
    return found


def by_torch(pixels: np.ndarray, haze: Scattering) -> np.ndarray:
    """The reference."""
    peak = np.iinfo(pixels.dtype).max
    image = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None] / peak
    rows = haze.rows(image, pixels.shape[0], 0)[0] * peak
    return rows.round().permute(1, 2, 0).numpy()


def photo(seed: int, height: int, width: int, dtype: type, noise: float) -> np.ndarray:
    """Waves of all colours, with noise."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    values = 0.5 + 0.5 * np.sin(y / 5 + c) * np.cos(x / 7 - c)
    values += noise * np.random.default_rng(seed).normal(size=values.shape)
    return (values.clip(0, 1) * np.iinfo(dtype).max).round().astype(dtype)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 99),
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    dtype=st.sampled_from((np.uint8, np.uint16)),
    noise=st.sampled_from((0.0, 0.01, 0.3)),
    field=st.sampled_from(((1, 1), (1, 3), (5, 4))),
    config=st.sampled_from(CONFIGS),
    amount=st.one_of(
        st.floats(0, 4).map(RemoveHaze), st.floats(0, 3).map(lambda density: AddHaze(density, (0.9, 0.6, 0.3)))
    ),
)
def test_the_pass_equals_the_restoration(
    seed: int,
    height: int,
    width: int,
    dtype: type,
    noise: float,
    field: tuple[int, int],
    config: RestorationConfig,
    amount: Amount,
) -> None:
    pixels = photo(seed, height, width, dtype, noise)
    haze = prepared(seed, field, config, amount)
    ours = fused_pass.apply(pixels, haze.maps())
    assert ours.dtype == dtype
    assert ours.shape == pixels.shape
    level = np.iinfo(dtype).max / 255
    assert np.abs(ours.astype(float) - by_torch(pixels, haze)).max() <= level


def test_neither_threads_nor_tiles_change_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = photo(3, 150, 210, np.uint8, 0.02)
    before = pixels.copy()
    maps = prepared(3, (5, 4), RestorationConfig(), RemoveHaze(1.3)).maps()
    whole = fused_pass.apply(pixels, maps)
    monkeypatch.setattr(fused_pass, "TILE_ROWS", 31)
    monkeypatch.setattr(fused_pass, "TILE_COLUMNS", 50)
    for threads in (1, 2, 5):
        assert np.array_equal(fused_pass.apply(pixels, maps, threads), whole)
    assert np.array_equal(pixels, before)


def test_the_table_of_gains_is_fine_enough() -> None:
    """Where results are still within the picture, its error is far below a level."""
    maps = prepared(0, (1, 1), RestorationConfig.plain(), RemoveHaze(4.0)).maps()
    places = np.linspace(maps.lowest, maps.highest, 100_001)
    looked_up = np.interp(places, np.linspace(maps.lowest, maps.highest, len(maps.gains)), maps.gains)
    assert np.abs(looked_up * places**4 - 1).max() < 0.1 / 255
    assert math.isclose(maps.gains[-1], 1)
