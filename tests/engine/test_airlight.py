import pytest
import torch

from claritygan_cli.engine.airlight import haze_colour


def test_haze_has_the_colour_of_what_is_hazy() -> None:
    colours = torch.zeros(1, 3, 40, 60)
    colours[:, :, :, 30:] = torch.tensor([0.8, 0.7, 0.6]).reshape(1, 3, 1, 1)
    scores = torch.zeros(1, 1, 40, 60)
    scores[..., 30:] = 20
    near, whole = haze_colour(scores, colours)
    torch.testing.assert_close(whole.flatten(), torch.tensor([0.8, 0.7, 0.6]), atol=0.01, rtol=0)
    # nothing is hazy at the left edge: there it is that of the picture's haze
    torch.testing.assert_close(near[0, :, 0, 0], torch.tensor([0.8, 0.7, 0.6]), atol=0.02, rtol=0)


def test_two_hazes_have_two_colours() -> None:
    colours = torch.zeros(1, 3, 48, 48)
    colours[:, :, :24], colours[:, :, 24:] = 0.9, 0.5
    near, whole = haze_colour(torch.zeros(1, 1, 48, 48), colours)
    torch.testing.assert_close(whole, torch.full((1, 3, 1, 1), 0.7), atol=1e-4, rtol=0)
    assert near[0, 0, 0].min() > 0.85
    assert near[0, 0, -1].max() < 0.55
    assert (near.diff(dim=2) <= 1e-5).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (49, 20), (200, 130)])
def test_it_stays_between_the_colours(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    near, whole = haze_colour(50 * torch.randn(2, 1, *size), torch.rand(2, 3, *size))
    assert near.shape[:2] == (2, 3)
    assert max(near.shape[2:]) <= 24
    assert 0 <= near.min() <= near.max() <= 1
    assert 0 <= whole.min() <= whole.max() <= 1
