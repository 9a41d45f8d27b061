import pytest
import torch
from torch import Tensor

from claritygan_cli.engine.steady import Steady

LIGHT = torch.full((1, 3, 1, 1), 0.9)


def maps(value: float) -> Tensor:
    return torch.full((1, 1, 8, 12), value)


def guide(seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    return torch.rand(1, 1, 16, 24)


def test_the_first_frame_is_taken_as_it_is_and_then_followed_slowly() -> None:
    steady = Steady(0.75)
    assert torch.equal(steady(guide(), maps(0.2), LIGHT)[0], maps(0.2))
    values, airlight = steady(guide(), maps(0.6), LIGHT - 0.4)
    torch.testing.assert_close(values, maps(0.3))
    torch.testing.assert_close(airlight, LIGHT - 0.1)
    for _ in range(40):
        values, airlight = steady(guide(), maps(0.6), LIGHT - 0.4)
    torch.testing.assert_close(values, maps(0.6), atol=1e-4, rtol=0)


@pytest.mark.parametrize("keep", [0.0, 0.9])
def test_a_cut_starts_anew(keep: float) -> None:
    steady = Steady(keep)
    steady(guide(0), maps(0.2), LIGHT)
    assert steady.changes(guide(1))
    assert not steady.changes(guide(0))
    values, airlight = steady(guide(1), maps(0.6), LIGHT - 0.4)
    assert torch.equal(values, maps(0.6))
    assert torch.equal(airlight, LIGHT - 0.4)


def test_what_moves_is_not_smeared_and_noise_does_not_move() -> None:
    steady = Steady(0.9)
    before, after = torch.full((1, 1, 16, 24), 0.5), torch.full((1, 1, 16, 24), 0.5)
    after[..., 6:10, 14:20] = 0.9  # an object has come
    torch.manual_seed(0)
    after += 0.02 * torch.randn(after.shape)
    steady(before, maps(0.2), LIGHT)
    values, _ = steady(after, maps(0.8), LIGHT)
    assert values[0, 0, 4, 8] > 0.75
    assert values[0, 0, 4, 1] < 0.3


def test_another_size_starts_anew() -> None:
    steady = Steady(0.9)
    steady(guide(), maps(0.2), LIGHT)
    small = torch.full((1, 1, 4, 6), 0.7)
    assert torch.equal(steady(torch.full((1, 1, 8, 12), 0.5), small, LIGHT)[0], small)
