"""The training loop: schedule, time budget, validation, checkpoints, export."""

import math
import shlex
import signal
import sys
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
from claritygan_cli.data.batches import Batch, Batches, BatchPlan, Stopwatch, loaded
from claritygan_cli.data.layouts import TrainingFiles, find_training_files
from claritygan_cli.data.overlap import overlap
from claritygan_cli.data.pairs import Pair as FilePair
from claritygan_cli.data.pairs import find_pairs
from claritygan_cli.errors import DataError, UsageError
from claritygan_cli.evaluation.evaluate import evaluate_model
from claritygan_cli.evaluation.metrics import Scores, mean_scores
from claritygan_cli.files import written_whole
from claritygan_cli.models.translator import Translator, choose_device
from claritygan_cli.models.weights import save_model
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.distributed import World, joined
from claritygan_cli.training.machine import settled_precision, suitable_workers
from claritygan_cli.training.pair import DIRECTIONS, make_pair
from claritygan_cli.training.run_folder import RunFolder
from claritygan_cli.training.samples import Samples
from claritygan_cli.training.system import CycleGAN

MAX_BAD_STEPS = 20
VALIDATED_PAIRS = 40
"""Pairs of a validation folder that are scored at a checkpoint, evenly spread; ``claritygan eval`` takes them all."""


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


def validation_pairs(folder: Path) -> tuple[str, list[FilePair]]:
    """A validation folder's name, and the pairs of it that are scored while training.

    Raises:
        UsageError, DataError: as :func:`claritygan_cli.data.pairs.find_pairs`.
    """
    pairs = find_pairs(folder)
    if len(pairs) <= VALIDATED_PAIRS:
        return folder.name, pairs
    step = len(pairs) / VALIDATED_PAIRS
    return f"{folder.name} ({VALIDATED_PAIRS} of {len(pairs)})", [pairs[int(i * step)] for i in range(VALIDATED_PAIRS)]


