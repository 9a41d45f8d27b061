"""The training loop: time budget, schedule, averaging, validation, checkpoints, export."""

import json
import math
import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from claritygan_cli import __version__
from claritygan_cli.data.pairs import find_pairs
from claritygan_cli.data.photo_sets import PhotoSets, load_photo_sets
from claritygan_cli.engine.generators import Generator
from claritygan_cli.engine.losses import PerceptualLoss
from claritygan_cli.errors import DataError, UsageError
from claritygan_cli.evaluation.evaluate import evaluate_model
from claritygan_cli.evaluation.metrics import Scores, mean_scores
from claritygan_cli.models.translator import Translator
from claritygan_cli.models.vgg import load_vgg
from claritygan_cli.models.weights import Direction, ModelCard, read_card, save_model
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.cyclegan import CycleGANObjective
from claritygan_cli.training.ema import Average
from claritygan_cli.training.pair import Pair, fresh_pair, load_pair
from claritygan_cli.training.supervised import SupervisedObjective
from claritygan_cli.training.views import ViewSampler

CHECKPOINT = "last.pt"
MAX_BAD_STEPS = 20
WARMUP = 0.03


class Objective(Protocol):
    """What a step minimises."""

    networks: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]

    def step(self, sampler: ViewSampler, number: int, learning_rate: float) -> dict[str, Tensor]:
        """Draw a batch, update the networks, return the loss terms (detached)."""
        ...


def learning_rate_at(progress: float, peak: float) -> float:
    """Linear warm-up, then cosine to a fiftieth of the peak; ``progress`` runs from 0 to 1."""
    if progress < WARMUP:
        return peak * max(progress, WARMUP / 50) / WARMUP
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - WARMUP) / (1 - WARMUP))))
    return peak * (0.02 + 0.98 * cosine)


def validate(dehazer: Generator, folder: Path) -> Scores:
    """Mean scores of a dehazer on a folder with pairs."""
    translator = Translator(dehazer, torch.device("cpu"))
    return mean_scores([scored.after for scored in evaluate_model(translator, find_pairs(folder))])


