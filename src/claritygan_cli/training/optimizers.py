"""Optimisers, and one careful step with them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

MAX_GRADIENT_NORM = 1.0


def make_adamw(network: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW (Loshchilov, Hutter, ICLR 2019); only weights of convolutions and linear layers are decayed."""
    weights = [id(m.weight) for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    decayed = [p for p in network.parameters() if id(p) in weights]
    kept = [p for p in network.parameters() if id(p) not in weights]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate)


def make_adam(networks: Sequence[nn.Module], learning_rate: float) -> torch.optim.Adam:
    """Adam with the CycleGAN paper's betas (section 7.1)."""
    parameters = [p for network in networks for p in network.parameters()]
    return torch.optim.Adam(parameters, lr=learning_rate, betas=(0.5, 0.999))


def minimise(total: Tensor, optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """One step down a scalar's gradient, clipped; a loss or gradient that is not finite changes nothing."""
    if not torch.isfinite(total):
        return
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.zero_grad()
    total.backward()
    norm = nn.utils.clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], MAX_GRADIENT_NORM)
    if torch.isfinite(norm):
        optimizer.step()


def total_of(terms: dict[str, Tensor]) -> Tensor:
    """Sum of loss terms, a scalar."""
    return torch.stack(list(terms.values())).sum()
