"""Convolutions as if in 8 bits."""

import copy

import pytest
import torch
from torch import nn

from claritygan_cli.engine.generators import Generator, ResnetGenerator, ScatteringDehazer
from claritygan_cli.models.weights import load_model
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.fake_quantization import fake_quantize, rounded_activation, rounded_weight
from claritygan_cli.training.run import train


def test_weights_have_a_scale_for_each_channel() -> None:
    weight = torch.randn(6, 5, 3, 3) * torch.logspace(-3, 2, 6)[:, None, None, None]
    rounded = rounded_weight(weight, 0)
    for ours, theirs in zip(rounded, weight, strict=True):
        step = theirs.abs().max() / 127
        assert (ours - theirs).abs().max() <= 0.501 * step
        torch.testing.assert_close((ours / step).round() * step, ours)
    across = rounded_weight(weight.transpose(0, 1), 1)
    torch.testing.assert_close(across.transpose(0, 1), rounded)


def test_activations_have_one_range_without_the_outermost_values() -> None:
    x = torch.rand(1, 4, 64, 64)
    x[0, 0, 0, 1] = 1e6
    rounded = rounded_activation(x)
    assert rounded.unique().numel() <= 256
    assert (rounded - x).abs().flatten().sort().values[:-8].max() <= 0.51 / 255
    assert (rounded_activation(torch.zeros(1, 4, 8, 8)) == 0).all()


def test_gradients_pass_as_if_nothing_was_rounded() -> None:
    x = torch.linspace(0.1, 0.9, 400).reshape(1, 4, 10, 10).requires_grad_()
    rounded_activation(x).sum().backward()
    assert x.grad is not None
    assert x.grad.mean() > 0.98


@pytest.mark.parametrize("generator", [ScatteringDehazer((4, 4, 8, 8, 8), 64), ResnetGenerator(4, 1)])
def test_names_and_weights_of_a_network_stay(generator: Generator) -> None:
    for parameter in generator.parameters():
        nn.init.normal_(parameter, std=0.2)
    before = copy.deepcopy(generator.state_dict())
    picture = torch.rand(1, 3, 64, 64)
    plain = generator.predict(picture)
    assert fake_quantize(generator) > 3
    torch.testing.assert_close(generator.state_dict(), before, rtol=0, atol=0)
    rounded = generator.predict(picture)
    assert any(not torch.equal(a, b) for a, b in zip(vars(plain).values(), vars(rounded).values(), strict=True))


def test_training_makes_up_for_what_rounding_costs() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Conv2d(8, 1, 3))
    with torch.no_grad():
        network[0].weight[:, 0] *= 100  # one input sets the scale, and the others are rounded coarsely
    x = torch.randn(4, 4, 16, 16)
    x[:, 0] *= 0.01
    truth = network(x).detach()
    fake_quantize(network)

    def error() -> torch.Tensor:
        return (network(x) - truth).square().mean()

    at_first = error().item()
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.01, total_iters=600)
    for _ in range(600):
        optimizer.zero_grad()
        error().backward()
        optimizer.step()
        falling.step()
    assert error().item() < 0.5 * at_first


@pytest.mark.parametrize("generator", ["scattering", "resnet"])
def test_a_run_exports_models_that_are_like_others(config: TrainConfig, generator: str) -> None:
    config = config.changed(quantization_aware=True, generator=generator)
    train(config)
    trained, _ = load_model(config.run.folder / "dehaze.safetensors")
    kinds = {type(module) for module in trained.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)}
    assert kinds <= {nn.Conv2d, nn.ConvTranspose2d}
