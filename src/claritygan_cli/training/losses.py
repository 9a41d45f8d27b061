"""Losses of CycleGAN and Cycle-Dehaze.

Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", ICCV 2017;
Mao et al., "Least Squares GAN", ICCV 2017; Engin et al., "Cycle-Dehaze", CVPRW 2018.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from claritygan_cli.training.config import AdversarialForm

cycle_loss = F.l1_loss
"""``|F(G(x)) - x|_1`` (CycleGAN, eq. 2)."""
identity_loss = F.l1_loss
"""``|G(y) - y|_1`` (CycleGAN, section 5.2)."""


def adversarial_loss(scores: Tensor, real: bool, form: AdversarialForm = "lsgan") -> Tensor:
    """How far discriminator scores are from the verdict "real" or "fake".

    ``lsgan``: ``mean((scores - c)^2)`` with c = 1 for real and 0 for fake. ``log``: the original GAN loss,
    ``-mean(log sigmoid(scores))`` for real and ``-mean(log(1 - sigmoid(scores)))`` for fake, from linear scores.
    A generator takes the loss of its fakes with ``real=True`` (non-saturating).

    Args:
        scores: discriminator output of any shape, linear.
    """
    scores = scores.float()
    target = torch.full_like(scores, float(real))
    return F.mse_loss(scores, target) if form == "lsgan" else F.binary_cross_entropy_with_logits(scores, target)


def gradient_penalty(discriminator: nn.Module, real: Tensor) -> Tensor:
    """R1: ``mean(|d sum(discriminator(x)) / dx|^2)`` on real pictures (Mescheder et al., ICML 2018, eq. 9 without
    gamma / 2).

    Args:
        real: (N, 3, H, W).
    """
    real = real.detach().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(real).sum(), real, create_graph=True)
    return slope.square().sum((1, 2, 3)).mean()


VGG19_PLAN: tuple[int | str, ...] = (64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4)
"""Convolution widths and max-pools of VGG-19 (Simonyan, Zisserman, ICLR 2015, configuration E)."""


def vgg_relu_indices() -> dict[str, int]:
    """Layer number in ``torchvision.models.vgg19().features`` of each ReLU, by the papers' names (``relu3_4``: 17)."""
    indices, layer, block, conv = {}, 0, 1, 0
    for entry in VGG19_PLAN:
        if entry == "M":
            layer, block, conv = layer + 1, block + 1, 0
        else:
            conv += 1
            indices[f"relu{block}_{conv}"] = layer + 1
            layer += 2
    return indices


class PerceptualLoss(nn.Module):
    """Mean squared distance of VGG-19 features, averaged over the chosen ReLU layers.

    Johnson et al., ECCV 2016, eq. 2; used on the cycle by Cycle-Dehaze.

    Args:
        features: the layers of VGG-19 (``torchvision.models.vgg19(...).features`` or its first layers), trained.
        layers: names of ReLUs, e.g. ``("relu2_2", "relu3_4")``.

    Raises:
        ValueError: a layer is unknown, or lies beyond the layers given.
    """

    def __init__(self, features: nn.Sequential, layers: Sequence[str] = ("relu2_2", "relu3_4")) -> None:
        super().__init__()
        indices = vgg_relu_indices()
        unknown = [name for name in layers if indices.get(name, len(features)) >= len(features)]
        if unknown or not layers:
            known = ", ".join(name for name, index in indices.items() if index < len(features))
            raise ValueError(f"VGG layers {', '.join(unknown) or '(none)'} are not available; choose from: {known}")
        self.wanted = {indices[name] for name in layers}
        self.features = features[: max(self.wanted) + 1].eval().requires_grad_(False)
        for layer in self.features:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1))

    def extract(self, image: Tensor) -> list[Tensor]:
        """Features of (N, 3, H, W) in [0, 1], in the order of the network."""
        x, out = (image - self.mean) / self.std, []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.wanted:
                out.append(x)
        return out

    def forward(self, image: Tensor, target: Tensor) -> Tensor:
        """Distance of two (N, 3, H, W) in [0, 1], a scalar."""
        pairs = zip(self.extract(image), self.extract(target), strict=True)
        return torch.stack([F.mse_loss(a.float(), b.float()) for a, b in pairs]).mean()
