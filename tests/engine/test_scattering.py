import math

import torch

from claritygan_cli.engine.scattering import add_haze, haze_density, remove_haze, transmission


def test_transmission_is_beer_lambert() -> None:
    depth = torch.tensor([0.0, 0.5, 1.0]).reshape(1, 1, 1, 3)
    expected = [1.0, math.exp(-0.6), math.exp(-1.2)]
    torch.testing.assert_close(transmission(depth, 1.2).flatten(), torch.tensor(expected))


def test_haze_by_hand() -> None:
    hazy = add_haze(torch.tensor([0.2]), torch.tensor([0.25]), torch.tensor([0.8]))
    torch.testing.assert_close(hazy, torch.tensor([0.2 * 0.25 + 0.8 * 0.75]))


def test_removing_undoes_adding() -> None:
    clear, t, airlight = torch.rand(2, 3, 5, 6), 0.1 + 0.9 * torch.rand(2, 1, 5, 6), torch.rand(2, 3, 1, 1)
    torch.testing.assert_close(remove_haze(add_haze(clear, t, airlight), t, airlight), clear, atol=1e-5, rtol=0)


def test_strength_scales_optical_depth() -> None:
    clear, t, airlight = torch.rand(1, 3, 4, 4), 0.3 + 0.7 * torch.rand(1, 1, 4, 4), torch.rand(1, 3, 1, 1)
    hazy = add_haze(clear, t, airlight)
    torch.testing.assert_close(remove_haze(hazy, t, airlight, 0.0), hazy)
    half = remove_haze(hazy, t, airlight, 0.5)
    torch.testing.assert_close(remove_haze(half, t, airlight, 0.5), clear, atol=1e-5, rtol=0)


def test_density_is_read_at_the_farthest_point() -> None:
    depth = torch.linspace(0, 1, 10_000).reshape(1, 1, 100, 100)
    t = transmission(depth, 1.5)
    torch.testing.assert_close(haze_density(t, 0.0).flatten(), torch.tensor([1.5]))
    torch.testing.assert_close(haze_density(t).flatten(), torch.tensor([1.5 * 0.98]), atol=1e-3, rtol=0)
