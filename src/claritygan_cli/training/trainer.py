"""The training loop: schedule, time budget, validation, checkpoints, export."""

import math
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from claritygan_cli import __version__
from claritygan_cli.atomic import written_whole
from claritygan_cli.data.batches import CACHE, Batch, Batches, BatchPlan, Stopwatch, loaded
from claritygan_cli.data.layouts import TrainingFiles
from claritygan_cli.errors import DataError, UsageError
from claritygan_cli.evaluation.metrics import Scores
from claritygan_cli.models.weights import ModelCard, save_model
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.console import long, psnr_of, say, short
from claritygan_cli.training.distributed import World
from claritygan_cli.training.generator_pair import DIRECTIONS, make_generator_pair
from claritygan_cli.training.hardware import settled_precision, suitable_workers
from claritygan_cli.training.run_folder import RunFolder
from claritygan_cli.training.samples import Samples
from claritygan_cli.training.system import CycleGAN
from claritygan_cli.training.validation import hazy_psnr, mean_psnr, validate_on, validation_pairs

MAX_BAD_STEPS = 20


def learning_rate_at(progress: float, peak: float) -> float:
    """Constant over the first half, then falling linearly to 0 (CycleGAN, section 7.1); ``progress`` from 0 to 1."""
    return peak * min(1.0, max(0.0, 2 * (1 - progress)))


