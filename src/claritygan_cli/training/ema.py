"""Exponential moving average of a network's weights (Polyak averaging), for validation and export."""

import copy

import torch

from claritygan_cli.engine.generators import Generator


class Average:
    """Holds ``network``, a copy whose weights follow those of the trained one.

    Args:
        decay: share of the old average kept per step; smaller in the first steps, so that the start is forgotten.
    """

    def __init__(self, network: Generator, decay: float = 0.999) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: Generator, step: int) -> None:
        """Move towards the network after optimiser step ``step`` (from 0)."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), weight)
