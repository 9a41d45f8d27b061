"""What a run would be, measured on a few steps and without writing anything."""

import math
import sys
import time
from collections import defaultdict

import numpy as np

from claritygan_cli.errors import DataError
from claritygan_cli.training.hardware import peak_memory
from claritygan_cli.training.schedule import StepKind
from claritygan_cli.training.trainer import Trainer

TIMED = 2
"""Steps of each kind that are timed, after one that warms up."""
SIZED = 200
"""Pictures whose sizes are looked at."""


def sizes(trainer: Trainer) -> str:
    """Median size of the pictures, of at most 200 of them."""
    paths = [source.picture for source in trainer.files.hazy or trainer.files.pairs]
    found = []
    for path in paths[:: max(1, len(paths) // SIZED)]:
        try:
            found.append(trainer.batches.reader.size(path))
        except DataError:
            continue
    width, height = np.median(np.array(found), 0).astype(int)
    return f"{width}x{height}"


def timed(trainer: Trainer) -> tuple[float, float]:
    """Mean seconds of a step, and of making its batch: of each kind of step, weighed as the schedule has them."""
    schedule = trainer.system.schedule
    taking: dict[StepKind, list[float]] = defaultdict(list)
    making: dict[StepKind, list[float]] = defaultdict(list)
    places = {kind: schedule.index(kind) for kind in dict.fromkeys(schedule)}
    for kind, place in places.items():
        for turn in range(1 + TIMED):
            trainer.system.number = place + turn * len(schedule)
            started = time.perf_counter()
            batch = trainer.batches.make(trainer.system.number)
            made = time.perf_counter()
            trainer.train_step(batch, 0.0)
            if turn:
                taking[kind].append(time.perf_counter() - made)
                making[kind].append(made - started)
    means = [(np.mean(taking[kind]), np.mean(making[kind])) for kind in schedule]
    return float(np.mean([step for step, _ in means])), float(np.mean([batch for _, batch in means]))


def report(trainer: Trainer) -> None:
    """Take a few steps after a first one, and print what the run would be.

    Raises:
        DataError: no file of a domain can be read, or as the trainer's steps.
    """
    config, files, system = trainer.config, trainer.files, trainer.system
    seconds, data = timed(trainer)
    if not trainer.world.main:
        return
    total = max(seconds, data / trainer.workers) if trainer.workers else seconds + data
    generators = sum(p.numel() for network in system.pair.networks.values() for p in network.parameters())
    discriminators = sum(p.numel() for p in system.discriminators.parameters()) if system.discriminators else 0
    hours = trainer.total * total / 3600
    lines = {
        "data": f"{len(files.hazy)} hazy, {len(files.clear)} clear, {len(files.pairs)} pairs; {sizes(trainer)} pixels",
        "validation": ", ".join(f"{name}: {len(pairs)} pairs" for name, pairs in trainer.validation.items()) or "none",
        "generators": f"{config.model.generator}, {generators / 1e6:.2f} M parameters in both",
        "discriminators": f"{discriminators / 1e6:.2f} M parameters in both" if discriminators else "none",
        "step": f"{config.data.batch} crops of {config.data.size} px ({config.data.crop_shapes}), "
        f"{config.optimisation.precision} ({trainer.precision_reason}) on {trainer.device}",
        "speed": f"{1000 * seconds:.0f} ms a step, {1000 * data:.0f} ms to load it, {trainer.workers} loader processes",
        "memory": f"{peak_memory(trainer.device):.0f} MiB at most so far",
        "run": f"{config.run.epochs} epochs of {trainer.epoch_steps} steps: {hours:.1f} hours"
        + (
            f", cut to {minutes:g} minutes by the time budget"
            if (minutes := config.run.max_minutes or math.inf) < 60 * hours
            else ""
        ),
        "out": str(config.run.folder),
    }
    sys.stdout.write("".join(f"{name:<15} {value}\n" for name, value in lines.items()))
