import pytest
import torch

from claritygan_cli.training.config import OptimisationConfig, TrainConfig
from claritygan_cli.training.muon import Muon, orthogonal
from claritygan_cli.training.optimizers import OptimizerStepper, make_adam, make_muon

CPU = torch.device("cpu")


def layer_and_stepper(config: TrainConfig) -> tuple[torch.nn.Linear, OptimizerStepper]:
    torch.manual_seed(0)
    layer = torch.nn.Linear(2, 1)
    return layer, OptimizerStepper(make_adam([layer], 0.1, config.optimisation.adam_betas), config, CPU)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_steps_that_are_not_finite_change_nothing(config: TrainConfig, precision: str) -> None:
    layer, stepper = layer_and_stepper(config.changed(precision=precision))  # type: ignore[arg-type]
    before = layer.weight.detach().clone()
    assert not stepper.step(layer(torch.tensor([float("inf"), 0.0])).sum(), 0.1)
    root = layer.weight.sum() - layer.weight.sum().detach()
    assert not stepper.step(root.sqrt(), 0.1)  # a loss of 0 with an infinite gradient
    assert torch.equal(layer.weight, before)
    assert stepper.step(layer(torch.ones(2)).sum(), 0.1)
    assert not torch.equal(layer.weight, before)


def test_only_fp16_is_scaled_and_learns_its_scale(config: TrainConfig) -> None:
    for precision, scaled in (("fp32", False), ("bf16", False), ("fp16", True)):
        _, stepper = layer_and_stepper(config.changed(precision=precision))  # type: ignore[arg-type]
        assert stepper.scaler.is_enabled() is scaled
    layer, stepper = layer_and_stepper(config.changed(precision="fp16"))
    start = stepper.scaler.get_scale()
    stepper.step(layer(torch.tensor([float("inf"), 0.0])).sum(), 0.1)
    assert stepper.scaler.get_scale() == start / 2


def test_gradients_are_clipped_where_that_is_wanted(config: TrainConfig) -> None:
    for clip_norm, norm in ((0.0, 100 * 3**0.5), (1.0, 1.0)):
        layer, stepper = layer_and_stepper(config.changed(clip_norm=clip_norm))
        stepper.step(100 * layer(torch.ones(2)).sum(), 0.1)
        gradient = torch.cat([p.grad.flatten() for p in layer.parameters() if p.grad is not None])
        assert gradient.norm().item() == pytest.approx(norm, rel=1e-4)


def test_optimisers() -> None:
    layer = torch.nn.Linear(2, 1)
    assert make_adam([layer], 0.1, OptimisationConfig().adam_betas)[0].param_groups[0]["betas"] == (0.5, 0.999)
    stem, hidden, head = torch.nn.Conv2d(3, 8, 3), torch.nn.Conv2d(8, 8, 3), torch.nn.Conv2d(8, 1, 3)
    muon, adamw = make_muon([stem, hidden, head, layer], 0.1, 0.01)
    assert isinstance(muon, Muon)
    assert [p is hidden.weight for group in muon.param_groups for p in group["params"]] == [True]
    decay = {id(p): group["weight_decay"] for group in adamw.param_groups for p in group["params"]}
    assert decay == {
        **{id(weights): 0.01 for weights in (stem.weight, head.weight, layer.weight)},
        **{id(biases): 0.0 for biases in (stem.bias, hidden.bias, head.bias, layer.bias)},
    }


@pytest.mark.parametrize("shape", [(3, 8, 40), (2, 40, 8), (1, 16, 16)])
def test_orthogonal_keeps_singular_vectors_and_levels_their_values(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    matrices = torch.randn(shape)
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    found = orthogonal(matrices)
    assert found.shape == shape
    assert (torch.linalg.svdvals(found) - 1).abs().max() < 0.25
    assert torch.nn.functional.cosine_similarity(found.flatten(1), (u @ v).flatten(1)).min() > 0.99


def test_muon_steps_have_the_size_of_adams_and_spare_what_has_no_gradient() -> None:
    torch.manual_seed(0)
    first, second = torch.nn.Conv2d(8, 16, 3), torch.nn.Conv2d(8, 16, 3)
    before = [layer.weight.detach().clone() for layer in (first, second)]
    muon = Muon([first.weight, second.weight], lr=0.01)
    first(torch.randn(2, 8, 8, 8)).square().sum().backward()
    muon.step()
    change = first.weight.detach() - before[0]
    assert 0.3 * 0.2 * 0.01 < change.square().mean().sqrt() < 0.2 * 0.01 * 2
    assert (change * first.weight.grad).sum() < 0
    assert torch.equal(second.weight, before[1])
