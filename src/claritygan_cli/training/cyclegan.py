"""A CycleGAN in training: networks, optimisers, pools and averages, and the step that changes them all."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from claritygan_cli.data.batches import Batch
from claritygan_cli.data.synthesis import HazyCrops, Scenes, add_random_haze
from claritygan_cli.errors import SettingError
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.distributed import World
from claritygan_cli.training.ema import Average
from claritygan_cli.training.fake_quantization import fake_quantize
from claritygan_cli.training.generator_pair import GeneratorPair
from claritygan_cli.training.image_pool import ImagePool
from claritygan_cli.training.losses import PerceptualLoss
from claritygan_cli.training.objectives import DiscriminatorObjective, GeneratorObjective, Terms
from claritygan_cli.training.optimizers import OptimizerStepper, make_adam, make_optimizers
from claritygan_cli.training.schedule import BOTH, schedule_of
from claritygan_cli.training.vgg import load_vgg

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


def load_perceptual(config: TrainConfig, device: torch.device) -> PerceptualLoss | None:
    """The VGG term's network, where the run has one.

    Raises:
        UsageError: the weights or the layers are not usable.
    """
    if not (config.losses.unpaired and config.losses.perceptual_weight):
        return None
    try:
        return PerceptualLoss(load_vgg(config.losses.vgg), config.losses.vgg_layers).to(device)
    except ValueError as error:
        raise SettingError("vgg_layer", None, str(error)) from error


class CycleGAN:
    """All that a training step changes.

    Args:
        config: the run; its precision is settled.
        pair: the generators.
        device: where to train.
        world: the processes that train together.

    Raises:
        UsageError: the VGG weights are not usable.
    """

    def __init__(self, config: TrainConfig, pair: GeneratorPair, device: torch.device, world: World) -> None:
        self.config, self.pair, self.device, self.world = config, pair, device, world
        torch.manual_seed(config.run.seed)
        for network in pair.networks.values():
            network.to(device).to(memory_format=torch.channels_last)
        decay = config.optimisation.ema_decay
        self.averages = {direction: Average(network, decay) for direction, network in pair.networks.items()}
        if config.optimisation.quantization_aware:  # the averages, which are exported, stay as they are
            for network in pair.networks.values():
                fake_quantize(network)
        self.discriminators = (
            DiscriminatorObjective(config.losses.adversarial, config.losses.r1_weight, config.model.discriminator_width)
            if config.losses.unpaired
            else None
        )
        teacher = self.averages["dehaze"].network
        losses = GeneratorObjective(config, pair, self.discriminators, load_perceptual(config, device), teacher)
        self.schedule = schedule_of(config)
        self.steppers = {"generators": OptimizerStepper(make_optimizers(config, [losses]), config, device)}
        self._generator_objective = world.share(losses, whole=set(self.schedule) == {BOTH} and not config.losses.paired)
        if self.discriminators is not None:
            self.discriminators.to(device).to(memory_format=torch.channels_last)
            settings = config.optimisation
            adam = make_adam([self.discriminators], settings.learning_rate, settings.adam_betas)
            self.steppers["discriminators"] = OptimizerStepper(adam, config, device)
            self._discriminator_objective = world.share(self.discriminators)
        seeds = {name: config.run.seed + 2 * world.rank + i for i, name in enumerate(("hazy", "clear"))}
        self.pools = {name: ImagePool(config.optimisation.pool_size, seed) for name, seed in seeds.items()}
        self.number = 0

    def _autocast(self) -> AbstractContextManager[object]:
        kind = AUTOCAST.get(self.config.optimisation.precision)
        return torch.autocast(self.device.type, kind) if kind else nullcontext()

    @torch.no_grad()
    def _with_haze(self, scenes: Scenes) -> HazyCrops:
        """Scenes in random haze, made where they are; the same for a step whenever it is taken."""
        seed = np.random.SeedSequence([self.config.run.seed, self.number, self.world.rank]).generate_state(1)[0]
        random = torch.Generator(self.device).manual_seed(int(seed))
        return add_random_haze(scenes, self.config.haze, random)

    def step(self, batch: Batch, learning_rate: float) -> tuple[Terms, Tensor]:
        """One update of the generators, or of one of them, then one of the discriminators if those were asked.

        Returns:
            The terms, without gradient, and whether all of the step was finite.
        """
        if self.discriminators is not None:
            self.discriminators.requires_grad_(False)
        kind = self.schedule[self.number % len(self.schedule)]
        pairs = self._with_haze(batch.pairs) if batch.pairs is not None else None
        with self._autocast():
            terms, fake_hazy, fake_clear = self._generator_objective(batch.hazy, batch.clear, batch.haze, pairs, kind)
        finite = self.steppers["generators"].step(torch.stack(list(terms.values())).sum(), learning_rate)
        if self.discriminators is not None and fake_hazy is not None and finite:
            old_hazy, old_clear = self.pools["hazy"].query(fake_hazy), self.pools["clear"].query(fake_clear)
            self.discriminators.requires_grad_(True)
            with self._autocast():
                verdicts = self._discriminator_objective(batch.hazy, batch.clear, old_hazy, old_clear)
            finite = self.steppers["discriminators"].step(torch.stack(list(verdicts.values())).sum(), learning_rate)
            terms |= verdicts
        for direction, average in self.averages.items():
            average.update(self.pair.networks[direction], self.number)
        self.number += 1
        return {name: value.detach() for name, value in terms.items()}, finite

    def state_dict(self) -> dict[str, Any]:
        """All that decides how training goes on; all processes have to call it, and the main one gets it whole."""
        random = torch.cuda.get_rng_state() if self.device.type == "cuda" else torch.get_rng_state()
        own = {"device": self.device.type, "random": random}
        own |= {name: pool.state_dict() for name, pool in self.pools.items()}
        return {
            "number": self.number,
            "networks": {direction: network.state_dict() for direction, network in self.pair.networks.items()},
            "averages": {direction: average.network.state_dict() for direction, average in self.averages.items()},
            "discriminators": self.discriminators.state_dict() if self.discriminators is not None else {},
            "steppers": {name: stepper.state_dict() for name, stepper in self.steppers.items()},
            "processes": self.world.gather(own),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken.

        Pools go on where the number of processes is the same, and random numbers where the kind of device is too; they
        start anew otherwise.

        Raises:
            RuntimeError, KeyError, ValueError: the state is of another architecture or objective.
        """
        self.number = state["number"]
        for direction, network in self.pair.networks.items():
            network.load_state_dict(state["networks"][direction])
            self.averages[direction].network.load_state_dict(state["averages"][direction])
        if self.discriminators is not None:
            self.discriminators.load_state_dict(state["discriminators"])
        for name, stepper in self.steppers.items():
            stepper.load_state_dict(state["steppers"][name])
        if len(state["processes"]) == self.world.size:
            own = state["processes"][self.world.rank]
            for name, pool in self.pools.items():
                pool.load_state_dict(own[name], self.device)
            if own["device"] == self.device.type:
                restore = torch.cuda.set_rng_state if self.device.type == "cuda" else torch.set_rng_state
                restore(own["random"])
