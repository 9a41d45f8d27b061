"""Supervised training on synthetic haze: the truth about every picture's haze is known because we put it there."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from claritygan_cli.data.synthesis import HazyViews
from claritygan_cli.engine.generators import ScatteringDehazer, ScatteringHazifier
from claritygan_cli.engine.scattering import add_haze, remove_haze, transmission
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.optimizers import make_adamw, minimise, total_of
from claritygan_cli.training.pair import Pair
from claritygan_cli.training.views import ViewSampler

TRANSMISSION_WEIGHT, AIRLIGHT_WEIGHT = 0.5, 0.3
INVENTED_DEPTH_WEIGHT = 0.3


def dehaze_losses(dehazer: ScatteringDehazer, views: HazyViews) -> dict[str, Tensor]:
    """L1 on the clear picture, the transmission, and the airlight where there is haze to read it from."""
    height = views.hazy.shape[2]
    lift = dehazer.look(views.hazy)
    t = lift.map(views.hazy, height, 0)
    clear = remove_haze(views.hazy, t, lift.airlight)
    visible = (1 - views.t).mean((1, 2, 3), keepdim=True)
    return {
        "clear": F.l1_loss(clear, views.clear),
        "transmission": TRANSMISSION_WEIGHT * F.l1_loss(t, views.t),
        "airlight": AIRLIGHT_WEIGHT * ((lift.airlight - views.airlight).abs() * (visible > 0.05)).mean(),
    }


def hazify_losses(hazifier: ScatteringHazifier, views: HazyViews) -> dict[str, Tensor]:
    """L1 on the depth and on the hazy picture that follows from it; invented depth counts for less."""
    height = views.clear.shape[2]
    depth = hazifier.look(views.clear).map(views.clear, height, 0)
    weight = torch.where(views.measured, 1.0, INVENTED_DEPTH_WEIGHT).reshape(-1, 1, 1, 1)
    hazy = add_haze(views.clear, transmission(depth, views.density), views.airlight)
    truth = add_haze(views.clear, transmission(views.depth, views.density), views.airlight)
    return {
        "depth": (weight * (depth - views.depth).abs()).mean(),
        "hazy": (weight * (hazy - truth).abs()).mean(),
    }


class SupervisedObjective:
    """Trains both generators on the same synthetic haze, the hazifier at every few steps."""

    def __init__(self, config: TrainConfig, pair: Pair) -> None:
        self.config, self.pair = config, pair
        self.networks: dict[str, nn.Module] = dict(pair.networks)
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: make_adamw(network, config.learning_rate, config.weight_decay)
            for name, network in self.networks.items()
        }

    def step(self, sampler: ViewSampler, number: int, learning_rate: float) -> dict[str, Tensor]:
        """Draw synthetic haze and train on it."""
        views = sampler.synthetic()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bf16"):
            terms = dehaze_losses(self.pair.dehaze, views)
        minimise(total_of(terms), self.optimizers["dehaze"], learning_rate)
        if number % self.config.hazify_every == 0:
            with torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bf16"):
                more = hazify_losses(self.pair.hazify, views)
            minimise(total_of(more), self.optimizers["hazify"], learning_rate)
            terms = terms | more
        return {name: value.detach() for name, value in terms.items()}
