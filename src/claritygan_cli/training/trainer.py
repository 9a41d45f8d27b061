"""The training loop."""

import math
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from claritygan_cli.data.batches import CACHE, Batch, Batches, BatchPlan, Stopwatch, loaded
from claritygan_cli.data.layouts import TrainingFiles
from claritygan_cli.errors import DataError, SettingError
from claritygan_cli.models.card import ModelCard
from claritygan_cli.stopping import stop_signals
from claritygan_cli.training.checkpoints import Checkpoints
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.console import long, psnr_of, say, short
from claritygan_cli.training.cyclegan import CycleGAN
from claritygan_cli.training.distributed import World
from claritygan_cli.training.generator_pair import make_generator_pair
from claritygan_cli.training.hardware import settled_precision, suitable_workers
from claritygan_cli.training.schedule import parts_needed
from claritygan_cli.training.validation import hazy_psnr, validation_pairs

AGREE_EVERY = 10
"""Steps from one time to the next that several processes agree on the progress of a run."""


def learning_rate_at(progress: float, peak: float, constant_share: float) -> float:
    """Constant at first, then falling linearly to 0 (CycleGAN, section 7.1); ``progress`` from 0 to 1."""
    if progress <= constant_share:
        return peak
    return peak * max(0.0, (1 - progress) / (1 - constant_share))


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """A list that Ctrl-C (SIGINT), SIGTERM and SIGHUP are noted in, so that a step can be finished and the run saved.

    A second signal of a kind has its usual effect at once.
    """
    wanted: list[int] = []
    previous: dict[int, Any] = {}

    def note(number: int, _frame: object) -> None:
        wanted.append(number)
        signal.signal(number, previous[number])

    for handled in (signal.SIGINT, *stop_signals()):
        previous[int(handled)] = signal.signal(handled, note)
    try:
        yield wanted
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class Trainer:
    """A run in progress.

    Args:
        config: the run.
        files: what it trains on.
        command: the command line, for the models' cards.
        state: a checkpoint to go on from.

    Raises:
        DataError: a validation folder is not usable.
        ModelError, UsageError: the initial models, the VGG weights or the checkpoint are not usable.
    """

    def __init__(
        self,
        config: TrainConfig,
        files: TrainingFiles,
        world: World,
        device: torch.device,
        command: str,
        state: dict[str, Any] | None = None,
    ) -> None:
        if config.data.batch % world.size:
            raise SettingError("batch", config.data.batch, f"must be a multiple of the {world.size} processes")
        precision, self.precision_reason = settled_precision(config, device)
        config = config.changed(precision=world.agree(precision)[0])
        self.config, self.files, self.world, self.device = config, files, world, device
        self.validation = validation_pairs(config.data.validation)
        cards = {direction: ModelCard(**card) for direction, card in state["cards"].items()} if state else None
        self.system = CycleGAN(config, make_generator_pair(config, cards), device, world)
        data = config.data
        parts = tuple(parts_needed(kind, config) for kind in self.system.schedule)
        plan = BatchPlan(
            data.batch,
            data.size,
            data.crop_shapes,
            parts,
            config.run.seed,
            world.rank,
            world.size,
            config.haze,
            data.weights,
        )
        self.workers = suitable_workers(config, device, world.size)
        self.batches = Batches(files, plan, CACHE // max(1, self.workers))
        self.epoch_steps = self.batches.steps_per_epoch()
        self.total = config.run.epochs * self.epoch_steps
        self.checkpoints = Checkpoints(config, files, self.system, self.validation, command)
        self.spent, self.skipped, self.bad = 0.0, 0, 0
        self.last_checkpoint = 0.0
        self.reported: set[str] = set()
        self.watch = Stopwatch()
        self.line: dict[str, Any] = {}
        if state:
            self.spent, self.skipped = self.checkpoints.resume(state)
        self._start_new_means()

    def _start_new_means(self) -> None:
        self.sums: dict[str, Tensor] = defaultdict(lambda: torch.zeros((), device=self.device))
        self.counts: dict[str, int] = defaultdict(int)
        self.images = self.steps = 0
        self.since, self.watch.seconds = time.perf_counter(), 0.0

    def progress(self) -> float:
        """How much of the run is over, 0 to 1: by steps or, if that is more, by its time budget."""
        return max(self.system.number / self.total, self.time_share())

    def time_share(self) -> float:
        """How much of its time budget, less what the last checkpoint will take, is over; 0 where there is none."""
        minutes = self.config.run.max_minutes
        return self.spent / max(1e-9, 60 * minutes - self.last_checkpoint) if minutes else 0.0

    def learning_rate(self, progress: float) -> float:
        """The learning rate at a progress from 0 to 1."""
        settings = self.config.optimisation
        return learning_rate_at(progress, settings.learning_rate, settings.constant_share)

    def train_step(self, batch: Batch, progress: float) -> None:
        """Train on one batch.

        Raises:
            DataError: too many steps in a row were not finite.
        """
        terms, finite = self.system.step(batch.to(self.device), self.learning_rate(progress))
        self.images, self.steps = self.images + batch.images, self.steps + 1
        if finite:
            self.bad = 0
            for name, value in terms.items():
                self.sums[name] += value
                self.counts[name] += 1
        else:
            self.bad, self.skipped = self.bad + 1, self.skipped + 1
        if self.bad > self.config.optimisation.max_bad_steps:
            raise DataError(
                f"{self.config.run.folder}: {self.bad} steps in a row were not finite; try a lower learning rate, "
                "a clip norm of 1, or fp32"
            )
        for problem in batch.broken:
            if problem not in self.reported:
                self.reported.add(problem)
                if self.world.main:
                    say(f"left out: {problem}")

    def summary(self) -> dict[str, Any]:
        """Means since new ones were started (or the last ones, if nothing has happened), and where the run is."""
        line = {
            "step": self.system.number,
            "epoch": round(self.system.number / self.epoch_steps, 3),
            "minutes": round(self.spent / 60, 2),
            "learning_rate": self.learning_rate(self.progress()),
        }
        if self.steps:
            seconds = max(1e-9, time.perf_counter() - self.since)
            self.line = {
                "terms": {name: round(value.item() / self.counts[name], 5) for name, value in self.sums.items()},
                "images_per_second": round(self.images / seconds, 2),
                "data_ms": round(1000 * self.watch.seconds / self.steps, 1),
                "step_ms": round(1000 * (seconds - self.watch.seconds) / self.steps, 1),
            }
        return {**line, **self.line, "skipped": self.skipped}

    def checkpoint(self, validate: bool) -> None:
        """Write the checkpoint, see :meth:`Checkpoints.write`; with validation, note how long it takes."""
        started = time.perf_counter()
        self.checkpoints.write(self.spent, self.skipped, self.summary(), validate)
        if validate:
            self.last_checkpoint = time.perf_counter() - started

    def fit(self) -> None:
        """Train to the end of the run; Ctrl-C, SIGTERM and SIGHUP save first.

        Raises:
            DataError: as :meth:`train_step`, or no file of a domain can be read.
            KeyboardInterrupt: after Ctrl-C.
            SystemExit: after SIGTERM and SIGHUP, with codes 143 and 129.
        """
        folder = self.checkpoints.folder
        if self.world.main:
            folder.write_recipe(self.config)
            folder.tidy(self.system.number)
            if self.validation:
                say(f"validation: hazy input {psnr_of(hazy_psnr(self.validation))}")
                if self.config.run.max_minutes:
                    self.last_checkpoint = self.checkpoints.seconds_of_validation()
        if self.system.number == 0:
            self.checkpoint(validate=False)
        bar_format = "{percentage:5.1f}% {elapsed}<{remaining}{postfix}"
        shown = None if self.world.main else True
        with (
            interruptible() as interrupts,
            tqdm(total=1, initial=self.progress(), disable=shown, bar_format=bar_format) as bar,
        ):
            stopped = self._steps(interrupts, bar)
        self.checkpoint(validate=not stopped)
        if stopped and stopped != signal.SIGINT:
            raise SystemExit(128 + stopped)
        if stopped:
            raise KeyboardInterrupt
        if self.system.number == 0:
            raise DataError(f"{folder.path}: no step was taken in the time given; allow more minutes")
        if self.world.main:
            say(f"{folder.path}: dehaze.safetensors and hazify.safetensors, of step {self.checkpoints.exported}")

    def _steps(self, interrupts: list[int], bar: Any) -> int:
        """Take steps until the run is over; the number of the signal that stopped it, or 0."""
        started, before, drawn = time.perf_counter(), self.spent, 0.0
        next_checkpoint = before + 60 * self.config.run.checkpoint_minutes
        (time_share,) = self.world.agree_on_numbers(self.device, self.time_share())
        stopped, due = 0.0, 0.0
        self._start_new_means()
        steps = range(self.system.number, self.total)
        for batch in loaded(self.batches, steps, self.workers, self.watch):
            self.spent = before + time.perf_counter() - started
            if self.world.size == 1 or self.system.number % AGREE_EVERY == 0:
                time_share, stopped, due = self.world.agree_on_numbers(
                    self.device, self.time_share(), interrupts[0] if interrupts else 0, self.spent >= next_checkpoint
                )
            progress = max(self.system.number / self.total, time_share)
            if stopped or progress >= 1:
                break
            self.train_step(batch, progress)
            if not bar.disable and time.perf_counter() - drawn > 1:
                drawn, bar.n = time.perf_counter(), self.progress()
                bar.set_postfix_str(short(self.summary()))
            if self.system.number % self.epoch_steps == 0 and self.world.main:
                line = self.summary()
                self.checkpoints.folder.log(line)
                say(long(line, self.config.run.epochs))
                self._start_new_means()
            left = 60 * (self.config.run.max_minutes or math.inf) - self.spent
            if due and left > 2 * self.last_checkpoint:  # else the last one comes at once
                due = 0.0
                self.checkpoint(validate=True)
                self.spent = before + time.perf_counter() - started
                next_checkpoint = self.spent + 60 * self.config.run.checkpoint_minutes
                self._start_new_means()
        return int(stopped)
