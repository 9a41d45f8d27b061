import numpy as np
import pytest
import torch
from torch import Tensor

from claritygan_cli.data.haze_config import HazeConfig
from claritygan_cli.data.synthesis import HazeParameters, HazyCrops, Scenes, add_random_haze, concatenate, real_pair
from claritygan_cli.engine.estimate import HazeEstimate
from claritygan_cli.engine.generators import ScatteringDehazer, ScatteringHazifier
from claritygan_cli.engine.refinement import refine
from claritygan_cli.engine.scattering import add_haze
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.cycles import (
    BOUNDED_LEARNING,
    estimate_haze,
    make_cycles,
    put_into_more_haze,
    rehaze,
)
from claritygan_cli.training.generator_pair import GeneratorPair, make_generator_pair
from claritygan_cli.training.losses import PerceptualLoss
from claritygan_cli.training.objectives import (
    DiscriminatorObjective,
    GeneratorObjective,
    dehazing_terms,
    hazifying_terms,
)
from claritygan_cli.training.schedule import StepKind
from claritygan_cli.training.vgg import vgg_layers


def pictures(seed: int = 0) -> tuple[Tensor, Tensor, HazeParameters]:
    torch.manual_seed(seed)
    haze = HazeParameters(
        torch.tensor([0.7, 0.0]).reshape(2, 1, 1, 1), torch.rand(2, 1, 64, 64), torch.rand(2, 3, 1, 1)
    )
    haze.mist[1] = 0  # the second picture stays clear: it shows no airlight
    return torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64), haze


def shaken(config: TrainConfig) -> GeneratorPair:
    """A pair whose fresh networks do something."""
    pair = make_generator_pair(config)
    for network in pair.networks.values():
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
    return pair


def distance_of(seen: Tensor, t: Tensor) -> Tensor:
    """Of transmissions, and a fifth of their logarithms'."""
    return (seen - t).abs().mean() + 0.2 * (seen.log() - t.log()).abs().mean()