class Trainer:
    """A run in progress.

    Args:
        config: the run.
        files: what it trains on.
        command: the command line, for the models' cards.

    Raises:
        DataError: a domain is empty, or a folder is not usable.
        ModelError, UsageError: the initial models or the VGG weights are not usable.
    """

    def __init__(
        self, config: TrainConfig, files: TrainingFiles, world: World, device: torch.device, command: str
    ) -> None:
        if config.batch % world.size:
            raise UsageError(f"--batch {config.batch}: must be a multiple of the {world.size} processes")
        config = replace(config, precision=settled_precision(config, device))
        self.config, self.files, self.world, self.device, self.command = config, files, world, device, command
        self.validation = dict(validation_pairs(folder) for folder in config.validation)
        self.system = CycleGAN(config, make_pair(config), device, world)
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
        self.batches = Batches(files, plan)
        self.workers = suitable_workers(config, device, world.size)
        self.epoch_steps = self.batches.steps_per_epoch()
        self.total = config.epochs * self.epoch_steps
        self.folder = RunFolder(config.out)
        self.spent, self.best, self.skipped, self.bad = 0.0, -math.inf, 0, 0
        self.reported: set[str] = set()
        self.watch = Stopwatch()
        self._forget()

    def _forget(self) -> None:
        """Start new means."""
        self.sums: dict[str, Tensor] = defaultdict(lambda: torch.zeros((), device=self.device))
        self.images, self.steps = 0, 0
        self.since, self.watch.seconds = time.monotonic(), 0.0

    def resume(self) -> None:
        """Go on from the run folder's last checkpoint.

        Raises:
            UsageError: there is none that fits.
        """
        state = self.folder.load()
        try:
            self.system.load_state_dict(state["system"])
            self.spent, self.best, self.skipped = state["spent"], state["best"], state["skipped"]
        except (RuntimeError, KeyError, ValueError) as error:
            reason = " ".join(str(error).split())[:120]
            raise UsageError(f"{self.folder.last}: does not fit the settings of this run ({reason})") from error
        if self.world.main:
            self.folder.tidy(self.system.number)

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
                say(f"left out: {problem}")

    def summary(self) -> dict[str, Any]:
        """Means since the last summary, and where the run stands."""
        seconds, steps = time.monotonic() - self.since, max(1, self.steps)
        return {
            "step": self.system.number,
            "epoch": round(self.system.number / self.epoch_steps, 3),
            "minutes": round(self.spent / 60, 2),
            "learning_rate": learning_rate_at(self.progress(), self.config.learning_rate),
            "terms": {name: round(value.item() / steps, 5) for name, value in self.sums.items()},
            "images_per_second": round(self.images / seconds, 2),
            "data_ms": round(1000 * self.watch.seconds / steps, 1),
            "step_ms": round(1000 * (seconds - self.watch.seconds) / steps, 1),
            "skipped": self.skipped,
        }

    def validate(self) -> dict[str, Scores]:
        """Mean scores of the averaged dehazer on each validation folder."""
        translator = Translator(self.system.averages["dehaze"].network, self.device)
        return {
            name: mean_scores([scored.after for scored in evaluate_model(translator, pairs, crop=True)])
            for name, pairs in self.validation.items()
        }

    def checkpoint(self, validate: bool) -> None:
        """Write the checkpoint; with validation also sample pictures, a line of metrics, and models that got better."""
        state = {"system": self.system.state_dict(), "spent": self.spent, "skipped": self.skipped}
        if not self.world.main:
            return
        scores = self.validate() if validate else {}
        psnr = [value for row in scores.values() if (value := row["psnr"]) is not None]
        better = bool(psnr) and sum(psnr) / len(psnr) > self.best
        if better:
            self.best = sum(psnr) / len(psnr)
        self.folder.save(state | {"best": self.best}, better)
        if better or not (psnr and (self.folder.path / "dehaze.safetensors").exists()):
            self.export(scores)
        if validate:
            pair = self.system.averages
            sheet = self.samples.draw(pair["dehaze"].network, pair["hazify"].network, self.device)
            with written_whole(self.folder.samples / f"step_{self.system.number:07d}.jpg") as file:
                sheet.save(file, "JPEG", quality=92)
            self.folder.log({**self.summary(), "validation": scores})

    def export(self, scores: dict[str, Scores]) -> None:
        """Write the averaged generators as models that ``--model`` takes."""
        settings = {
            k: v for k, v in asdict(self.config).items() if k not in ("data", "hazy", "clear", "validation", "out")
        }
        for direction in DIRECTIONS:
            card = self.system.pair.cards[direction]
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
            self.samples = Samples(self.config, self.files)
        self.checkpoint(validate=False)
        started, before = time.monotonic(), self.spent
        next_checkpoint = before + 60 * self.config.checkpoint_minutes
        stopped = 0.0
        self._forget()
        steps = range(self.system.number, self.total)
        bar_format = "{desc}: {percentage:5.1f}%|{bar:12}| {elapsed}<{remaining} {postfix}"
        shown = None if self.world.main else True
        with interruptible() as interrupts, tqdm(total=1, disable=shown, desc="train", bar_format=bar_format) as bar:
            for batch in loaded(self.batches, steps, self.workers, self.watch):
                self.spent = before + time.monotonic() - started
                progress, stopped, due = self.world.agree(
                    self.progress(), bool(interrupts), self.spent >= next_checkpoint
                )
                if stopped or progress >= 1:
                    break
                self.train_step(batch, progress)
                if not bar.disable and time.monotonic() - bar.last_print_t > 1:
                    bar.set_postfix_str(short(self.summary()), refresh=False)
                    bar.update(self.progress() - bar.n)
                if self.system.number % self.epoch_steps == 0 and self.world.main:
                    line = self.summary()
                    self.folder.log(line)
                    bar.write(long(line, self.config.epochs), file=sys.stderr)
                    self._forget()
                if due:
                    self.checkpoint(validate=True)
                    self.spent = before + time.monotonic() - started
                    next_checkpoint = self.spent + 60 * self.config.checkpoint_minutes
                    if self.world.main and self.validation:
                        bar.write(f"validation: best {self.best:.2f} dB", file=sys.stderr)
                    self._forget()
        self.checkpoint(validate=not stopped)
        if stopped:
            raise KeyboardInterrupt


