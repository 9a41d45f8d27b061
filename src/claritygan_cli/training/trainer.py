"""The training loop: time budget, schedule, averaging, validation, checkpoints, export."""

import json
import math
import os
import time
from collections import defaultdict
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from claritygan_cli import __version__
from claritygan_cli.data.pairs import find_pairs
from claritygan_cli.data.photo_sets import load_photo_sets
from claritygan_cli.engine.generators import Generator, ScatteringDehazer, ScatteringHazifier
from claritygan_cli.errors import ClarityganError, DataError
from claritygan_cli.evaluation.metrics import mean_scores, score
from claritygan_cli.models.weights import Direction, ModelCard, load_model, save_model
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.ema import Average
from claritygan_cli.training.views import ViewSampler

CHECKPOINT = "last.pt"
MAX_BAD_STEPS = 20
WARMUP = 0.03


class Objective(Protocol):
    """What one step minimises."""

    networks: dict[str, nn.Module]

    def step(self, sampler: ViewSampler, number: int, learning_rate: float) -> dict[str, Tensor]:
        """Draw a batch, update the networks, return the loss terms (detached)."""
        ...

    def state(self) -> dict[str, Any]:
        """Optimiser states and the like, for a checkpoint."""
        ...

    def load(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        ...


def learning_rate_at(progress: float, peak: float) -> float:
    """Linear warm-up, then cosine to a fiftieth of the peak; ``progress`` runs from 0 to 1."""
    if progress < WARMUP:
        return peak * max(progress, WARMUP / 50) / WARMUP
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - WARMUP) / (1 - WARMUP))))
    return peak * (0.02 + 0.98 * cosine)


def read_rgb(path: Path) -> np.ndarray:
    """(H, W, 3) uint8."""
    from PIL import Image

    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


@torch.no_grad()
def validate(dehazer: Generator, folder: Path) -> dict[str, float]:
    """Mean scores of a dehazer on a folder with pairs."""
    scores = []
    for pair in find_pairs(folder):
        hazy = torch.from_numpy(read_rgb(pair.picture)).permute(2, 0, 1)[None].float() / 255
        clear = (dehazer(hazy)[0] * 255).round().byte().permute(1, 2, 0).numpy()
        scores.append(score(clear, read_rgb(pair.truth)))
    return mean_scores(scores)


def initial_generators(config: TrainConfig) -> dict[Direction, Generator]:
    """Fresh generators, or those of another run."""
    if config.initial is None:
        torch.manual_seed(config.seed)
        return {"dehaze": ScatteringDehazer(), "hazify": ScatteringHazifier()}
    return {
        direction: load_model(config.initial / f"{direction}.safetensors")[0].train()
        for direction in ("dehaze", "hazify")
    }


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all."""
    temporary = path.with_name(f".{path.name}.part")
    torch.save(state, temporary)
    os.replace(temporary, path)


def train(config: TrainConfig, command: str = "", resume: bool = False) -> None:
    """Run a training to the end of its time budget, and leave two models in ``config.out``.

    Args:
        command: the command line, for the models' cards.
        resume: go on from the run folder's last checkpoint.

    Raises:
        DataError: the training or a validation folder is not usable, or the loss stays non-finite.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    config.out.mkdir(parents=True, exist_ok=True)
    for folder in config.validation:
        find_pairs(folder)
    sets = load_photo_sets(config.data)
    sampler = ViewSampler(sets, config.batch, config.seed)
    generators = initial_generators(config)
    objective = make_objective(config, generators)
    averages = {direction: Average(network) for direction, network in generators.items()}
    number, spent = 0, 0.0
    if resume:
        state = torch.load(config.out / CHECKPOINT, weights_only=True)
        number, spent = state["number"], state["spent"]
        for name, network in objective.networks.items():
            network.load_state_dict(state["networks"][name])
        for direction, average in averages.items():
            average.network.load_state_dict(state["averages"][direction])
        objective.load(state["objective"])
        sampler.random = np.random.default_rng([config.seed, number])
        sampler.torch_random.manual_seed(config.seed + number)

    budget, bad, sums = config.minutes * 60, 0, defaultdict(list)
    next_checkpoint = spent + config.checkpoint_minutes * 60
    bar = tqdm(total=round(budget), initial=round(spent), unit="s", disable=None, desc=config.stage)
    while spent < budget:
        started = time.monotonic()
        terms = objective.step(sampler, number, learning_rate_at(spent / budget, config.learning_rate))
        values = {name: value.item() for name, value in terms.items()}
        bad = 0 if all(map(math.isfinite, values.values())) else bad + 1
        if bad > MAX_BAD_STEPS:
            raise DataError(f"{config.out}: {bad} steps in a row had a non-finite loss; try a lower learning rate")
        for direction, average in averages.items():
            average.update(generators[direction], number)
        for name, value in values.items():
            sums[name].append(value)
        number += 1
        spent += time.monotonic() - started
        bar.update(int(spent) - bar.n)
        if spent >= next_checkpoint or spent >= budget:
            next_checkpoint = spent + config.checkpoint_minutes * 60
            scores = {str(f): validate(averages["dehaze"].network, f) for f in config.validation}
            line = {"step": number, "minutes": round(spent / 60, 2)}
            line |= {name: round(float(np.mean(v)), 5) for name, v in sums.items()}
            line |= {Path(f).name: {k: round(v, 4) for k, v in s.items()} for f, s in scores.items()}
            sums.clear()
            with (config.out / "metrics.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
            bar.write(json.dumps(line))
            save_checkpoint(
                config.out / CHECKPOINT,
                {
                    "number": number,
                    "spent": spent,
                    "networks": {name: network.state_dict() for name, network in objective.networks.items()},
                    "averages": {d: average.network.state_dict() for d, average in averages.items()},
                    "objective": objective.state(),
                },
            )
            recipe = {
                "command": command,
                "version": __version__,
                "steps": number,
                "minutes": round(spent / 60, 1),
                "config": {k: v for k, v in asdict(replace(config, data=Path(config.data.name))).items() if k in RECIPE},
            }
            if config.initial is not None:
                recipe["initial"] = load_recipe(config.initial)
            for direction, average in averages.items():
                named = {Path(f).name: s for f, s in scores.items()} if direction == "dehaze" else {}
                card = ModelCard("scattering", direction, {}, recipe, sorted(p.name for p in config.data.iterdir()), named)
                save_model(config.out / f"{direction}.safetensors", average.network, card)
    bar.close()


RECIPE = ("stage", "batch", "learning_rate", "weight_decay", "hazify_every", "paired_weight", "precision", "seed")


def load_recipe(run: Path) -> dict[str, Any]:
    """The recipe of a finished run's dehazer."""
    from claritygan_cli.models.weights import read_card

    return read_card(run / "dehaze.safetensors").recipe


def make_objective(config: TrainConfig, generators: dict[Direction, Generator]) -> Objective:
    """The objective of the run's stage."""
    if config.stage == "supervised":
        from claritygan_cli.training.supervised import SupervisedObjective

        return SupervisedObjective(config, generators)
    raise ClarityganError(f"unknown stage {config.stage!r}")