def assert_terms(terms: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("generator", ["scattering", "resnet"])
@pytest.mark.parametrize("form", ["lsgan", "log"])
@torch.no_grad()
def test_generator_terms_by_hand(config: TrainConfig, generator: str, form: str) -> None:
    config = config.changed(generator=generator, adversarial=form, perceptual_weight=0.3)  # type: ignore[arg-type]
    pair, discriminators = shaken(config), DiscriminatorObjective(config.losses.adversarial, width=4)
    vgg = PerceptualLoss(vgg_layers([4, 4, 8, 8, 8]), ("relu1_2", "relu3_1"))
    hazy, clear, haze = pictures()
    teacher = shaken(config.changed(seed=config.run.seed + 1)).dehaze.eval()
    losses = GeneratorObjective(config, pair, discriminators, vgg, teacher)
    terms, fake_hazy, fake_clear = losses(hazy, clear, haze, None)
    made = make_cycles(pair.dehaze, pair.hazify, hazy, clear, haze)

    def verdict(scores: Tensor) -> Tensor:
        return ((scores - 1) ** 2).mean() if form == "lsgan" else -torch.sigmoid(scores).log().mean()

    def distance(picture: Tensor, target: Tensor) -> Tensor:
        return torch.stack(
            [((a - b) ** 2).mean() for a, b in zip(*map(vgg.extract, (picture, target)), strict=True)]
        ).mean()

    expected = {
        "adversarial_clear": verdict(discriminators.clear(made.fake_clear)),
        "adversarial_hazy": verdict(discriminators.hazy(made.fake_hazy)),
        "cycle_hazy": 10 * (made.rehazed - hazy).abs().mean(),
        "cycle_clear": 10 * (made.recleared - clear).abs().mean(),
        "identity_clear": 5 * (made.same_clear - clear).abs().mean(),
        "perceptual": 0.3 * (distance(made.rehazed, hazy) + distance(made.recleared, clear)),
    }
    if generator == "resnet":
        expected["identity_hazy"] = 5 * (pair.hazify(hazy) - hazy).abs().mean()
    else:
        known_haze = made.known_haze
        assert known_haze is not None
        assert made.depth_error is not None
        expected |= {
            "cycle_transmission": 10 * 0.5 * distance_of(known_haze.seen_t, known_haze.known.t),
            "cycle_airlight": 10
            * 0.4
            * ((1 - known_haze.known.t) * (known_haze.seen_airlight - haze.airlight)).abs().mean(),
            "cycle_depth": 10 * made.depth_error.abs().mean(),
        }
        assert isinstance(teacher, ScatteringDehazer)
        assert isinstance(pair.dehaze, ScatteringDehazer)
        for more_haze, known in ((False, known_haze.known), (True, put_into_more_haze(teacher, hazy, haze))):
            again, *fakes = losses(hazy, clear, haze, None, StepKind(("dehaze",), more_haze))
            assert fakes == [None, None]
            cleared, t, light = estimate_haze(pair.dehaze, known.hazy)
            by_hand = {
                "cycle_clear": 10 * (cleared - known.clear).abs().mean(),
                "cycle_transmission": 10 * 0.5 * distance_of(t, known.t),
                "cycle_airlight": 10 * 0.4 * ((1 - known.t) * (light - known.airlight)).abs().mean(),
            }
            assert_terms(again, by_hand)
        again, *fakes = losses(hazy, clear, haze, None, StepKind(("hazify",)))
        assert fakes == [None, None]
        assert isinstance(pair.hazify, ScatteringHazifier)
        cleared, t, light = estimate_haze(teacher, hazy, teacher.restoration)
        rehazed, error = rehaze(pair.hazify, cleared.clamp(0, 1), t, light)
        by_hand = {"cycle_hazy": 10 * (rehazed - hazy).abs().mean(), "cycle_depth": 10 * error.abs().mean()}
        assert_terms(again, by_hand)
    assert_terms(terms, expected)
    torch.testing.assert_close(fake_hazy, made.fake_hazy)
    torch.testing.assert_close(fake_clear, made.fake_clear)


def test_generator_losses_own_the_generators_alone(config: TrainConfig) -> None:
    pair, discriminators = make_generator_pair(config), DiscriminatorObjective("lsgan", width=4)
    losses = GeneratorObjective(config, pair, discriminators, None, make_generator_pair(config).dehaze)
    own = {id(p) for network in pair.networks.values() for p in network.parameters()}
    assert {id(p) for p in losses.parameters()} == own


@pytest.mark.parametrize("form", ["lsgan", "log"])
def test_discriminator_terms_by_hand(form: str) -> None:
    discriminators = DiscriminatorObjective(form, r1_weight=3.0, width=4)  # type: ignore[arg-type]
    hazy, clear, _ = pictures()
    old_hazy, old_clear, _ = pictures(1)
    terms = discriminators(hazy, clear, old_hazy, old_clear)
    penalty = torch.zeros(())
    for name, discriminator, real, fake in (
        ("hazy", discriminators.hazy, hazy, old_hazy),
        ("clear", discriminators.clear, clear, old_clear),
    ):
        if form == "lsgan":
            expected = 0.5 * (((discriminator(real) - 1) ** 2).mean() + (discriminator(fake) ** 2).mean())
        else:
            right, wrong = torch.sigmoid(discriminator(real)), torch.sigmoid(discriminator(fake))
            expected = -0.5 * (right.log().mean() + (1 - wrong).log().mean())
        torch.testing.assert_close(terms[f"discriminator_{name}"], expected, atol=1e-5, rtol=1e-4)
        real = real.clone().requires_grad_()
        (slope,) = torch.autograd.grad(discriminator(real).sum(), real)
        penalty = penalty + (slope**2).sum((1, 2, 3)).mean()
    torch.testing.assert_close(terms["discriminator_r1"], 1.5 * penalty, atol=1e-4, rtol=1e-4)


def mixed_crops() -> HazyCrops:
    """One synthetic pair with measured depth, one with invented depth, one real pair."""
    torch.manual_seed(3)
    clear, depth, real = torch.rand(2, 3, 64, 64), torch.rand(2, 1, 64, 64), torch.rand(1, 3, 64, 64)
    no = torch.zeros(2, dtype=torch.bool)
    made = Scenes(clear, clear, depth, 0 * depth, torch.zeros(2, 1, 1, 1), torch.tensor([True, False]), no)
    scenes = concatenate([made, real_pair(real * 0.5 + 0.4, real)])
    return add_random_haze(scenes, HazeConfig(no_haze=0.0), torch.Generator().manual_seed(0))


def half(picture: Tensor) -> Tensor:
    return torch.nn.functional.interpolate(picture, (32, 32), mode="bilinear", antialias=True)


def mean(difference: Tensor) -> np.ndarray:
    return difference.abs().flatten(1).mean(1).numpy()


@torch.no_grad()
def test_terms_of_a_scattering_dehazer_by_hand(config: TrainConfig) -> None:
    dehaze, crops = shaken(config).dehaze, mixed_crops()
    assert isinstance(dehaze, ScatteringDehazer)
    estimate = dehaze.predict(crops.hazy)
    t, light = estimate.transmission, torch.nn.functional.interpolate(estimate.airlight, (32, 32), mode="bilinear")
    result = (half(crops.hazy) - light) / t + light
    clear, true_t = half(crops.clear), half(crops.t)
    seen = torch.cat([(true_t / (true_t + 0.1))[:2], torch.ones(1, 1, 32, 32)])
    slopes = torch.nn.functional.avg_pool2d
    gradients = sum(
        (mean(slopes(t - true_t, s).diff(dim=3)) + mean(slopes(t - true_t, s).diff(dim=2)))[:2].sum() / 3
        for s in (1, 2, 4)
    )
    logarithms = mean(t.log() - true_t.log())
    expected = {
        "paired_clear": mean(seen * (result - clear)).mean(),
        "paired_shown": 0.5 * float(((result.clamp(0, 1) - clear) ** 2).mean() + 1e-6) ** 0.5,
        "paired_transmission": 0.5 * (mean(t - true_t) + 0.2 * logarithms)[:2].sum() / 3,
        "paired_airlight": 0.4 * mean((1 - true_t) * (light - half(crops.airlight)))[:2].sum() / 3,
        "paired_gradient": 0.15 * gradients,
        "paired_black": 0.6 * float(((0.05 - result).clamp_min(0) * (clear > 0.08)).mean()),
    }
    terms = dehazing_terms(config.losses, dehaze, crops)
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(float(value), rel=1e-4), name


@torch.no_grad()
def test_terms_of_a_scattering_hazifier_by_hand(config: TrainConfig) -> None:
    pair, crops = shaken(config), mixed_crops()
    assert isinstance(pair.dehaze, ScatteringDehazer)
    assert isinstance(pair.hazify, ScatteringHazifier)
    depth, true = pair.hazify.predict(crops.clear).depth, half(crops.depth)
    haze = refine(crops.hazy, pair.dehaze.predict(crops.hazy), BOUNDED_LEARNING)
    assert isinstance(haze, HazeEstimate)

    def large(x: Tensor) -> Tensor:
        return torch.nn.functional.interpolate(x, (64, 64), mode="bilinear")

    def normal(x: Tensor) -> Tensor:
        x = x.flatten(1) - x.flatten(1).median(1, keepdim=True).values
        return x / (x.abs().mean(1, keepdim=True) + 0.01)

    again = add_haze(crops.clear, torch.exp(-haze.density * large(depth)), large(haze.airlight))
    trust = np.array([1, 0.6, 0])
    logarithms = mean((depth + 0.03).log() - (true + 0.03).log())
    expected = {
        "paired_depth": ((mean(depth - true) + 0.1 * logarithms) * trust).sum() / 3,
        "paired_order": 0.3 * mean(normal(depth) - normal(true))[:2].sum() / 3,
        "paired_hazy": mean(again - crops.hazy)[2] / 3,
    }
    terms = hazifying_terms(config.losses, pair, crops)
    assert terms.keys() == expected.keys() | {"paired_gradient"}
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(float(value), rel=1e-4), name


def test_a_dehazer_that_sees_too_much_haze_learns_from_shadows(config: TrainConfig) -> None:
    dehaze = shaken(config).dehaze
    assert isinstance(dehaze, ScatteringDehazer)
    torch.nn.init.zeros_(dehaze.head.weight)
    torch.nn.init.constant_(dehaze.head.bias, -2.0)  # type: ignore[arg-type]
    picture, haze = torch.tensor([0.0, 0.9]).repeat_interleave(32).expand(1, 3, 64, 64), torch.full((1, 1, 64, 64), 0.9)
    bounded = refine(picture, dehaze.predict(picture), BOUNDED_LEARNING)
    assert isinstance(bounded, HazeEstimate)
    assert (bounded.transmission > 0.5).any()  # it would be held back
    yes = torch.ones(1, dtype=torch.bool)
    crops = HazyCrops(picture, picture, haze, picture, haze, yes, yes)
    torch.stack(list(dehazing_terms(config.losses, dehaze, crops).values())).sum().backward()
    assert dehaze.head.bias.grad is not None
    torch.testing.assert_close(dehaze.head.bias.grad.sign(), torch.tensor([-1.0]))  # towards less haze
    dehaze.head.bias.grad = None
    bounded = refine(picture, dehaze.predict(picture), BOUNDED_LEARNING)
    assert isinstance(bounded, HazeEstimate)
    bounded.transmission[..., :12].sum().backward()
    assert not dehaze.head.bias.grad  # as it would not where it is held back


@torch.no_grad()
def test_paired_terms_of_resnet_and_their_weight(config: TrainConfig) -> None:
    config = config.changed(generator="resnet", paired_weight=4.0)
    pair, crops = make_generator_pair(config), mixed_crops()
    losses = GeneratorObjective(config.changed(objective="supervised"), pair, None, None, pair.dehaze)
    terms, fake_hazy, _ = losses(None, None, None, crops)
    assert fake_hazy is None
    for trained, name in (("dehaze", "paired_clear"), ("hazify", "paired_hazy")):
        assert losses(None, None, None, crops, StepKind((trained,)))[0].keys() == {name}
    expected = {
        "paired_clear": 4 * (pair.dehaze(crops.hazy) - crops.clear).abs().mean(),
        "paired_hazy": 4 * (pair.hazify(crops.clear) - crops.hazy).abs().mean(),
    }
    assert_terms(terms, expected)
