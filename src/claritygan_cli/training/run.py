"""A training run from its settings to its models."""

import shlex
import sys

import torch

from claritygan_cli.data.layouts import TrainingFiles, find_training_files
from claritygan_cli.data.overlap import overlap
from claritygan_cli.data.pairs import find_pairs
from claritygan_cli.errors import UsageError
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
    pairs = [pair for folder in config.validation for pair in find_pairs(folder)]
    found = overlap(training, {path for pair in pairs for path in (pair.picture, pair.truth)})
    if found:
        say(f"warning: {len(found)} training pictures are validation pictures too ({found[0]}); scores will flatter")


def check_domains(config: TrainConfig, files: TrainingFiles) -> None:
    """See that there is something of each kind that the run needs.

    Raises:
        UsageError: there is not.
    """
    where = ", ".join(str(path) for path in (*config.data, *config.hazy, *config.clear)) or "--data"
    if config.unpaired and not (files.hazy and files.clear):
        missing = "hazy" if not files.hazy else "clear"
        raise UsageError(f"{where}: no {missing} pictures there; add --{missing} DIR, or NAME/rgb + NAME/depth")
    if config.paired and not files.pairs:
        raise UsageError(f"{where}: nothing to supervise with; add clear pictures, or leave out --paired-weight")


def check_only(config: TrainConfig) -> None:
    """See that a run which teaches one generator alone has the other, and can tell when it got better.

    Raises:
        UsageError: it cannot.
    """
    if config.only and (config.unpaired or config.initial is None):
        raise UsageError(f"--only {config.only}: add --objective supervised and --initial RUN, whose other model stays")
    if config.only == "hazify" and config.validation:
        raise UsageError("--only hazify: leave out --validation, which scores dehazers")


def train(config: TrainConfig, resume: bool = False, dry_run: bool = False) -> None:
    """Train to the end of a run, and leave two models in ``config.out``.

    Args:
        resume: go on from the run folder's last checkpoint.
        dry_run: only measure a few steps and report on stdout.

    Raises:
        DataError: the data are not usable, or steps stay non-finite.
        ModelError, UsageError: the initial models, the checkpoint or an option are not usable.
        KeyboardInterrupt: after Ctrl-C.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    if RunFolder(config.out).last.exists() and not (resume or dry_run):
        raise UsageError(f"{config.out}: holds a run already; go on with --resume, or name another --out")
    taken = config.out.is_file() or (config.out.is_dir() and any(config.out.iterdir()))
    if taken and not (resume or dry_run or RunFolder(config.out).settings.exists()):
        raise UsageError(f"--out {config.out}: is there already, and no run; name a new folder")
    check_only(config)
    files = find_training_files(config.data, config.hazy, config.clear)
    check_domains(config, files)
    with process_group(choose_device(config.device)) as (world, device):
        state = RunFolder(config.out).load() if resume else None
        trainer = Trainer(config, files, world, device, shlex.join(["claritygan", *sys.argv[1:]]), state)
        if world.main:
            warn_of_overlap(config, files)
        if dry_run:
            report(trainer)
            return
        if resume and trainer.progress() >= 1:
            raise UsageError(f"{config.out}: is over, at step {trainer.system.number}; raise --epochs or --max-minutes")
        if world.main:
            pairs = f", {len(files.pairs)} pairs" if config.paired else ""
            counts = f"{len(files.hazy)} hazy and {len(files.clear)} clear pictures{pairs}"
            start = f"from step {trainer.system.number} of {trainer.total}" if resume else f"{trainer.total} steps"
            budget = f", at most {config.max_minutes:g} minutes" if config.max_minutes else ""
            say(f"{config.out}: {counts}, {start}{budget}, {trainer.config.precision} on {device}")
        try:
            trainer.fit()
        except KeyboardInterrupt:
            if world.main:
                say(f"saved at step {trainer.system.number}; go on with: claritygan train --resume --out {config.out}")
            raise
