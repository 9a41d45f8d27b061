"""A training run from its settings to its models."""

import shlex
import sys

import torch

from claritygan_cli.data.layouts import TrainingFiles, find_training_files
from claritygan_cli.data.overlap import overlap
from claritygan_cli.data.pairs import find_pairs
from claritygan_cli.errors import SettingError, UsageError
from claritygan_cli.models.loading import choose_device
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.console import say
from claritygan_cli.training.distributed import process_group
from claritygan_cli.training.dry_run import report
from claritygan_cli.training.run_folder import RunFolder
from claritygan_cli.training.trainer import Trainer


def warn_of_overlap(config: TrainConfig, files: TrainingFiles) -> None:
    """Say which training pictures are in a validation folder too."""
    training = {source.picture for source in (*files.hazy, *files.pairs)} | set(files.clear)
    pairs = [pair for folder in config.data.validation for pair in find_pairs(folder)]
    found = overlap(training, {path for pair in pairs for path in (pair.picture, pair.truth)})
    if found:
        say(f"warning: {len(found)} training pictures are validation pictures too ({found[0]}); scores will flatter")


def check_domains(config: TrainConfig, files: TrainingFiles) -> None:
    """See that there is something of each kind that the run needs.

    Raises:
        UsageError: there is not.
    """
    data = config.data
    where = ", ".join(str(path) for path in (*data.data, *data.hazy, *data.clear))
    if config.losses.unpaired and not (files.hazy and files.clear):
        missing = "hazy" if not files.hazy else "clear"
        raise UsageError(
            f"{where}: no {missing} pictures there; name a folder of {missing} ones, or NAME/rgb + NAME/depth"
        )
    if config.losses.paired and not files.pairs:
        raise UsageError(f"{where}: nothing to supervise with; add clear pictures, or train without paired terms")


def check_folder(folder: RunFolder) -> None:
    """See that a new run may be put there.

    Raises:
        UsageError: there is a run already, or something else.
    """
    if folder.last.exists():
        raise UsageError(f"{folder.path}: holds a run already; resume it, or name another folder")
    taken = folder.path.is_file() or (folder.path.is_dir() and any(folder.path.iterdir()))
    if taken and not folder.recipe.exists():
        raise SettingError("out", folder.path, "is there already, and no run; name a new folder")


def train(config: TrainConfig, resume: bool = False, dry_run: bool = False) -> None:
    """Train to the end of a run, and leave two models in its folder.

    Args:
        resume: go on from the run folder's last checkpoint.
        dry_run: only measure a few steps and report on stdout.

    Raises:
        DataError: the data are not usable, or steps stay non-finite.
        ModelError, UsageError: the initial models, the checkpoint or a setting are not usable.
        KeyboardInterrupt: after Ctrl-C.
        SystemExit: after SIGTERM.
    """
    folder = RunFolder(config.run.folder)
    if config.run.threads:
        torch.set_num_threads(config.run.threads)
    if not (resume or dry_run):
        check_folder(folder)
    files = find_training_files(config.data.data, config.data.hazy, config.data.clear, config.data.relative_depth)
    check_domains(config, files)
    with process_group(choose_device(config.run.device)) as (world, device):
        state = folder.load() if resume else None
        trainer = Trainer(config, files, world, device, shlex.join(["claritygan", *sys.argv[1:]]), state)
        if world.main:
            warn_of_overlap(config, files)
        if dry_run:
            report(trainer)
            return
        if resume and trainer.progress() >= 1:
            raise UsageError(f"{folder.path}: is over, at step {trainer.system.number}; allow more epochs or minutes")
        if world.main:
            say(start_line(trainer, resume))
        try:
            trainer.fit()
        except (KeyboardInterrupt, SystemExit):
            if world.main:
                say(f"{folder.path}: saved at step {trainer.system.number}, to be resumed")
            raise


def start_line(trainer: Trainer, resume: bool) -> str:
    """What is trained on what, and how."""
    config, files = trainer.config, trainer.files
    pairs = f", {len(files.pairs)} pairs" if config.losses.paired else ""
    counts = f"{len(files.hazy)} hazy and {len(files.clear)} clear pictures{pairs}"
    start = f"from step {trainer.system.number} of {trainer.total}" if resume else f"{trainer.total} steps"
    budget = f", at most {config.run.max_minutes:g} minutes" if config.run.max_minutes else ""
    precision = f"{config.optimisation.precision} ({trainer.precision_reason}) on {trainer.device}"
    return f"{config.run.folder}: {counts}, {start}{budget}, {precision}"
