from dataclasses import replace

import pytest
import torch

from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.descent import Descent, make_adam, make_adamw

CPU = torch.device("cpu")


def layer_and_descent(config: TrainConfig) -> tuple[torch.nn.Linear, Descent]:
    torch.manual_seed(0)
    layer = torch.nn.Linear(2, 1)
    return layer, Descent(make_adam([layer], 0.1), config, CPU)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_steps_that_are_not_finite_change_nothing(config: TrainConfig, precision: str) -> None:
    layer, descent = layer_and_descent(replace(config, precision=precision))  # type: ignore[arg-type]
    before = layer.weight.detach().clone()
    assert not descent.step(layer(torch.tensor([float("inf"), 0.0])).sum(), 0.1)
    root = layer.weight.sum() - layer.weight.sum().detach()
    assert not descent.step(root.sqrt(), 0.1)  # a loss of 0 with an infinite gradient
    assert torch.equal(layer.weight, before)
    assert descent.step(layer(torch.ones(2)).sum(), 0.1)
    assert not torch.equal(layer.weight, before)


def test_only_fp16_is_scaled_and_learns_its_scale(config: TrainConfig) -> None:
    for precision, scaled in (("fp32", False), ("bf16", False), ("fp16", True)):
        _, descent = layer_and_descent(replace(config, precision=precision))  # type: ignore[arg-type]
        assert descent.scaler.is_enabled() is scaled
    layer, descent = layer_and_descent(replace(config, precision="fp16"))
    start = descent.scaler.get_scale()
    descent.step(layer(torch.tensor([float("inf"), 0.0])).sum(), 0.1)
    assert descent.scaler.get_scale() == start / 2


def test_gradients_are_clipped_where_that_is_wanted(config: TrainConfig) -> None:
    for clip_norm, norm in ((0.0, 100 * 3**0.5), (1.0, 1.0)):
        layer, descent = layer_and_descent(replace(config, clip_norm=clip_norm))
        descent.step(100 * layer(torch.ones(2)).sum(), 0.1)
        gradient = torch.cat([p.grad.flatten() for p in layer.parameters() if p.grad is not None])
        assert gradient.norm().item() == pytest.approx(norm, rel=1e-4)


def test_optimisers() -> None:
    layer = torch.nn.Linear(2, 1)
    assert make_adam([layer], 0.1).param_groups[0]["betas"] == (0.5, 0.999)
    decay = {group["params"][0].ndim: group["weight_decay"] for group in make_adamw([layer], 0.1).param_groups}
    assert decay == {2: 0.01, 1: 0.0}
