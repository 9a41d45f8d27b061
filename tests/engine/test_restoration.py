from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor

from claritygan_cli.engine.amounts import AddHaze, RemoveHaze
from claritygan_cli.engine.denoising import denoise
from claritygan_cli.engine.estimate import DepthEstimate, HazeEstimate, TranslationEstimate, with_maps
from claritygan_cli.engine.refinement import brightness_bound, predict, refine, shadow_bound
from claritygan_cli.engine.resampling import luma
from claritygan_cli.engine.restoration import gain_curve, prepare, restore
from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.engine.scattering import remove_haze
from claritygan_cli.errors import SettingError

PLAIN, DEFAULT = RestorationConfig.plain(), RestorationConfig()
LIGHT = torch.tensor([0.9, 0.8, 0.7]).reshape(1, 3, 1, 1)


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def haze(transmission: Tensor | float, airlight: Tensor = LIGHT) -> HazeEstimate:
    t = torch.full((1, 1, 16, 24), transmission) if isinstance(transmission, float) else transmission
    return HazeEstimate(t, airlight)


@pytest.mark.parametrize("field", [False, True])
def test_plain_is_the_scattering_model_inverted(field: bool) -> None:
    image, small = 0.5 + 0.2 * rand(1, 3, 32, 48), rand(1, 3, 32, 48, seed=1)
    airlight = 0.7 + 0.2 * rand(1, 3, 4, 6) if field else LIGHT
    t = 0.4 + 0.6 * rand(1, 1, 16, 24)
    full_t, full_light = (torch.nn.functional.interpolate(x, (32, 48), mode="bilinear") for x in (t, airlight))
    expected = (image - full_light) / full_t + full_light
    torch.testing.assert_close(restore(image, small, haze(t, airlight), PLAIN), expected.clamp(0, 1))


def test_a_field_of_one_colour_is_that_colour() -> None:
    image, t = rand(1, 3, 32, 48), 0.2 + 0.8 * rand(1, 1, 16, 24)
    constant = restore(image, image, haze(t), DEFAULT)
    torch.testing.assert_close(restore(image, image, haze(t, LIGHT.expand(1, 3, 5, 7)), DEFAULT), constant)


@pytest.mark.parametrize("name", [f.name for f in fields(RestorationConfig) if f.name != "mirrored"])
def test_each_step_does_something_and_can_be_switched_off(name: str) -> None:
    """An eps has no off of its own: its step is off without its radius."""
    opaque = LIGHT * (0.96 + 0.04 * rand(1, 3, 32, 24, seed=1))
    image = torch.cat([0.3 + 0.1 * rand(1, 3, 32, 24), opaque], 3)
    near, far = 0.3 + 0.7 * rand(1, 1, 16, 12, seed=2), 0.05 + 0.2 * rand(1, 1, 16, 12, seed=3)
    estimate = haze(torch.cat([near, far], 3))
    off = getattr(PLAIN, name) if not name.endswith("_eps") else 1.0
    without = replace(DEFAULT, **{name: off})
    assert not torch.allclose(restore(image, image, estimate, without), restore(image, image, estimate, DEFAULT))
    if name.endswith("_eps"):
        radius = name.replace("_eps", "_radius")
        one, other = replace(DEFAULT, **{radius: 0}), replace(DEFAULT, **{radius: 0, name: 1.0})
        torch.testing.assert_close(restore(image, image, estimate, one), restore(image, image, estimate, other))


def test_bands_of_rows_make_the_whole() -> None:
    image, small = rand(1, 3, 90, 130), rand(1, 3, 32, 48, seed=1)
    prepared = prepare(small, refine(small, haze(0.3), DEFAULT), DEFAULT)
    parts = []
    for top in range(0, 90, 17):
        first = max(0, top - prepared.margin)
        part = prepared.rows(image[:, :, first : top + 17 + prepared.margin], 90, first)
        parts.append(part[:, :, top - first :][:, :, :17])
    whole = restore(image, small, haze(0.3), DEFAULT)
    torch.testing.assert_close(torch.cat(parts, 2), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("t", "gain"), [(0.8, 1.25), (0.25, 4.0), (0.175, 2.5), (0.1, 1.0), (0.05, 1.0)])
def test_what_hardly_shows_is_not_amplified_beyond_reason(t: float, gain: float) -> None:
    light = torch.full((1, 3, 1, 1), 0.8)
    image = (light + 0.05 * rand(1, 3, 1, 1)).expand(1, 3, 32, 48)
    config = replace(DEFAULT, shadow_floor=-1.0)
    before, after = image - light, restore(image, image, haze(t, light), config) - light
    torch.testing.assert_close(luma(after), luma(before) * gain)
    most = 1 / config.chroma_gain_transmission
    torch.testing.assert_close(after - luma(after), (before - luma(before)) * min(gain, most))


