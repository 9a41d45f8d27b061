"""Supervised training on synthetic haze: the truth about every picture's haze is known because we put it there."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from claritygan_cli.data.synthesis import HazyViews
from claritygan_cli.engine.generators import Generator, ScatteringDehazer, ScatteringHazifier
from claritygan_cli.engine.scattering import add_haze, remove_haze, transmission
from claritygan_cli.models.weights import Direction
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.views import ViewSampler

TRANSMISSION_WEIGHT, AIRLIGHT_WEIGHT = 0.5, 0.3
INVENTED_DEPTH_WEIGHT = 0.3


def dehaze_losses(dehazer: ScatteringDehazer, views: HazyViews) -> dict[str, Tensor]:
    """L1 on the clear picture, the transmission, and the airlight where there is haze to read it from."""
    height = views.hazy.shape[2]
    lift = dehazer.look(dehazer.shrink(views.hazy))
    t, airlight = lift.maps(views.hazy, height, 0)
    clear = remove_haze(views.hazy, t, airlight)
    visible = (1 - views.t).mean((1, 2, 3), keepdim=True)
    return {
        "clear": F.l1_loss(clear, views.clear),
        "transmission": TRANSMISSION_WEIGHT * F.l1_loss(t, views.t),
        "airlight": AIRLIGHT_WEIGHT * ((lift.mean_airlight - views.airlight).abs() * (visible > 0.05)).mean(),
    }


def hazify_losses(hazifier: ScatteringHazifier, views: HazyViews) -> dict[str, Tensor]:
    """L1 on the depth and on the hazy picture that follows from it; invented depth counts for less."""
    height = views.clear.shape[2]
    depth = hazifier.look(hazifier.shrink(views.clear)).map(views.clear, height, 0)
    weight = torch.where(views.measured, 1.0, INVENTED_DEPTH_WEIGHT).reshape(-1, 1, 1, 1)
    hazy = add_haze(views.clear, transmission(depth, views.density), views.airlight)
    truth = add_haze(views.clear, transmission(views.depth, views.density), views.airlight)
    return {
        "depth": (weight * (depth - views.depth).abs()).mean(),
        "hazy": (weight * (hazy - truth).abs()).mean(),
    }


def make_adamw(network: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW (Loshchilov, Hutter, ICLR 2019); biases and norms are not decayed."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    kept = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate)


class SupervisedObjective:
    """Trains both generators on the same synthetic haze, the hazifier at every few steps."""

    def __init__(self, config: TrainConfig, generators: dict[Direction, Generator]) -> None:
        self.config = config
        self.networks: dict[str, nn.Module] = {}
        for direction, generator in generators.items():
            self.networks[direction] = generator.to(memory_format=torch.channels_last)
        self.optimizers = {name: make_adamw(network, config) for name, network in self.networks.items()}

    def _update(self, name: str, terms: dict[str, Tensor], learning_rate: float) -> None:
        total = torch.stack(list(terms.values())).sum()
        if not torch.isfinite(total):
            return
        optimizer = self.optimizers[name]
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        optimizer.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.networks[name].parameters(), 1.0)
        optimizer.step()

    def step(self, sampler: ViewSampler, number: int, learning_rate: float) -> dict[str, Tensor]:
        views = sampler.synthetic()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bf16"):
            terms = dehaze_losses(self.networks["dehaze"], views)
        self._update("dehaze", terms, learning_rate)
        if number % self.config.hazify_every == 0:
            with torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bf16"):
                more = hazify_losses(self.networks["hazify"], views)
            self._update("hazify", more, learning_rate)
            terms = terms | more
        return {name: value.detach() for name, value in terms.items()}

    def state(self) -> dict[str, Any]:
        return {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()}

    def load(self, state: dict[str, Any]) -> None:
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state[name])
