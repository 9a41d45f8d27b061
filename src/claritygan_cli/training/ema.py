"""Exponential moving average of a network's weights (Polyak averaging), for validation and export."""

import copy

import torch
from torch import nn


class Average:
    """Holds ``network``, a copy whose weights and buffers follow those of the trained one.

    Args:
        decay: share of the old average kept per step; smaller in the first steps, so that the start is forgotten.
    """

    def __init__(self, network: nn.Module, decay: float = 0.999) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the network after optimiser step ``step`` (from 0)."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        ours, theirs = self.network.state_dict(), network.state_dict()
        floating = [name for name, value in ours.items() if value.is_floating_point()]
        torch._foreach_lerp_([ours[n] for n in floating], [theirs[n] for n in floating], weight)
        for name in ours.keys() - set(floating):
            ours[name].copy_(theirs[name])