def test_the_gain_curve_without_its_fall() -> None:
    t = torch.linspace(0.05, 1, 20).reshape(1, 1, 4, 5)
    assert torch.equal(gain_curve(t, replace(DEFAULT, no_gain_transmission=0.0)), t.clamp_min(0.25))
    assert torch.equal(gain_curve(t, PLAIN), t)


def test_strength_counts_for_colours_as_for_luma() -> None:
    light = torch.full((1, 3, 1, 1), 0.5)
    image = (light + torch.tensor([0.04, 0.0, -0.04]).reshape(1, 3, 1, 1)).expand(1, 3, 32, 48)
    for strength in (0.0, 0.5, 2.0):
        result = restore(image, image, haze(0.3, light), DEFAULT, RemoveHaze(strength))
        grey = luma(image - light)
        expected = grey * 0.3**-strength + (image - light - grey) * DEFAULT.chroma_gain_transmission**-strength
        torch.testing.assert_close(result, (expected + light).clamp(0, 1))


def test_noise_is_not_amplified_but_detail_is() -> None:
    light = torch.full((1, 3, 1, 1), 0.8)
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 3, 64, 96, generator=random) / 255
    config = replace(DEFAULT, shadow_floor=-1.0)
    grown = restore(0.6 + noise, torch.full((1, 3, 32, 48), 0.6), haze(0.3, light), config).std() / noise.std()
    assert 1 < grown < 2  # divided by the transmission, noise would grow 3.3 times
    stripes = 0.6 + 0.04 * (torch.arange(96) // 4 % 2).float().expand(1, 3, 64, 96)
    assert restore(stripes, torch.full((1, 3, 32, 48), 0.6), haze(0.3, light), config).std() / stripes.std() > 3


@pytest.mark.parametrize("field", [False, True])
def test_shadows_are_not_crushed(field: bool) -> None:
    small, floor = rand(2, 3, 32, 48), DEFAULT.shadow_floor
    airlight = LIGHT.expand(2, 3, 4, 6) if field else LIGHT.expand(2, 3, 1, 1)
    t = shadow_bound(small, airlight, (32, 48), floor)
    assert t.shape == (2, 1, 32, 48)
    assert (t.min() >= 0, t.max() <= 1) == (True, True)
    dehazed = remove_haze(small, t.clamp_min(1e-3), LIGHT)
    darker = small.amin(1, keepdim=True) < floor
    assert dehazed.amin(1, keepdim=True)[~darker].min() > floor - 1e-4  # one channel just touches it
    dark = (dehazed.amin(1, keepdim=True) - floor).abs() < 1e-4
    bright = (small >= LIGHT).all(1, keepdim=True)
    assert (dark | bright | darker).all()
    refined = refine(small, haze(torch.full((2, 1, 16, 24), 0.05), airlight), replace(DEFAULT, smoothing_radius=0))
    assert isinstance(refined, HazeEstimate)
    assert (refined.transmission >= shadow_bound(small, airlight, (16, 24), floor)).all()


@torch.no_grad()
def test_fog_has_brighter_shadows() -> None:
    small, size = rand(1, 3, 32, 48), (32, 48)
    for grey, floor in ((0.7, 0.1), (0.99, 0.03), (0.92, 0.065)):
        airlight = torch.full((1, 3, 1, 1), grey)
        torch.testing.assert_close(
            shadow_bound(small, airlight, size, 0.03, 0.1), shadow_bound(small, airlight, size, floor)
        )
        assert torch.equal(
            shadow_bound(small, airlight, size, 0.03), shadow_bound(small, airlight, size, 0.03, fog_floor=-1.0)
        )


@torch.no_grad()
@pytest.mark.parametrize("field", [False, True])
def test_no_neighbourhood_in_fog_is_nearly_black(field: bool) -> None:
    """A large even part comes out at the floor, where an estimate would have made it black."""
    hazy = torch.full((1, 3, 64, 96), 0.5)
    hazy[..., 48:] = 0.68
    for grey, least in ((0.7, 0.18), (0.8, 0.18), (0.99, 0.0)):
        airlight = torch.full((1, 3, 4, 6) if field else (1, 3, 1, 1), grey)
        bound = brightness_bound(hazy, airlight, (32, 48), 0.18)
        assert bound.shape == (1, 1, 32, 48)
        assert 0 <= bound.min() <= bound.max() <= 1
        result = (0.5 - grey) / bound[0, 0, 16, 5].clamp_min(0.05) + grey
        assert result == pytest.approx(least, abs=0.01) if least else bound.max() == 0
    assert not brightness_bound(hazy + 0.31, torch.full((1, 3, 1, 1), 0.8), (32, 48), 0.18).any()  # brighter than haze


def test_maps_are_smoothed_but_for_edges_of_the_picture() -> None:
    flat, noise = torch.full((1, 3, 32, 48), 0.5), rand(1, 1, 32, 48)
    config = replace(DEFAULT, shadow_floor=-1.0, brightness_floor=0.0)
    smooth = refine(flat, haze(noise), config)
    assert isinstance(smooth, HazeEstimate)
    assert smooth.transmission.std() < 0.3 * noise.std()
    edge = (torch.arange(48) < 24).float().expand(1, 3, 32, 48)
    steps = refine(edge, DepthEstimate(0.2 + 0.6 * edge[:, :1]), config)
    assert isinstance(steps, DepthEstimate)
    torch.testing.assert_close(steps.depth, 0.2 + 0.6 * edge[:, :1], atol=0.05, rtol=0)


def test_test_time_augmentation_is_a_mean() -> None:
    image = rand(1, 3, 64, 96)

    def network(view: Tensor) -> HazeEstimate:
        ramp = torch.linspace(0.2, 0.8, view.shape[3]).expand(1, 1, view.shape[2], view.shape[3])
        return HazeEstimate(ramp * view[:, :1], view.mean((2, 3), keepdim=True))

    once = predict(network, image, PLAIN)
    assert isinstance(once, HazeEstimate)
    assert torch.equal(once.transmission, network(image).transmission)
    both = predict(network, image, DEFAULT)
    assert isinstance(both, HazeEstimate)
    mirrored = network(image.flip(3)).transmission.flip(3)
    torch.testing.assert_close(both.transmission, (once.transmission + mirrored) / 2)


def test_one_airlight_for_a_picture_is_no_map() -> None:
    field, estimate = rand(1, 3, 2, 4), haze(0.5)
    assert torch.equal(with_maps(estimate, lambda x: x.flip(3)).airlight, estimate.airlight)  # type: ignore[union-attr]
    turned = with_maps(haze(0.5, field), lambda x: x.flip(3))
    assert torch.equal(turned.airlight, field.flip(3))  # type: ignore[union-attr]


def test_haze_is_put_in_by_depth() -> None:
    image, depth = rand(1, 3, 32, 48), rand(1, 1, 32, 48, seed=1)
    found = restore(image, image, DepthEstimate(depth), PLAIN, AddHaze(2.0, (0.7, 0.8, 0.9)))
    t, light = torch.exp(-2.0 * depth), torch.tensor([0.7, 0.8, 0.9]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(found, image * t + light * (1 - t), atol=1e-6, rtol=0)
    assert torch.equal(restore(image, image, DepthEstimate(depth), PLAIN, AddHaze(0.0)), image)


def test_a_translation_of_the_photos_own_size_is_the_result() -> None:
    image, translated = rand(1, 3, 32, 48), rand(1, 3, 32, 48, seed=1)
    config = RestorationConfig.translating()
    assert torch.equal(restore(image, image, TranslationEstimate(translated), config), translated)
    half = restore(image, image, TranslationEstimate(translated), config, RemoveHaze(0.5))
    torch.testing.assert_close(half, (image + translated) / 2)


@pytest.mark.parametrize(
    ("estimate", "amount"), [(haze(0.5), AddHaze()), (DepthEstimate(torch.rand(1, 1, 4, 4)), RemoveHaze())]
)
def test_what_does_not_go_together(estimate: HazeEstimate | DepthEstimate, amount: RemoveHaze | AddHaze) -> None:
    with pytest.raises(TypeError, match="does not go with"):
        prepare(rand(1, 3, 8, 8), estimate, PLAIN, amount)


def test_denoised_detail_is_what_is_amplified() -> None:
    image, t = rand(1, 3, 32, 48), 0.5
    config = replace(PLAIN, noise_deviation=2 / 255)
    denoised = denoise(image, 2 / 255)
    expected = image + (denoised - LIGHT) * (1 / t - 1)
    torch.testing.assert_close(restore(image, image, haze(t), config), expected.clamp(0, 1), atol=1e-5, rtol=0)


def test_a_config_survives_its_model_card() -> None:
    for config in (DEFAULT, PLAIN, RestorationConfig.hazifying()):
        stored = {k: list(v) if isinstance(v, tuple) else v for k, v in config.to_dict().items()}
        assert RestorationConfig.from_dict(stored) == config


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"no_gain_transmission": 0.3}, "no_gain_transmission"),
        ({"smoothing_radius": -1}, "smoothing_radius"),
        ({"noise_deviation": float("nan")}, "noise_deviation"),
        ({"sharpening": 1}, "sharpening"),
    ],
)
def test_configs_that_make_no_sense(values: dict[str, object], field: str) -> None:
    with pytest.raises(SettingError) as caught:
        RestorationConfig.from_dict(values)
    assert caught.value.field == field
