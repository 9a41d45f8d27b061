import math

import pytest
import torch
from torch import nn

from claritygan_cli.training.losses import (
    AdversarialForm,
    PerceptualLoss,
    adversarial_loss,
    cycle_loss,
    gradient_penalty,
    identity_loss,
    vgg_relu_indices,
)
from claritygan_cli.training.vgg import vgg_layers


def test_lsgan_by_hand() -> None:
    scores = torch.tensor([0.0, 1.0, 3.0])
    assert adversarial_loss(scores, real=True).item() == pytest.approx((1 + 0 + 4) / 3)
    assert adversarial_loss(scores, real=False).item() == pytest.approx((0 + 1 + 9) / 3)


def test_log_form_by_hand() -> None:
    scores = torch.tensor([0.0, 2.0])
    sigmoid = [0.5, 1 / (1 + math.exp(-2))]
    real = -sum(math.log(s) for s in sigmoid) / 2
    fake = -sum(math.log(1 - s) for s in sigmoid) / 2
    assert adversarial_loss(scores, real=True, form="log").item() == pytest.approx(real, rel=1e-5)
    assert adversarial_loss(scores, real=False, form="log").item() == pytest.approx(fake, rel=1e-5)


def test_cycle_and_identity_are_mean_absolute_differences() -> None:
    a, b = torch.tensor([0.0, 1.0, 0.5]), torch.tensor([0.5, 0.0, 0.5])
    assert cycle_loss(a, b).item() == pytest.approx(0.5)
    assert identity_loss(a, b).item() == pytest.approx(0.5)


def test_relu_names_are_those_of_vgg19() -> None:
    from torchvision.models import vgg19

    with torch.device("meta"):
        features = vgg19(weights=None).features
    indices = vgg_relu_indices()
    assert len(indices) == 16
    assert all(isinstance(features[index], nn.ReLU) for index in indices.values())
    assert [indices[n] for n in ("relu1_2", "relu2_2", "relu3_4", "relu4_1", "relu5_4")] == [3, 8, 17, 20, 35]


def test_perceptual_loss_compares_the_chosen_layers() -> None:
    torch.manual_seed(0)
    features = vgg_layers([4, 4, 8, 8])
    loss = PerceptualLoss(features, ("relu1_1", "relu2_2"))
    a, b = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])

    def by_hand(x: torch.Tensor, depth: int) -> torch.Tensor:
        return features[:depth]((x - mean.reshape(1, 3, 1, 1)) / std.reshape(1, 3, 1, 1))

    expected = sum(((by_hand(a, d) - by_hand(b, d)) ** 2).mean() for d in (2, 9)) / 2
    torch.testing.assert_close(loss(a, b), expected)
    assert loss(a, a).item() == 0
    assert not any(p.requires_grad for p in loss.parameters())


def test_perceptual_loss_names_the_layers_there_are() -> None:
    with pytest.raises(ValueError, match=r"relu3_4 .*choose from: relu1_1, relu1_2"):
        PerceptualLoss(vgg_layers([4, 4]), ("relu3_4",))


def test_gradient_penalty_by_hand() -> None:
    """The gradient of a linear discriminator is its weights, whatever the picture."""
    discriminator = torch.nn.Conv2d(3, 1, 4, stride=4)
    penalty = gradient_penalty(discriminator, torch.rand(2, 3, 8, 12))
    torch.testing.assert_close(penalty, 6 * discriminator.weight.square().sum())  # six patches, each its own pixels
    penalty.backward()
    assert discriminator.weight.grad is not None
    torch.testing.assert_close(discriminator.weight.grad, 12 * discriminator.weight.detach())


@pytest.mark.parametrize("form", ["lsgan", "log"])
def test_adversarial_loss_is_computed_in_fp32(form: AdversarialForm) -> None:
    scores = torch.tensor([300.0, -300.0]).half()
    loss = adversarial_loss(scores, True, form)
    assert loss.dtype == torch.float32
    assert torch.isfinite(loss)
