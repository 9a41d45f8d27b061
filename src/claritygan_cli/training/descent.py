"""Optimisers, and careful steps with them."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from claritygan_cli.training.config import TrainConfig

WEIGHT_DECAY = 1e-2


def can_fuse(parameters: list[nn.Parameter]) -> bool:
    """Whether all PyTorch versions can update these in one go; Apple's GPUs came later."""
    return parameters[0].device.type in ("cpu", "cuda")


def make_adam(networks: Iterable[nn.Module], learning_rate: float) -> torch.optim.Optimizer:
    """Adam with the CycleGAN paper's betas (section 7.1)."""
    parameters = [p for network in networks for p in network.parameters()]
    return torch.optim.Adam(parameters, lr=learning_rate, betas=(0.5, 0.999), fused=can_fuse(parameters))


def make_adamw(networks: Iterable[nn.Module], learning_rate: float) -> torch.optim.Optimizer:
    """AdamW (Loshchilov, Hutter, ICLR 2019); only weights of convolutions and linear layers are decayed."""
    parameters = [p for network in networks for p in network.parameters()]
    groups = [
        {"params": [p for p in parameters if p.ndim in (2, 4)], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in parameters if p.ndim not in (2, 4)], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=can_fuse(parameters))


class Descent:
    """An optimiser that steps down a loss, and leaves out steps that are not finite.

    Args:
        optimizer: of the parameters.
        config: precision and clipping of the run.
        device: where the parameters are.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, config: TrainConfig, device: torch.device) -> None:
        self.optimizer = optimizer
        self.scaler = torch.amp.GradScaler(device.type, enabled=config.precision == "fp16")
        self.limit = config.clip_norm or float("inf")

    def step(self, loss: Tensor, learning_rate: float) -> Tensor:
        """One step down the gradient of a scalar.

        Returns:
            Whether the gradient was finite, and the step taken: a scalar of bool.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        finite = torch.isfinite(nn.utils.clip_grad_norm_(parameters, self.limit))
        if finite:
            self.scaler.step(self.optimizer)
        self.scaler.update()
        return finite

    def state_dict(self) -> dict[str, Any]:
        """State of optimiser and scaler."""
        return {"optimizer": self.optimizer.state_dict(), "scaler": self.scaler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
