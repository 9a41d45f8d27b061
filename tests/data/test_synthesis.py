from dataclasses import replace

import torch

from claritygan_cli.data.synthesis import INDOOR, HazeRange, add_random_haze, draw_any_haze, draw_haze, vary_colours

PLAIN = HazeRange(density=(0.6, 1.8), airlight=(0.7, 1.0), odd=0.0, none=0.0)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_plain_haze_is_resides() -> None:
    density, airlight = draw_haze(torch.zeros(2000, 1, 1, 1, dtype=torch.bool), PLAIN, generator())
    assert 0.6 <= density.min() < 0.65
    assert 1.75 < density.max() <= 1.8
    assert 0.7 <= airlight.min() < 0.71
    assert 0.99 < airlight.max() <= 1
    assert torch.equal(airlight[:, 0], airlight[:, 2])


def test_synthetic_views_obey_the_scattering_model() -> None:
    clear, depth = torch.rand(6, 3, 16, 20), torch.rand(6, 1, 16, 20)
    crops = add_random_haze(clear, depth, torch.ones(6, dtype=torch.bool), PLAIN, generator())
    t = torch.exp(-crops.density * depth)
    torch.testing.assert_close(crops.t, t)
    expected = clear * t + crops.airlight * (1 - t)
    torch.testing.assert_close(crops.hazy, expected, atol=0.5 / 255 + 1e-6, rtol=0)
    levels = crops.hazy * 255
    torch.testing.assert_close(levels, levels.round(), atol=1e-4, rtol=0)


def test_some_haze_is_odd_and_some_is_none() -> None:
    plain, measured = torch.full((4000, 3, 1, 1), 0.5), torch.ones(4000, dtype=torch.bool)
    crops = add_random_haze(plain, plain[:, :1], measured, INDOOR, generator())
    assert 0.03 < (crops.density == 0).float().mean() < 0.07
    coloured = (crops.airlight[:, 0] - crops.airlight[:, 2]).abs().flatten() > 1e-6
    assert 0.2 < coloured.float().mean() < 0.4


def test_distant_scenes_have_haze_everywhere() -> None:
    clear, depth = torch.rand(50, 3, 4, 4), torch.linspace(0, 1, 16).reshape(1, 1, 4, 4).repeat(50, 1, 1, 1)
    depth[:, :, 0, 0], depth[:, :, 3, 3] = 0, 1
    measured = torch.ones(50, dtype=torch.bool)
    crops = add_random_haze(clear, depth, measured, replace(PLAIN, distant=1.0), generator())
    thickness = -crops.t.log() / crops.density
    assert (thickness[:, :, 0, 0] >= 0.099).all()
    torch.testing.assert_close(thickness[:, :, 3, 3], torch.ones(50, 1))
    assert torch.equal(torch.argsort(thickness.flatten(1)), torch.argsort(depth.flatten(1)))


def test_some_haze_hides_what_is_farthest_and_keeps_the_order_of_things() -> None:
    clear, depth = torch.rand(400, 3, 4, 4), torch.linspace(0, 1, 16).reshape(1, 1, 4, 4).repeat(400, 1, 1, 1)
    ranges = replace(PLAIN, odd=0.5, hidden=True)
    crops = add_random_haze(clear, depth, torch.zeros(400, dtype=torch.bool), ranges, generator())
    farthest, most = (-crops.t.log() / crops.density)[:, 0, 3, 3], 2.5
    hides = farthest > (1 + most) / 2  # patches make some thicker or thinner
    assert 0.35 < hides.float().mean() < 0.65
    even = (farthest - most).abs() < 1e-3
    assert even.sum() > 80
    assert (crops.t[even].flatten(1).diff() <= 0).all()


def test_some_airlight_is_white() -> None:
    odd = torch.zeros(4000, 1, 1, 1, dtype=torch.bool)
    _, airlight = draw_haze(odd, replace(PLAIN, white=0.5), generator())
    assert 0.5 < (airlight >= 0.96).all(1).float().mean() < 0.62
    assert airlight.min() < 0.72


def test_the_same_seed_gives_the_same_views() -> None:
    clear, depth = torch.rand(3, 3, 8, 8), torch.rand(3, 1, 8, 8)
    measured = torch.zeros(3, dtype=torch.bool)
    one, two = (add_random_haze(clear, depth, measured, INDOOR, generator()).hazy for _ in range(2))
    assert torch.equal(one, two)


def test_colours_vary_within_range() -> None:
    image = torch.rand(64, 3, 4, 4)
    varied = vary_colours(image, generator())
    assert varied.min() >= 0
    assert varied.max() <= 1
    changed = (varied - image).abs().amax((1, 2, 3)) > 1e-4
    assert changed.float().mean() > 0.5


def test_any_haze_follows_a_depth_to_be_guessed_and_a_relief() -> None:
    relief = torch.full((3000, 1, 2, 2), 0.5)
    relief[..., 0] = 1
    haze = draw_any_haze(relief, generator())
    part = haze.mist[..., 0, 0]
    torch.testing.assert_close(haze.mist[..., 1, 1], part / 2)
    total = part + haze.density[..., 0, 0]
    assert total.max() <= 3
    assert 0.03 < (total == 0).float().mean() < 0.07
    share = (part / total)[total > 0]
    assert 0.47 < share.mean() < 0.53
    assert share.min() < 0.02
    assert share.max() > 0.98
    assert haze.airlight.shape == (3000, 3, 1, 1)
    assert haze.airlight.max() <= 1
