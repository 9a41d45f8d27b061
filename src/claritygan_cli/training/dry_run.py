"""What a run would be, measured on a few steps and without writing anything."""

import math
import sys
import time

import numpy as np

from claritygan_cli.errors import DataError
from claritygan_cli.training.hardware import peak_memory
from claritygan_cli.training.trainer import Trainer

STEPS = 4
"""A kind_of_step of everybody who is taught."""
SIZED = 200


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


def report(trainer: Trainer) -> None:
    """Take a few steps after a first one, and print what the run would be.

    Raises:
        DataError: no file of a domain can be read, or as the trainer's steps.
    """
    config, files, system = trainer.config, trainer.files, trainer.system
    times, loading = [], []
    for step in range(STEPS + 1):
        started = time.perf_counter()
        batch = trainer.batches.make(step)
        made = time.perf_counter()
        trainer.train_step(batch, 0.0)
        times.append(time.perf_counter() - made)
        loading.append(made - started)
    if not trainer.world.main:
        return
    seconds, data = float(np.mean(times[1:])), float(np.mean(loading[1:]))
    total = max(seconds, data / trainer.workers) if trainer.workers else seconds + data
    generators = sum(p.numel() for network in system.pair.networks.values() for p in network.parameters())
    discriminators = sum(p.numel() for p in system.discriminators.parameters()) if system.discriminators else 0
    hours = trainer.total * total / 3600
    lines = {
        "data": f"{len(files.hazy)} hazy, {len(files.clear)} clear, {len(files.pairs)} pairs; {sizes(trainer)} pixels",
        "validation": ", ".join(f"{name}: {len(pairs)} pairs" for name, pairs in trainer.validation.items()) or "none",
        "generators": f"{config.generator}, {generators / 1e6:.2f} M parameters in both",
        "discriminators": f"{discriminators / 1e6:.2f} M parameters in both" if discriminators else "none",
        "step": f"{batch.images} views of {config.size} px ({config.views}), {config.precision} on {trainer.device}",
        "speed": f"{1000 * seconds:.0f} ms a step, {1000 * data:.0f} ms to load it, {trainer.workers} loader processes",
        "memory": f"{peak_memory(trainer.device):.0f} MiB at most so far",
        "run": f"{config.epochs} epochs of {trainer.epoch_steps} steps: {hours:.1f} hours"
        + (
            f", cut to {minutes:g} minutes by --max-minutes"
            if (minutes := config.max_minutes or math.inf) < 60 * hours
            else ""
        ),
        "out": str(config.out),
    }
    sys.stdout.write("".join(f"{name:<11} {value}\n" for name, value in lines.items()))
