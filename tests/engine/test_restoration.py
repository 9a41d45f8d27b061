import pytest
import torch

from claritygan_cli.engine.restoration import (
    CHROMA_GAIN_TRANSMISSION,
    FULL_GAIN_TRANSMISSION,
    NO_GAIN_TRANSMISSION,
    DehazeEstimate,
    GuidedUpsampling,
    grey,
    resize,
)


def test_a_lift_keeps_the_map_that_it_carries() -> None:
    random = torch.Generator().manual_seed(0)
    guide, values = torch.rand(1, 1, 24, 32, generator=random), torch.rand(1, 1, 24, 32, generator=random)
    torch.testing.assert_close(GuidedUpsampling(guide, values, 0.01).rows(guide, 24, 0), values)


def test_a_lift_finds_edges_that_are_finer_than_the_map() -> None:
    near = (torch.arange(320)[None, :] * 0.7 + torch.arange(240)[:, None] < 203).float()[None, None]
    luma, t = 0.7 - 0.5 * near, 0.3 + 0.6 * near
    small = resize(t, (30, 40))
    lifted = GuidedUpsampling(resize(luma, (60, 80)), small, 0.01).rows(luma, 240, 0)
    plain = torch.nn.functional.interpolate(small, size=(240, 320), mode="bilinear")
    assert (lifted - t).abs().mean() < 0.4 * (plain - t).abs().mean()


def test_a_lift_takes_no_grain_from_flat_areas() -> None:
    luma = 0.8 + 0.01 * torch.randn(1, 1, 240, 320, generator=torch.Generator().manual_seed(0))
    t = torch.linspace(0.2, 0.6, 40).expand(1, 1, 30, 40)
    lifted = GuidedUpsampling(resize(luma, (60, 80)), t, 0.01).rows(luma, 240, 0)
    plain = torch.nn.functional.interpolate(t, size=(240, 320), mode="bilinear")
    assert (lifted - plain).abs().max() < 2e-3


@pytest.mark.parametrize(
    ("t", "gain"), [(0.8, 1.25), (FULL_GAIN_TRANSMISSION, 4.0), (0.175, 2.5), (NO_GAIN_TRANSMISSION, 1.0), (0.05, 1.0)]
)
def test_what_hardly_shows_is_not_amplified_beyond_reason(t: float, gain: float) -> None:
    guide, light = torch.rand(1, 1, 32, 32), torch.full((1, 3, 1, 1), 0.8)
    lift = DehazeEstimate(guide, torch.full((1, 1, 16, 16), t), light)
    image = (light + 0.05 * torch.rand(1, 3, 1, 1, generator=torch.Generator().manual_seed(0))).expand(1, 3, 32, 32)
    before, after = image - light, lift.rows(image, 32, 0) - light
    torch.testing.assert_close(grey(after), grey(before) * gain)
    torch.testing.assert_close(after - grey(after), (before - grey(before)) * min(gain, 1 / CHROMA_GAIN_TRANSMISSION))
    torch.testing.assert_close(lift.gain(guide, 32, 0), torch.full((1, 1, 32, 32), gain))


def test_strength_counts_for_colours_as_for_luma() -> None:
    light = torch.full((1, 3, 1, 1), 0.5)
    image = (light + torch.tensor([0.04, 0.0, -0.04]).reshape(1, 3, 1, 1)).expand(1, 3, 32, 32)
    lift = DehazeEstimate(torch.rand(1, 1, 32, 32), torch.full((1, 1, 16, 16), 0.3), light)
    for strength in (0.0, 0.5, 2.0):
        result = lift.rows(image, 32, 0, strength=strength)
        expected = (
            grey(image - light) * 0.3**-strength
            + (image - light - grey(image - light)) * CHROMA_GAIN_TRANSMISSION**-strength
        )
        torch.testing.assert_close(result, (expected + light).clamp(0, 1))


def test_noise_is_not_amplified_but_detail_is() -> None:
    random = torch.Generator().manual_seed(0)
    guide, light = torch.full((1, 1, 64, 64), 0.6), torch.full((1, 3, 1, 1), 0.8)
    lift = DehazeEstimate(guide, torch.full((1, 1, 32, 32), 0.3), light)
    noise = torch.randn(1, 3, 64, 64, generator=random) / 255
    grown = lift.rows(0.6 + noise, 64, 0).std() / noise.std()
    assert 1 < grown < 2  # divided by the transmission, noise would grow 3.3 times
    stripes = 0.6 + 0.04 * (torch.arange(64) // 4 % 2).float().expand(1, 3, 64, 64)
    assert lift.rows(stripes, 64, 0).std() / stripes.std() > 3
