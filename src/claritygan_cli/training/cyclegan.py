"""The CycleGAN objective with real, unpaired haze.

Zhu et al., ICCV 2017, with Cycle-Dehaze's perceptual term (Engin et al., CVPRW 2018) and, between scattering
generators, one physics: the density and airlight that G reads from a hazy photo are what F puts back to close its
cycle.
"""

import torch
from torch import Tensor, nn

from claritygan_cli.engine.critic import PatchCritic
from claritygan_cli.engine.generators import ScatteringDehazer, ScatteringHazifier
from claritygan_cli.engine.image_pool import ImagePool
from claritygan_cli.engine.losses import PerceptualLoss, adversarial_loss, cycle_loss, identity_loss
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.optimizers import make_adam, minimise, total_of
from claritygan_cli.training.pair import Pair
from claritygan_cli.training.supervised import dehaze_losses, hazify_losses
from claritygan_cli.training.views import ViewSampler

CYCLE_WEIGHT, IDENTITY_WEIGHT = 10.0, 5.0
POOL_SIZE = 50


class Cycles:
    """Both cycles of a batch.

    ``hazy -> fake_clear -> rehazed`` and ``clear -> fake_hazy -> recleared``, (N, 3, H, W) in [0, 1] each; the clear
    photos get the haze of the batch's hazy ones, turned by one so that none belongs to its scene.
    """

    def __init__(self, dehaze: ScatteringDehazer, hazify: ScatteringHazifier, hazy: Tensor, clear: Tensor) -> None:
        height = hazy.shape[2]
        seen = dehaze.look(hazy)
        self.fake_clear = seen.rows(hazy, height, 0)
        again = hazify.look(self.fake_clear)
        self.rehazed = again.rows(self.fake_clear, height, 0, seen.density, seen.airlight)
        density, airlight = seen.density.detach().roll(1, 0), seen.airlight.detach().roll(1, 0)
        self.fake_hazy = hazify.look(clear).rows(clear, height, 0, density, airlight)
        self.recleared = dehaze.look(self.fake_hazy).rows(self.fake_hazy, height, 0)


def generator_losses(
    pair: Pair,
    hazy_critic: PatchCritic,
    clear_critic: PatchCritic,
    perceptual: PerceptualLoss | None,
    perceptual_weight: float,
    hazy: Tensor,
    clear: Tensor,
) -> tuple[dict[str, Tensor], Cycles]:
    """The generators' terms on unpaired pictures, and the pictures that they were computed from.

    The identity term is for G alone: F with no haze to add is the identity by construction.
    """
    cycles = Cycles(pair.dehaze, pair.hazify, hazy, clear)
    kept = pair.dehaze.look(clear).rows(clear, clear.shape[2], 0)
    terms = {
        "adversarial_clear": adversarial_loss(clear_critic(cycles.fake_clear), real=True),
        "adversarial_hazy": adversarial_loss(hazy_critic(cycles.fake_hazy), real=True),
        "cycle_hazy": CYCLE_WEIGHT * cycle_loss(cycles.rehazed, hazy),
        "cycle_clear": CYCLE_WEIGHT * cycle_loss(cycles.recleared, clear),
        "identity_clear": IDENTITY_WEIGHT * identity_loss(kept, clear),
    }
    if perceptual is not None:
        distance = perceptual(cycles.rehazed, hazy) + perceptual(cycles.recleared, clear)
        terms["perceptual"] = perceptual_weight * distance
    return terms, cycles


def critic_loss(critic: PatchCritic, real: Tensor, fake: Tensor) -> Tensor:
    """Half the sum of the verdicts' losses (CycleGAN, section 7.1)."""
    return 0.5 * (adversarial_loss(critic(real), real=True) + adversarial_loss(critic(fake.detach()), real=False))


class CycleGANObjective:
    """Trains generators and critics in turn."""

    def __init__(self, config: TrainConfig, pair: Pair, perceptual: PerceptualLoss | None) -> None:
        self.config, self.pair, self.perceptual = config, pair, perceptual
        torch.manual_seed(config.seed)
        self.hazy_critic, self.clear_critic = PatchCritic(), PatchCritic()
        critics: dict[str, nn.Module] = {"hazy_critic": self.hazy_critic, "clear_critic": self.clear_critic}
        self.networks: dict[str, nn.Module] = {**pair.networks, **critics}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "generators": make_adam(list(pair.networks.values()), config.learning_rate),
            "critics": make_adam(list(critics.values()), config.learning_rate),
        }
        self.hazy_pool, self.clear_pool = ImagePool(POOL_SIZE, config.seed), ImagePool(POOL_SIZE, config.seed + 1)

    def step(self, sampler: ViewSampler, number: int, learning_rate: float) -> dict[str, Tensor]:
        """One update of the generators, then one of the critics."""
        shape, count = sampler.shape_and_count()
        hazy, clear = sampler.unpaired(max(2, count // 4), shape)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bf16"):
            terms, cycles = generator_losses(
                self.pair,
                self.hazy_critic.requires_grad_(False),
                self.clear_critic.requires_grad_(False),
                self.perceptual,
                self.config.perceptual_weight,
                hazy,
                clear,
            )
            if self.config.paired_weight:
                views = sampler.synthetic()
                known = dehaze_losses(self.pair.dehaze, views) | hazify_losses(self.pair.hazify, views)
                terms |= {name: self.config.paired_weight * value for name, value in known.items()}
        minimise(total_of(terms), self.optimizers["generators"], learning_rate)
        fake_hazy, fake_clear = self.hazy_pool.query(cycles.fake_hazy), self.clear_pool.query(cycles.fake_clear)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bf16"):
            verdicts = {
                "hazy_critic": critic_loss(self.hazy_critic.requires_grad_(True), hazy, fake_hazy),
                "clear_critic": critic_loss(self.clear_critic.requires_grad_(True), clear, fake_clear),
            }
        minimise(total_of(verdicts), self.optimizers["critics"], learning_rate)
        return {name: value.detach() for name, value in (terms | verdicts).items()}