@contextmanager
def interruptible() -> Iterator[list[bool]]:
    """A list that Ctrl-C puts True into, so that a step can be finished first; a second Ctrl-C interrupts at once."""
    wanted: list[bool] = []

    def note(_signal: int, _frame: object) -> None:
        wanted.append(True)
        signal.signal(signal.SIGINT, previous)

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield wanted
    finally:
        signal.signal(signal.SIGINT, previous)


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
        if config.batch % world.size:
            raise UsageError(f"--batch {config.batch}: must be a multiple of the {world.size} processes")
        config = replace(config, precision=world.agree(settled_precision(config, device))[0])
        self.config, self.files, self.world, self.device, self.command = config, files, world, device, command
        self.validation = validation_pairs(config.validation)
        cards = {direction: ModelCard(**card) for direction, card in state["cards"].items()} if state else None
        self.system = CycleGAN(config, make_generator_pair(config, cards), device, world)
        plan = BatchPlan(
            config.batch,
            config.size,
            config.views,
            config.unpaired,
            config.paired,
            config.seed,
            world.rank,
            world.size,
        )
        self.workers = suitable_workers(config, device, world.size)
        self.batches = Batches(files, plan, CACHE // max(1, self.workers))
        self.epoch_steps = self.batches.steps_per_epoch()
        self.total = config.epochs * self.epoch_steps
        self.folder = RunFolder(config.out)
        self.spent, self.best, self.skipped, self.bad = 0.0, -math.inf, 0, 0
        self.reported: set[str] = set()
        self.watch = Stopwatch()
        self.line: dict[str, Any] = {}
        self.exported = 0
        if state:
            self._resume(state)
        self._forget()

    def _forget(self) -> None:
        """Start new means."""
        self.sums: dict[str, Tensor] = defaultdict(lambda: torch.zeros((), device=self.device))
        self.counts: dict[str, int] = defaultdict(int)
        self.images = self.steps = 0
        self.since, self.watch.seconds = time.perf_counter(), 0.0

    def _resume(self, state: dict[str, Any]) -> None:
        try:
            self.system.load_state_dict(state["system"])
            self.spent, self.skipped, self.exported = state["spent"], state["skipped"], state["exported"]
        except (RuntimeError, KeyError, ValueError) as error:
            reason = " ".join(str(error).split())[:120]
            raise UsageError(f"{self.folder.last}: does not fit the settings of this run ({reason})") from error
        if state["validated"] == list(self.validation):
            self.best = state["best"]

    def progress(self) -> float:
        """How much of the run is over, 0 to 1: by steps or, if that is more, by its time budget."""
        share = self.system.number / self.total
        return max(share, self.spent / (60 * self.config.max_minutes)) if self.config.max_minutes else share

    def train_step(self, batch: Batch, progress: float) -> None:
        """Train on one batch.

        Raises:
            DataError: too many steps in a row were not finite.
        """
        terms, finite = self.system.step(batch.to(self.device), learning_rate_at(progress, self.config.learning_rate))
        self.images, self.steps = self.images + batch.images, self.steps + 1
        if finite:
            self.bad = 0
            for name, value in terms.items():
                self.sums[name] += value
                self.counts[name] += 1
        else:
            self.bad, self.skipped = self.bad + 1, self.skipped + 1
        if self.bad > MAX_BAD_STEPS:
            raise DataError(
                f"{self.config.out}: {self.bad} steps in a row were not finite; try a lower --learning-rate, "
                "--clip-norm 1 or --precision fp32"
            )
        for problem in batch.broken:
            if problem not in self.reported:
                self.reported.add(problem)
                if self.world.main:
                    say(f"left out: {problem}")

    def summary(self) -> dict[str, Any]:
        """Means since they were last forgotten (or the last ones, if nothing has happened), and where the run is."""
        line = {
            "step": self.system.number,
            "epoch": round(self.system.number / self.epoch_steps, 3),
            "minutes": round(self.spent / 60, 2),
            "learning_rate": learning_rate_at(self.progress(), self.config.learning_rate),
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
        """Write the checkpoint; with validation also sample pictures, a line of metrics, and models that got better."""
        state = {
            "system": self.system.state_dict(),
            "cards": {direction: asdict(card) for direction, card in self.system.pair.cards.items()},
            "spent": self.spent,
            "skipped": self.skipped,
            "validated": list(self.validation),
            "exported": self.exported,
        }
        if not self.world.main:
            return
        line, averages = self.summary(), self.system.averages
        self.folder.save({**state, "best": self.best})  # first, whatever happens while validating
        if self.system.number == 0:
            return
        scores = validate_on(self.validation, averages["dehaze"].network, self.device) if validate else {}
        psnr = mean_psnr(scores)
        if psnr is not None and psnr > self.best:
            self.best = psnr
            self.export(scores)
            self.folder.save({**state, "best": self.best, "exported": self.exported}, best=True)
        elif not (self.validation and self.folder.has_models()):
            self.export(scores)
        if validate:
            sheet = self.samples.draw(averages["dehaze"].network, averages["hazify"].network, self.device)
            with written_whole(self.folder.samples / f"step_{self.system.number:07d}.jpg") as file:
                sheet.save(file, "JPEG", quality=92)
            self.folder.log({**line, "validation": scores})
            if psnr is not None:
                say(f"validation: {psnr_of(scores)}; best so far {self.best:.2f} dB")

    def export(self, scores: dict[str, Scores]) -> None:
        """Write the averaged generators as models that ``--model`` takes."""
        self.exported = self.system.number
        settings = {
            k: v for k, v in asdict(self.config).items() if k not in ("data", "hazy", "clear", "validation", "out")
        }
        for direction in DIRECTIONS:
            card = self.system.pair.cards[direction]
            if self.config.only in (None, direction):
                recipe = {
                    "command": self.command,
                    "version": __version__,
                    "steps": self.system.number,
                    "minutes": round(self.spent / 60, 1),
                    "chosen": "best validation PSNR of the run" if scores else "last of the run",
                    "settings": {k: str(v) if isinstance(v, Path) else v for k, v in settings.items()},
                    **({"initial": card.recipe} if card.recipe else {}),
                }
                data = [path.name for path in (*self.config.data, *self.config.hazy, *self.config.clear)]
                card = replace(card, recipe=recipe, data=data, scores=scores if direction == "dehaze" else {})
            save_model(self.folder.path / f"{direction}.safetensors", self.system.averages[direction].network, card)

    def fit(self) -> None:
        """Train to the end of the run; Ctrl-C saves first.

        Raises:
            DataError: as :meth:`train_step`, or no file of a domain can be read.
            KeyboardInterrupt: after Ctrl-C.
        """
        if self.world.main:
            self.folder.write_config(self.config)
            self.folder.tidy(self.system.number)
            self.samples = Samples(self.config, self.files)
            if self.validation:
                say(f"validation: hazy input {psnr_of(hazy_psnr(self.validation))}")
        if self.system.number == 0:
            self.checkpoint(validate=False)
        started, before = time.perf_counter(), self.spent
        next_checkpoint = before + 60 * self.config.checkpoint_minutes
        stopped = drawn = 0.0
        self._forget()
        steps = range(self.system.number, self.total)
        bar_format = "{percentage:5.1f}% {elapsed}<{remaining}{postfix}"
        shown = None if self.world.main else True
        with (
            interruptible() as interrupts,
            tqdm(total=1, initial=self.progress(), disable=shown, bar_format=bar_format) as bar,
        ):
            for batch in loaded(self.batches, steps, self.workers, self.watch):
                self.spent = before + time.perf_counter() - started
                progress, stopped, due = self.world.agree(
                    self.progress(), bool(interrupts), self.spent >= next_checkpoint
                )
                if stopped or progress >= 1:
                    break
                self.train_step(batch, progress)
                if not bar.disable and time.perf_counter() - drawn > 1:
                    drawn, bar.n = time.perf_counter(), self.progress()
                    bar.set_postfix_str(short(self.summary()))
                if self.system.number % self.epoch_steps == 0 and self.world.main:
                    line = self.summary()
                    self.folder.log(line)
                    say(long(line, self.config.epochs))
                    self._forget()
                if due:
                    self.checkpoint(validate=True)
                    self.spent = before + time.perf_counter() - started
                    next_checkpoint = self.spent + 60 * self.config.checkpoint_minutes
                    self._forget()
        self.checkpoint(validate=not stopped)
        if stopped:
            raise KeyboardInterrupt
        if self.system.number == 0:
            raise DataError(f"{self.folder.path}: no step was taken in the time given; raise --max-minutes")
        if self.world.main:
            say(f"{self.folder.path}: dehaze.safetensors and hazify.safetensors, of step {self.exported}")
