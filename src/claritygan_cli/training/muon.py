"""Muon: momentum whose update is made orthogonal, layer by layer.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024); weight decay and the scale that lets it
share AdamW's learning rate from Liu et al., "Muon is Scalable for LLM Training", arXiv:2502.16982 (2025).
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

POLYNOMIALS = (
    (4.0848, -6.8946, 2.9270),
    (3.9505, -6.3029, 2.6377),
    (3.7418, -5.5913, 2.3037),
    (2.8769, -3.1427, 1.2046),
    (2.8366, -3.0525, 1.2012),
)
"""Odd polynomials a x + b x^3 + c x^5 that take singular values from (0, 1] to about 1, one after the other."""


def is_hidden(parameter: nn.Parameter) -> bool:
    """Whether Muon is for it: the weights of convolutions, but for those that read or make pictures and maps."""
    return parameter.ndim == 4 and parameter.shape[0] > 1 and parameter.shape[1] > 3


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest (semi-)orthogonal matrices, about, by Newton-Schulz iterations: (N, m, n) -> (N, m, n).

    The polynomials are gathered in the small Gram matrix, and the large one is multiplied but twice.
    """
    wide = matrices if matrices.shape[1] <= matrices.shape[2] else matrices.mT
    wide = wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)
    gram = wide @ wide.mT
    one = torch.eye(gram.shape[1], device=gram.device, dtype=gram.dtype)
    whole = one
    for a, b, c in POLYNOMIALS:
        factor = a * one + b * gram + c * (gram @ gram)
        whole, gram = factor @ whole, factor @ gram @ factor
    wide = whole @ wide
    return wide if matrices.shape[1] <= matrices.shape[2] else wide.mT


class Muon(torch.optim.Optimizer):
    """Optimiser of convolutions' weights (O, I, h, w), each taken as a matrix (O, I h w).

    Args:
        parameters: see :func:`is_hidden`; or groups of them.
        lr: learning rate, of the size that AdamW wants.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One step; parameters without gradient stay."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    alike[p.shape].append(p)
            for parameters in alike.values():
                self._step(parameters, group["lr"], group["momentum"], group["weight_decay"])

    def _step(self, parameters: list[nn.Parameter], lr: float, momentum: float, weight_decay: float) -> None:
        updates = []
        for p in parameters:
            assert p.grad is not None
            mean = self.state[p].setdefault("momentum", torch.zeros_like(p))
            mean.lerp_(p.grad, 1 - momentum)
            updates.append(p.grad.lerp(mean, momentum).flatten(1))
        directions = orthogonal(torch.stack(updates))
        scale = 0.2 * math.sqrt(max(directions.shape[1:]))  # entries of AdamW's size
        for p, direction in zip(parameters, directions, strict=True):
            p.mul_(1 - lr * weight_decay).add_(direction.reshape(p.shape), alpha=-lr * scale)
