import pytest
import torch
from torch import Tensor

from claritygan_cli.engine.temporal_filter import EstimateFilter

LIGHT = torch.full((1, 3, 1, 1), 0.9)


def maps(value: float) -> Tensor:
    return torch.full((1, 1, 8, 12), value)


def guide(seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    return torch.rand(1, 1, 16, 24)


def test_the_first_frame_is_taken_as_it_is_and_then_followed_slowly() -> None:
    """A place keeps 0.75 of its map, the whole 0.75 ** 0.25 of its mean and of its airlight."""
    steady = EstimateFilter(0.75)
    assert torch.equal(steady(guide(), maps(0.20), LIGHT)[0], maps(0.20))
    values, airlight = steady(guide(), maps(0.24), LIGHT - 0.4)
    whole = 0.75**0.25
    torch.testing.assert_close(values, maps(0.20 * 0.75 + (0.20 * whole + 0.24 * (1 - whole)) * 0.25))
    torch.testing.assert_close(airlight, LIGHT - 0.4 * (1 - whole))
    for _ in range(200):
        values, airlight = steady(guide(), maps(0.24), LIGHT - 0.4)
    torch.testing.assert_close(values, maps(0.24), atol=1e-4, rtol=0)
    torch.testing.assert_close(airlight, LIGHT - 0.4, atol=1e-4, rtol=0)


def test_readings_that_scatter_are_held_whatever_moves() -> None:
    """Nothing stays where it was, so that no place keeps its map."""
    steady = EstimateFilter(0.9)
    before, after = torch.full((1, 1, 16, 24), 0.5), torch.full((1, 1, 16, 24), 0.42)
    after[..., 12:] = 0.58
    steady(before, maps(0.5), LIGHT)
    values, _ = steady(after, maps(0.53), LIGHT)
    assert float((values - 0.5).abs().max()) < 0.005
    values, _ = steady(before, maps(0.8), LIGHT)  # that is no scatter
    assert float(values.median()) > 0.74


def test_airlight_follows_exposure_at_once() -> None:
    steady = EstimateFilter(0.9)
    steady(guide(), maps(0.5), LIGHT)
    _, airlight = steady(guide() + 0.02, maps(0.5), LIGHT)
    torch.testing.assert_close(airlight, LIGHT + 0.02 * 0.9**0.25)


@pytest.mark.parametrize("keep", [0.0, 0.9])
def test_a_cut_starts_anew(keep: float) -> None:
    steady = EstimateFilter(keep)
    steady(guide(0), maps(0.2), LIGHT)
    assert steady.changes(guide(1))
    assert not steady.changes(guide(0))
    values, airlight = steady(guide(1), maps(0.6), LIGHT - 0.4)
    assert torch.equal(values, maps(0.6))
    assert torch.equal(airlight, LIGHT - 0.4)


def test_what_moves_is_not_smeared_and_noise_does_not_move() -> None:
    steady = EstimateFilter(0.9)
    before, after = torch.full((1, 1, 16, 24), 0.5), torch.full((1, 1, 16, 24), 0.5)
    after[..., 6:10, 14:20] = 0.9  # an object has come
    torch.manual_seed(0)
    after += 0.02 * torch.randn(after.shape)
    near = maps(0.2)
    near[..., 3:5, 7:10] = 0.8
    steady(before, maps(0.2), LIGHT)
    values, _ = steady(after, near, LIGHT)
    assert values[0, 0, 4, 8] > 0.75
    assert values[0, 0, 4, 1] < 0.3


def test_another_size_starts_anew() -> None:
    steady = EstimateFilter(0.9)
    steady(guide(), maps(0.2), LIGHT)
    small = torch.full((1, 1, 4, 6), 0.7)
    assert torch.equal(steady(torch.full((1, 1, 8, 12), 0.5), small, LIGHT)[0], small)
