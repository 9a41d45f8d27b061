import pytest
import torch
from torch import Tensor

from claritygan_cli.engine.estimate import DepthEstimate, HazeEstimate, TranslationEstimate
from claritygan_cli.engine.temporal_filter import AIRLIGHT_SCATTER, TemporalFilter

LIGHT = torch.full((1, 3, 1, 1), 0.9)


def maps(value: float) -> Tensor:
    return torch.full((1, 1, 8, 12), value)


def filtered(temporal: TemporalFilter, guide: Tensor, values: Tensor, airlight: Tensor) -> tuple[Tensor, Tensor]:
    found = temporal(guide, HazeEstimate(values, airlight))
    assert isinstance(found, HazeEstimate)
    return found.transmission, found.airlight


def guide(seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    return torch.rand(1, 1, 16, 24)


def test_the_first_frame_is_taken_as_it_is_and_then_followed_slowly() -> None:
    """A place keeps 0.75 of its map, the whole 0.75 ** 0.25 of its mean and of its airlight."""
    temporal = TemporalFilter(0.75)
    assert torch.equal(filtered(temporal, guide(), maps(0.20), LIGHT)[0], maps(0.20))
    values, airlight = filtered(temporal, guide(), maps(0.24), LIGHT - 0.04)
    whole = 0.75**0.25
    torch.testing.assert_close(values, maps(0.20 * 0.75 + (0.20 * whole + 0.24 * (1 - whole)) * 0.25))
    torch.testing.assert_close(airlight, LIGHT - 0.04 * (1 - whole))
    for _ in range(200):
        values, airlight = filtered(temporal, guide(), maps(0.24), LIGHT - 0.04)
    torch.testing.assert_close(values, maps(0.24), atol=1e-4, rtol=0)
    torch.testing.assert_close(airlight, LIGHT - 0.04, atol=1e-4, rtol=0)


def test_estimates_that_scatter_are_held_whatever_moves() -> None:
    """Nothing stays where it was, so that no place keeps its map."""
    temporal = TemporalFilter(0.9)
    before, after = torch.full((1, 1, 16, 24), 0.5), torch.full((1, 1, 16, 24), 0.42)
    after[..., 12:] = 0.58
    filtered(temporal, before, maps(0.5), LIGHT)
    values, _ = filtered(temporal, after, maps(0.53), LIGHT)
    assert float((values - 0.5).abs().max()) < 0.005
    values, _ = filtered(temporal, before, maps(0.8), LIGHT)  # that is no scatter
    assert float(values.median()) > 0.74


def test_airlight_follows_exposure_at_once() -> None:
    temporal = TemporalFilter(0.9)
    filtered(temporal, guide(), maps(0.5), LIGHT)
    _, airlight = filtered(temporal, guide() + 0.02, maps(0.5), LIGHT)
    torch.testing.assert_close(airlight, LIGHT + 0.02 * 0.9**0.25)


@pytest.mark.parametrize("keep", [0.0, 0.9])
def test_a_cut_starts_anew(keep: float) -> None:
    temporal = TemporalFilter(keep)
    filtered(temporal, guide(0), maps(0.2), LIGHT)
    assert temporal.is_cut(guide(1))
    assert not temporal.is_cut(guide(0))
    values, airlight = filtered(temporal, guide(1), maps(0.6), LIGHT - 0.04)
    assert torch.equal(values, maps(0.6))
    assert torch.equal(airlight, LIGHT - 0.04)


def test_what_moves_is_not_smeared_and_noise_does_not_move() -> None:
    temporal = TemporalFilter(0.9)
    before, after = torch.full((1, 1, 16, 24), 0.5), torch.full((1, 1, 16, 24), 0.5)
    after[..., 6:10, 14:20] = 0.9  # an object has come
    torch.manual_seed(0)
    after += 0.02 * torch.randn(after.shape)
    near = maps(0.2)
    near[..., 3:5, 7:10] = 0.8
    filtered(temporal, before, maps(0.2), LIGHT)
    values, _ = filtered(temporal, after, near, LIGHT)
    assert values[0, 0, 4, 8] > 0.75
    assert values[0, 0, 4, 1] < 0.3


def test_another_size_starts_anew() -> None:
    temporal = TemporalFilter(0.9)
    filtered(temporal, guide(), maps(0.2), LIGHT)
    small = torch.full((1, 1, 4, 6), 0.7)
    assert torch.equal(filtered(temporal, torch.full((1, 1, 8, 12), 0.5), small, LIGHT)[0], small)


def test_a_fade_in_is_forgotten_within_half_a_second() -> None:
    """Black frames tell nothing of the haze: their estimate says that there is none, and the airlight is dark."""
    temporal, scene = TemporalFilter(0.95), guide()
    for i in range(40):
        brightness = i / 40
        values, airlight = filtered(temporal, scene * brightness, maps(1 - 0.7 * brightness), LIGHT * brightness)
        assert float((airlight - LIGHT * brightness).abs().max()) <= AIRLIGHT_SCATTER + 1e-6
        assert float(airlight.max()) <= 1
    for _ in range(12):
        values, airlight = filtered(temporal, scene, maps(0.3), LIGHT)
    torch.testing.assert_close(values, maps(0.3), atol=0.1, rtol=0)
    torch.testing.assert_close(airlight, LIGHT, atol=AIRLIGHT_SCATTER, rtol=0)


def test_depth_is_kept_steady_too_but_not_a_translation() -> None:
    temporal = TemporalFilter(0.9)
    temporal(guide(), DepthEstimate(maps(0.5)))
    found = temporal(guide(), DepthEstimate(maps(0.54)))
    assert isinstance(found, DepthEstimate)
    assert 0.5 < float(found.depth.mean()) < 0.51
    with pytest.raises(TypeError, match="translation"):
        temporal(guide(), TranslationEstimate(torch.rand(1, 3, 16, 24)))


def test_a_field_of_airlight_is_kept_steady_place_by_place() -> None:
    temporal, field = TemporalFilter(0.9), torch.rand(1, 3, 4, 6) * 0.5 + 0.4
    filtered(temporal, guide(), maps(0.5), field)
    _, airlight = filtered(temporal, guide(), maps(0.5), field + 0.02)
    torch.testing.assert_close(airlight, field + 0.02 * (1 - 0.9**0.25))