def say(line: str) -> None:
    """A line on stderr, above the progress bar."""
    tqdm.write(line, file=sys.stderr)


def _grouped(line: dict[str, Any]) -> str:
    groups: dict[str, float] = defaultdict(float)
    for name, value in line["terms"].items():
        groups[name.split("_")[0]] += value
    return " ".join(f"{name} {value:.3g}" for name, value in groups.items())


def short(line: dict[str, Any]) -> str:
    """What a progress bar has room for."""
    return f"{_grouped(line)} {line['images_per_second']:.3g} images/s"


def long(line: dict[str, Any], epochs: int) -> str:
    """The line of an epoch."""
    skipped = f", {line['skipped']} steps skipped" if line["skipped"] else ""
    return (
        f"epoch {line['epoch']:g}/{epochs}: {_grouped(line)}; {line['images_per_second']:.3g} images/s, data "
        f"{line['data_ms']:.0f} + step {line['step_ms']:.0f} ms, {line['minutes']:.1f} min{skipped}"
    )


def warn_of_overlap(files: TrainingFiles, trainer: Trainer) -> None:
    """Say which training pictures are in a validation folder too."""
    training = {source.picture for source in (*files.hazy, *files.pairs)} | set(files.clear)
    pairs = [pair for folder in trainer.config.validation for pair in find_pairs(folder)]
    found = overlap(training, {path for pair in pairs for path in (pair.picture, pair.truth)})
    if found:
        say(f"warning: {len(found)} training pictures are validation pictures too ({found[0]}); scores will flatter")


def check_domains(config: TrainConfig, files: TrainingFiles) -> None:
    """See that there is something of each kind that the run needs.

    Raises:
        DataError: there is not.
    """
    where = ", ".join(str(path) for path in (*config.data, *config.hazy, *config.clear)) or "--data"
    if config.unpaired and not (files.hazy and files.clear):
        missing = "hazy" if not files.hazy else "clear"
        raise DataError(f"{where}: no {missing} pictures there; add --{missing} DIR, or a folder NAME/rgb + NAME/depth")
    if config.paired and not files.pairs:
        raise DataError(f"{where}: nothing to supervise with; add clear pictures, or leave out --paired-weight")


def train(config: TrainConfig, resume: bool = False, dry_run: bool = False) -> None:
    """Train to the end of a run, and leave two models in ``config.out``.

    Args:
        resume: go on from the run folder's last checkpoint.
        dry_run: only measure three steps and report on stdout.

    Raises:
        DataError: the data are not usable, or steps stay non-finite.
        ModelError, UsageError: the initial models, the checkpoint or an option are not usable.
        KeyboardInterrupt: after Ctrl-C.
    """
    from claritygan_cli.training.dry_run import report

    if config.threads:
        torch.set_num_threads(config.threads)
    if RunFolder(config.out).last.exists() and not (resume or dry_run):
        raise UsageError(f"{config.out}: holds a run already; go on with --resume, or name another --out")
    files = find_training_files(config.data, config.hazy, config.clear)
    check_domains(config, files)
    with joined(choose_device(config.device)) as (world, device):
        trainer = Trainer(config, files, world, device, shlex.join(["claritygan", *sys.argv[1:]]))
        if resume:
            trainer.resume()
        if world.main:
            warn_of_overlap(files, trainer)
        if dry_run:
            report(trainer)
            return
        if world.main:
            say(f"{config.out}: {len(files.hazy)} hazy and {len(files.clear)} clear pictures, {trainer.total} steps")
        trainer.fit()
