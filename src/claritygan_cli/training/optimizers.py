"""Optimisers, and careful steps with them."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.muon import Muon, is_hidden

ENCODER = ".encoder."
"""In the names of an encoder's parameters."""
SHARE = "share"
"""Key of a group of parameters: share of the learning rate that it gets."""


def can_fuse(parameters: list[nn.Parameter]) -> bool:
    """Whether all PyTorch versions can update these in one go; Apple's GPUs came later."""
    return parameters[0].device.type in ("cpu", "cuda")


def make_adam(
    networks: Iterable[nn.Module], learning_rate: float, betas: tuple[float, ...]
) -> list[torch.optim.Optimizer]:
    """Adam, of which the CycleGAN paper takes other betas than usual (section 7.1)."""
    first, second = betas
    parameters = [p for network in networks for p in network.parameters()]
    return [torch.optim.Adam(parameters, lr=learning_rate, betas=(first, second), fused=can_fuse(parameters))]


def make_muon(
    networks: Iterable[nn.Module], learning_rate: float, weight_decay: float, encoder_rate: float = 1.0
) -> list[torch.optim.Optimizer]:
    """Muon for hidden convolutions, AdamW (Loshchilov, Hutter, ICLR 2019) for the rest; biases are not decayed.

    Args:
        encoder_rate: share of the learning rate that encoders get.
    """
    hidden_groups, groups = [], []
    named = [pair for network in networks for pair in network.named_parameters()]
    for share, parameters in (
        (1.0, [p for name, p in named if ENCODER not in name]),
        (encoder_rate, [p for name, p in named if ENCODER in name]),
    ):
        rest = [p for p in parameters if not is_hidden(p)]
        hidden_groups.append({"params": [p for p in parameters if is_hidden(p)], SHARE: share})
        groups += [
            {"params": [p for p in rest if p.ndim in (2, 4)], "weight_decay": weight_decay, SHARE: share},
            {"params": [p for p in rest if p.ndim not in (2, 4)], "weight_decay": 0.0, SHARE: share},
        ]
    fused = can_fuse([p for _, p in named])
    return [
        Muon(filled(hidden_groups), learning_rate, weight_decay=weight_decay),
        torch.optim.AdamW(filled(groups), lr=learning_rate, fused=fused),
    ]


def filled(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the groups that have parameters."""
    return [group for group in groups if group["params"]]


def make_optimizers(config: TrainConfig, networks: Iterable[nn.Module]) -> list[torch.optim.Optimizer]:
    """Those that the settings ask for; ``auto`` is CycleGAN's Adam for an unpaired resnet, and Muon otherwise."""
    settings = config.optimisation
    classic = config.losses.unpaired and config.model.generator == "resnet"
    if settings.optimizer == "adam" or (settings.optimizer == "auto" and classic):
        return make_adam(networks, settings.learning_rate, settings.adam_betas)
    return make_muon(networks, settings.learning_rate, settings.weight_decay, settings.encoder_rate)


class OptimizerStepper:
    """Optimisers that step down a loss, and leave out steps that are not finite.

    Args:
        optimizers: of the parameters; those without gradient stay as they are.
        config: precision and clipping of the run.
        device: where the parameters are.
    """

    def __init__(self, optimizers: list[torch.optim.Optimizer], config: TrainConfig, device: torch.device) -> None:
        self.optimizers = optimizers
        self.scaler = torch.amp.GradScaler(device.type, enabled=config.optimisation.precision == "fp16")
        self.limit = config.optimisation.clip_norm or float("inf")

    def step(self, loss: Tensor, learning_rate: float) -> Tensor:
        """One step down the gradient of a scalar.

        Returns:
            Whether the gradient was finite, and the step taken: a scalar of bool.
        """
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        for group in groups:
            group["lr"] = learning_rate * group.get(SHARE, 1.0)
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        for optimizer in self.optimizers:
            self.scaler.unscale_(optimizer)
        finite = torch.isfinite(nn.utils.clip_grad_norm_([p for group in groups for p in group["params"]], self.limit))
        if finite:
            for optimizer in self.optimizers:
                self.scaler.step(optimizer)
        self.scaler.update()
        return finite

    def state_dict(self) -> dict[str, Any]:
        """State of optimisers and scaler."""
        states = [optimizer.state_dict() for optimizer in self.optimizers]
        return {"optimizers": states, "scaler": self.scaler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        for optimizer, own in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(own)
        self.scaler.load_state_dict(state["scaler"])
