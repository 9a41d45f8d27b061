from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from claritygan_cli.data.synthesis import HazeParameters
from claritygan_cli.engine.generators import Generator, ResnetGenerator, ScatteringDehazer, ScatteringHazifier
from claritygan_cli.engine.refinement import shadow_bound
from claritygan_cli.engine.resampling import luma
from claritygan_cli.engine.upsampling import GuidedUpsampling
from claritygan_cli.training.cycles import estimate_haze, make_cycles, put_into_more_haze

HAZE = HazeParameters(
    density=torch.tensor([0.4, 1.5]).reshape(2, 1, 1, 1),
    mist=torch.rand(2, 1, 64, 96, generator=torch.Generator().manual_seed(2)),
    airlight=torch.tensor([[0.9, 0.8, 0.7], [0.6, 0.6, 0.6]]).reshape(2, 3, 1, 1),
)


def pair_of(kind: str) -> tuple[Generator, Generator]:
    torch.manual_seed(0)
    if kind == "resnet":
        return ResnetGenerator(4, 1), ResnetGenerator(4, 1)
    small = {"widths": (4, 4, 8, 8, 8)}
    pair = ScatteringDehazer(**small), ScatteringHazifier(**small)  # type: ignore[arg-type]
    for network in pair:
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
    return pair


def pictures() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return 0.6 + 0.2 * torch.rand(2, 3, 64, 96), 0.4 * torch.rand(2, 3, 64, 96)


@pytest.mark.parametrize("kind", ["scattering", "resnet"])
def test_pictures_cross_the_domains(kind: str) -> None:
    """G sees hazy pictures and F's work, F sees clear pictures and G's work; for the identity each sees its own."""
    dehaze, hazify = pair_of(kind)
    seen: dict[str, list[Tensor]] = {"G": [], "F": []}
    for name, network in (("G", dehaze), ("F", hazify)):
        original = network.predict

        def noted(small: Tensor, name: str = name, original: Callable = original) -> object:
            seen[name] += list(small.detach())
            return original(small)

        network.predict = noted  # type: ignore[method-assign]
    hazy, clear = pictures()
    made = make_cycles(dehaze, hazify, hazy, clear, HAZE)
    identity = [hazy] if kind == "resnet" else []
    closing = made.known_haze.known.hazy if made.known_haze else made.fake_hazy
    for name, expected in (("G", [hazy, clear, closing]), ("F", [clear, made.fake_clear, *identity])):
        images = [image for batch in expected for image in batch.detach()]
        assert len(seen[name]) == len(images)
        for image in images:
            assert any(torch.allclose(image, other, atol=1e-6) for other in seen[name])


@torch.no_grad()
def test_resnet_cycles_by_hand() -> None:
    dehaze, hazify = pair_of("resnet")
    hazy, clear = pictures()
    made = make_cycles(dehaze, hazify, hazy, clear, HAZE)
    expected = {
        "fake_clear": dehaze(hazy),
        "rehazed": hazify(dehaze(hazy)),
        "fake_hazy": hazify(clear),
        "recleared": dehaze(hazify(clear)),
        "same_clear": dehaze(clear),
        "same_hazy": hazify(hazy),
    }
    for name, value in expected.items():
        torch.testing.assert_close(getattr(made, name), value, atol=5e-5, rtol=1e-4)


def upsampled(picture: Tensor, values: Tensor) -> Tensor:
    return GuidedUpsampling(luma(picture), values, 2, 0.01).rows(luma(picture), picture.shape[2], 0)


def bounded(dehaze: ScatteringDehazer, picture: Tensor) -> tuple[Tensor, Tensor]:
    """Transmission and airlight, as far as shadows allow."""
    estimate = dehaze.predict(picture)
    size = estimate.transmission.shape[2], estimate.transmission.shape[3]
    t = torch.maximum(estimate.transmission, shadow_bound(picture, estimate.airlight, size, 0.03))
    airlight = torch.nn.functional.interpolate(estimate.airlight, picture.shape[2:], mode="bilinear")
    return upsampled(picture, t).clamp(0.05, 1), airlight