def make_objective(config: TrainConfig, pair: Pair, sets: PhotoSets) -> Objective:
    """The objective of the run's stage.

    Raises:
        DataError: the stage needs photos that are not there.
        UsageError: the VGG weights are not usable.
    """
    if config.stage == "supervised":
        return SupervisedObjective(config, pair)
    if not sets.hazy or not (sets.street or sets.clear):
        raise DataError(f"{config.data}: the cyclegan stage needs real haze in hazy/, and clear photos in clear/")
    perceptual = None
    if config.perceptual_weight:
        try:
            perceptual = PerceptualLoss(load_vgg(config.vgg), config.vgg_layers)
        except ValueError as error:
            raise UsageError(f"--vgg-layer: {error}") from error
    return CycleGANObjective(config, pair, perceptual)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all."""
    temporary = path.with_name(f".{path.name}.part")
    torch.save(state, temporary)
    os.replace(temporary, path)


class Run:
    """A training run: what changes from step to step, and how it is kept.

    Raises:
        DataError, ModelError, UsageError: data, initial models or checkpoint are not usable.
    """

    def __init__(self, config: TrainConfig, command: str, resume: bool) -> None:
        self.config, self.command = config, command
        for folder in config.validation:
            find_pairs(folder)
        sets = load_photo_sets(config.data)
        pair = load_pair(config.initial) if config.initial else fresh_pair(config.seed)
        self.initial_recipe = read_card(config.initial / "dehaze.safetensors").recipe if config.initial else None
        self.sampler = ViewSampler(sets, config.batch, config.seed)
        self.objective = make_objective(config, pair, sets)
        self.averages = {"dehaze": Average(pair.dehaze), "hazify": Average(pair.hazify)}
        self.pair = pair
        self.number, self.spent = 0, 0.0
        if resume:
            self._resume()

    def _resume(self) -> None:
        path = self.config.out / CHECKPOINT
        if not path.is_file():
            raise UsageError(f"{path}: no checkpoint to resume from; leave out --resume")
        state = torch.load(path, weights_only=True)
        if state["stage"] != self.config.stage:
            raise UsageError(f"{path}: is of the stage {state['stage']}; name that one, or another --out")
        self.number, self.spent = state["number"], state["spent"]
        for name, network in self.objective.networks.items():
            network.load_state_dict(state["networks"][name])
        for name, optimizer in self.objective.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        for direction, average in self.averages.items():
            average.network.load_state_dict(state["averages"][direction])
        self.sampler.reseed(self.config.seed, self.number)

    def step(self) -> dict[str, float]:
        """Train one step; the loss terms."""
        started = time.monotonic()
        progress = self.spent / (self.config.minutes * 60)
        terms = self.objective.step(self.sampler, self.number, learning_rate_at(progress, self.config.learning_rate))
        values = {name: value.item() for name, value in terms.items()}
        for direction, average in self.averages.items():
            average.update(self.pair.networks[direction], self.number)
        self.number += 1
        self.spent += time.monotonic() - started
        return values

    def save(self) -> dict[str, Scores]:
        """Validate, and write the checkpoint and both models; the scores."""
        scores = {folder.name: validate(self.averages["dehaze"].network, folder) for folder in self.config.validation}
        state = {
            "stage": self.config.stage,
            "number": self.number,
            "spent": self.spent,
            "networks": {name: network.state_dict() for name, network in self.objective.networks.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.objective.optimizers.items()},
            "averages": {direction: average.network.state_dict() for direction, average in self.averages.items()},
        }
        save_checkpoint(self.config.out / CHECKPOINT, state)
        recipe = {
            "command": self.command,
            "version": __version__,
            "steps": self.number,
            "minutes": round(self.spent / 60, 1),
            **({"initial": self.initial_recipe} if self.initial_recipe else {}),
        }
        data = sorted(path.name for path in self.config.data.iterdir())
        directions: tuple[Direction, ...] = ("dehaze", "hazify")
        for direction in directions:
            numbers = {"working_size": self.averages[direction].network.working_size}
            card = ModelCard("scattering", direction, numbers, recipe, data, scores if direction == "dehaze" else {})
            save_model(self.config.out / f"{direction}.safetensors", self.averages[direction].network, card)
        return scores


def train(config: TrainConfig, command: str = "", resume: bool = False) -> None:
    """Run a training to the end of its time budget, and leave two models in ``config.out``.

    Args:
        command: the command line, for the models' cards.
        resume: go on from the run folder's last checkpoint.

    Raises:
        DataError: a folder is not usable, or the loss stays non-finite.
        ModelError, UsageError: the initial models, the checkpoint or the VGG weights are not usable.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    if (config.out / CHECKPOINT).exists() and not resume:
        raise UsageError(f"{config.out}: holds a run already; go on with --resume, or name another --out")
    config.out.mkdir(parents=True, exist_ok=True)
    run = Run(config, command, resume)
    budget, bad = config.minutes * 60, 0
    sums: dict[str, list[float]] = defaultdict(list)
    next_checkpoint = run.spent + config.checkpoint_minutes * 60
    with tqdm(total=round(budget), initial=round(run.spent), unit="s", disable=None, desc=config.stage) as bar:
        while run.spent < budget:
            values = run.step()
            bad = 0 if all(map(math.isfinite, values.values())) else bad + 1
            if bad > MAX_BAD_STEPS:
                raise DataError(f"{config.out}: {bad} steps in a row had a non-finite loss; lower the learning rate")
            for name, value in values.items():
                sums[name].append(value)
            bar.update(int(run.spent) - bar.n)
            if run.spent >= min(next_checkpoint, budget):
                next_checkpoint = run.spent + config.checkpoint_minutes * 60
                line: dict[str, Any] = {"step": run.number, "minutes": round(run.spent / 60, 2)}
                line |= {name: round(float(np.mean(v)), 5) for name, v in sums.items()}
                line |= run.save()
                sums.clear()
                with (config.out / "metrics.jsonl").open("a", encoding="utf-8") as log:
                    log.write(json.dumps(line) + "\n")
                bar.write(json.dumps(line), file=sys.stderr)
