import torch

from claritygan_cli.engine.resampling import resize
from claritygan_cli.engine.upsampling import GuidedUpsampling


def test_a_map_of_the_full_size_is_kept() -> None:
    random = torch.Generator().manual_seed(0)
    guide, values = torch.rand(1, 1, 24, 32, generator=random), torch.rand(1, 1, 24, 32, generator=random)
    torch.testing.assert_close(GuidedUpsampling(guide, values, 2, 0.01).rows(guide, 24, 0), values)


def test_edges_that_are_finer_than_the_map_are_found() -> None:
    near = (torch.arange(320)[None, :] * 0.7 + torch.arange(240)[:, None] < 203).float()[None, None]
    light, t = 0.7 - 0.5 * near, 0.3 + 0.6 * near
    small = resize(t, (30, 40))
    guided = GuidedUpsampling(resize(light, (60, 80)), small, 2, 0.01).rows(light, 240, 0)
    plain = torch.nn.functional.interpolate(small, size=(240, 320), mode="bilinear")
    assert (guided - t).abs().mean() < 0.4 * (plain - t).abs().mean()
    torch.testing.assert_close(GuidedUpsampling(resize(light, (60, 80)), small, 0, 0.01).rows(light, 240, 0), plain)


def test_flat_areas_give_no_noise() -> None:
    light = 0.8 + 0.01 * torch.randn(1, 1, 240, 320, generator=torch.Generator().manual_seed(0))
    t = torch.linspace(0.2, 0.6, 40).expand(1, 1, 30, 40)
    guided = GuidedUpsampling(resize(light, (60, 80)), t, 2, 0.01).rows(light, 240, 0)
    plain = torch.nn.functional.interpolate(t, size=(240, 320), mode="bilinear")
    assert (guided - plain).abs().max() < 2e-3
