from dataclasses import replace

import pytest
import torch
from torch import Tensor

from claritygan_cli.data.haze_config import HazeConfig
from claritygan_cli.data.synthesis import (
    Dice,
    Scenes,
    add_random_haze,
    draw_any_haze,
    fog_light,
    indoor_airlight,
    real_pair,
    vary_colours,
)
from claritygan_cli.engine.estimate import LEAST_TRANSMISSION
from claritygan_cli.errors import SettingError

NEVER = (0.0, 0.0, 0.0)
PLAIN = HazeConfig(
    no_haze=0.0,
    varied_colours=0.0,
    indoor_density_wide=(0.0, 0.2, 2.7),
    indoor_white=(0.0, 0.95, 1.0),
    indoor_dim=(0.0, 0.45, 1.0),
    patches=NEVER,
    tint=NEVER,
    sharpening=NEVER,
    resampling=(0.0, 0.5, 0.8),
    noise=NEVER,
    jpeg=(0.0, 50.0, 96.0),
)
"""RESIDE's, and nothing else."""


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def scenes(count: int, measured: bool, height: int = 16, width: int = 24) -> Scenes:
    """Pictures at random, depth that grows upwards, and sky in the upper quarter."""
    torch.manual_seed(0)
    clear = torch.rand(count, 3, height, width)
    depth = torch.linspace(1, 0.1, height).reshape(1, 1, -1, 1).expand(count, 1, height, width).clone()
    sky = torch.zeros_like(depth)
    if not measured:
        sky[:, :, : height // 4] = 1
    no = torch.zeros(count, dtype=torch.bool)
    return Scenes(clear, clear, depth, sky, torch.zeros(count, 1, 1, 1), no | measured, no)


def test_plain_haze_is_resides_and_obeys_the_scattering_model() -> None:
    crops = add_random_haze(scenes(400, True), PLAIN, generator())
    density = -crops.t[:, :, 0, 0].log().flatten()
    assert 0.6 <= density.min() < 0.65
    assert 1.75 < density.max() <= 1.8
    assert 0.68 <= crops.airlight.min() < 0.7
    assert 0.98 < crops.airlight.max() <= 1
    assert torch.equal(crops.airlight[:, 0], crops.airlight[:, 2])
    expected = crops.clear * crops.t + crops.airlight * (1 - crops.t)
    torch.testing.assert_close(crops.hazy, expected, atol=0.5 / 255 + 1e-6, rtol=0)
    torch.testing.assert_close(crops.hazy * 255, (crops.hazy * 255).round(), atol=1e-4, rtol=0)
    assert torch.equal(crops.depth, scenes(400, True).depth)
    assert crops.known.all()


def test_indoors_some_airlight_is_white_some_dim_and_some_haze_is_none() -> None:
    random = generator()
    airlight = indoor_airlight(HazeConfig(), Dice(4000, random))
    assert 0.5 < (airlight[:, 1] >= 0.94).float().mean() < 0.65
    assert 0.02 < (airlight[:, 1] < 0.66).float().mean() < 0.08
    assert 0.1 < ((airlight[:, 0] - airlight[:, 2]).abs() > 0.01).float().mean() < 0.25
    crops = add_random_haze(scenes(1000, True, 8, 8), HazeConfig(), random)
    assert 0.03 < (crops.t.flatten(1).amin(1) == 1).float().mean() < 0.09


def test_resides_outdoor_haze_lies_on_everything_in_most_pictures() -> None:
    ranges = replace(PLAIN, fog=0.0, veil=0.0, outdoor_density=(1.0, 1.0), outdoor_density_wide=(0.0, 0.2, 2.2))
    crops = add_random_haze(scenes(1000, False), ranges, generator())
    nearest = -crops.t[:, 0, -1, 0].log()  # 0.1 where there is something near
    assert 0.3 < (nearest < 0.1001).float().mean() < 0.4
    assert 0.42 < ((nearest > 0.43) & (nearest < 0.69)).float().mean() < 0.68
    sky = -crops.t[:, 0, 0].log()
    assert (sky >= 0.99).all()
    assert (sky <= 1.41).all()
    torch.testing.assert_close(crops.airlight.amin((2, 3)), crops.airlight.amax((2, 3)))


def test_fog_hides_the_sky_and_grows_with_depth() -> None:
    ranges = replace(PLAIN, fog=1.0, fog_nearest=NEVER)
    crops = add_random_haze(scenes(1000, False), ranges, generator())
    t = crops.t[:, 0, :, 0]
    assert (t.diff(dim=1) >= -1e-6).all()
    far = t[:, 4]  # the farthest land, a little nearer than 1
    assert far.min() < 0.06
    assert far.max() > 0.85
    torch.testing.assert_close(far.log().quantile(0.5), torch.tensor(-1.9), atol=0.4, rtol=0)
    assert (t[:, 0] <= far**1.4 + 1e-3).logical_or(t[:, 0] <= LEAST_TRANSMISSION + 1e-3).all()
    assert t.min() >= LEAST_TRANSMISSION
    assert (crops.airlight.amax((1, 2, 3)) - crops.airlight.amin((1, 2, 3))).mean() > 0.05


def test_scenes_in_fog_are_dull_and_have_no_haze_of_their_own() -> None:
    base = scenes(500, False)
    base.clear = 0.1 + 0.9 * base.clear
    base.veil += 0.1
    foggy = add_random_haze(base, replace(PLAIN, fog=1.0), generator()).clear
    resides = add_random_haze(base, replace(PLAIN, fog=0.0, veil=0.0, natural_haze=1.0), generator()).clear
    torch.testing.assert_close(resides, base.clear)
    assert foggy.mean() < base.clear.mean() - 0.08
    assert foggy.flatten(1).quantile(0.01, 1).mean() < 0.05 < base.clear.min()
    removed = add_random_haze(base, replace(PLAIN, fog=0.0, veil=0.0, natural_haze=0.0), generator()).clear
    torch.testing.assert_close(removed, (base.clear - 0.1) / 0.9, atol=1e-5, rtol=0)


def test_veils_are_nearly_even() -> None:
    crops = add_random_haze(scenes(500, False), replace(PLAIN, fog=0.0, veil=1.0), generator())
    least, most = crops.t.flatten(1).amin(1), crops.t.flatten(1).amax(1)
    assert (most / least <= 1.26).all()
    assert least.min() >= 0.3 * 0.79
    assert most.max() > 0.9


def test_fog_is_darker_at_the_ground() -> None:
    ranges = replace(HazeConfig(), gradient=(1.0, 0.2, 0.2), slant=NEVER, vignette=NEVER, sun=NEVER)
    light = fog_light((9, 11), ranges, Dice(3, generator()))
    torch.testing.assert_close(light[0, 0, :, 5], torch.linspace(1, 0.8, 9))
    ranges = replace(ranges, gradient=NEVER, sun=(1.0, 0.3, 0.3))
    assert fog_light((64, 64), ranges, Dice(50, generator())).amax((1, 2, 3)).median() > 1.2


def test_a_hazifier_learns_that_the_sky_is_farthest() -> None:
    depth = add_random_haze(scenes(2, False), HazeConfig(), generator()).depth
    assert (depth[:, :, :4] == 1).all()
    torch.testing.assert_close(depth[0, 0, 8, 0], 0.85 * scenes(2, False).depth[0, 0, 8, 0])


def test_real_pairs_stay_as_they_are() -> None:
    hazy, clear = torch.rand(2, 2, 3, 8, 8)
    crops = add_random_haze(real_pair(hazy, clear), HazeConfig(), generator())
    assert torch.equal(crops.hazy, hazy)
    assert torch.equal(crops.clear, clear)
    assert not crops.known.any()


@pytest.mark.parametrize("size", [(16, 24), (9, 13)])
def test_what_cameras_do_stays_within_range(size: tuple[int, int]) -> None:
    ranges = HazeConfig(sharpening=(1.0, 1.0, 1.0), noise=(1.0, 0.02, 0.02), jpeg=(1.0, 50.0, 50.0))
    crops, plain = (add_random_haze(scenes(8, True, *size), r, generator()).hazy for r in (ranges, PLAIN))
    assert crops.min() >= 0
    assert crops.max() <= 1
    assert (crops - plain).abs().mean() > 0.01


def test_the_same_seed_gives_the_same_views() -> None:
    def made() -> Tensor:
        return add_random_haze(scenes(5, False), HazeConfig(), generator()).hazy

    assert torch.equal(made(), made())


def test_colours_vary_within_range() -> None:
    image = torch.rand(64, 3, 4, 4)
    varied = vary_colours(image, HazeConfig(), Dice(64, generator()))
    assert varied.min() >= 0
    assert varied.max() <= 1
    changed = (varied - image).abs().amax((1, 2, 3)) > 1e-4
    assert 0.3 < changed.float().mean() < 0.7


def test_any_haze_follows_a_depth_to_be_guessed_and_a_relief() -> None:
    relief = torch.full((3000, 1, 2, 2), 0.5)
    relief[..., 0] = 1
    haze = draw_any_haze(relief, HazeConfig(), generator())
    part = haze.mist[..., 0, 0]
    torch.testing.assert_close(haze.mist[..., 1, 1], part / 2)
    total = part + haze.density[..., 0, 0]
    assert total.max() <= 2.7
    assert 0.03 < (total == 0).float().mean() < 0.09
    share = (part / total)[total > 0]
    assert 0.47 < share.mean() < 0.53
    assert share.min() < 0.02
    assert share.max() > 0.98
    assert haze.airlight.shape == (3000, 3, 1, 1)
    assert haze.airlight.max() <= 1


@pytest.mark.parametrize("value", [(1.0,), (0.5, 0.2), (0.1, 0.2, 0.3)])
def test_ranges_have_a_least_and_a_most(value: tuple[float, ...]) -> None:
    with pytest.raises(SettingError, match="least and the most"):
        HazeConfig(fog_airlight=value)