@torch.no_grad()
def test_scattering_cycles_by_hand() -> None:
    dehaze, hazify = pair_of("scattering")
    assert isinstance(dehaze, ScatteringDehazer)
    assert isinstance(hazify, ScatteringHazifier)
    hazy, clear = pictures()

    def depth(image: Tensor) -> Tensor:
        return upsampled(image, hazify.predict(image).depth).clamp(0, 1)

    t, airlight = bounded(dehaze, hazy)
    density = -torch.quantile(t.flatten(1), 0.02, dim=1).log().reshape(2, 1, 1, 1)
    fake_clear = ((hazy - airlight) / t + airlight).clamp(0, 1)
    back, forth = (torch.exp(-density * depth(image)) for image in (fake_clear, clear))
    known = torch.exp(-HAZE.density * depth(clear) - HAZE.mist)
    misty = clear * known + HAZE.airlight * (1 - known)
    (seen_t, seen_airlight), (same_t, same_airlight) = bounded(dehaze, misty), bounded(dehaze, clear)
    expected = {
        "fake_clear": fake_clear,
        "rehazed": fake_clear * back + airlight * (1 - back),
        "fake_hazy": clear * forth + airlight * (1 - forth),
        "recleared": (misty - seen_airlight) / seen_t + seen_airlight,
        "same_clear": ((clear - same_airlight) / same_t + same_airlight).clamp(0, 1),
        "depth_error": (1 - torch.exp(-density)) * (depth(fake_clear) - (-t.log() / density).clamp(0, 1)),
    }
    made = make_cycles(dehaze, hazify, hazy, clear, HAZE)
    assert made.same_hazy is None
    for name, value in expected.items():
        torch.testing.assert_close(getattr(made, name), value, atol=5e-5, rtol=1e-4)
    seen = made.known_haze
    assert seen is not None
    for value, wanted in (
        (seen.known.hazy, misty),
        (seen.known.clear, clear),
        (seen.known.t, known),
        (seen.known.airlight, HAZE.airlight),
        (seen.seen_t, seen_t),
        (seen.seen_airlight, seen_airlight),
    ):
        torch.testing.assert_close(value, wanted, atol=1e-5, rtol=1e-4)


def test_more_haze_is_of_the_colour_and_the_depth_of_the_haze_that_is_there() -> None:
    dehaze, _ = pair_of("scattering")
    assert isinstance(dehaze, ScatteringDehazer)
    hazy, _ = pictures()
    made = put_into_more_haze(dehaze, hazy, HAZE)
    assert not any(value.requires_grad for value in (made.hazy, made.clear, made.t, made.airlight))
    with torch.no_grad():
        gone, t, airlight = estimate_haze(dehaze, hazy, dehaze.restoration)
    torch.testing.assert_close(made.airlight, airlight)
    torch.testing.assert_close(made.clear, gone.clamp(0, 1))
    torch.testing.assert_close(made.hazy, gone * made.t + airlight * (1 - made.t))  # as if all haze had come at once
    depth = (t.log() / torch.quantile(t.flatten(1), 0.02, dim=1).log().reshape(2, 1, 1, 1)).clamp(0, 1)
    torch.testing.assert_close(made.t / t, torch.exp(-(HAZE.density * depth + HAZE.mist) / 2))


def gradients(kind: str, term: str, gradient_checkpointing: bool = False) -> tuple[dict[str, float], dict[str, float]]:
    """Norms of each network's gradients of one picture's mean."""
    dehaze, hazify = pair_of(kind)
    getattr(make_cycles(dehaze, hazify, *pictures(), HAZE, gradient_checkpointing), term).mean().backward()
    return tuple(  # type: ignore[return-value]
        {n: float(p.grad.norm()) for n, p in network.named_parameters() if p.grad is not None and p.grad.any()}
        for network in (dehaze, hazify)
    )


def test_scattering_cycles_teach_the_network_that_closes_them() -> None:
    """What opens a cycle must not learn from it: to add or remove no haze at all would close every cycle."""
    assert gradients("scattering", "rehazed")[0] == {}
    assert gradients("scattering", "rehazed")[1] != {}
    assert gradients("scattering", "recleared")[1] == {}
    assert gradients("scattering", "recleared")[0] != {}
    assert gradients("scattering", "depth_error")[0] == {}
    assert gradients("scattering", "depth_error")[1] != {}
    assert all(gradients("resnet", "rehazed"))


@pytest.mark.parametrize("kind", ["scattering", "resnet"])
@pytest.mark.parametrize("term", ["fake_clear", "rehazed", "recleared"])
def test_recomputing_changes_nothing(kind: str, term: str) -> None:
    for kept, again in zip(gradients(kind, term), gradients(kind, term, gradient_checkpointing=True), strict=True):
        assert kept == pytest.approx(again, rel=1e-4)
