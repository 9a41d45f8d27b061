"""``claritygan train``."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from claritygan_cli.cli.from_settings import was_given, with_settings
from claritygan_cli.errors import SettingError
from claritygan_cli.training.config import (
    DataConfig,
    LossConfig,
    ModelConfig,
    OptimisationConfig,
    RunConfig,
    TrainConfig,
)
from claritygan_cli.training.effects import refuse_without_effect


@with_settings
def train(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(help="Recipe file with settings; options go before it.", metavar="FILE", show_default=False),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be done, after a few steps.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out; other options replace its own settings.")
    ] = False,
    *,
    data: DataConfig,
    model: ModelConfig,
    losses: LossConfig,
    optimisation: OptimisationConfig,
    run: RunConfig,
) -> None:
    """Train a dehazer and a hazifier together: a CycleGAN, on unpaired pictures.

    claritygan train --data RESIDE/ITS --validation RESIDE/SOTS/indoor

    claritygan train --hazy fog/ --clear sunny/ --max-minutes 60

    claritygan train --config recipe.toml --data photos/ --out runs/mine

    On several GPUs: torchrun --nproc-per-node N -m claritygan_cli train ...
    """
    given = {
        f.name: getattr(group, f.name)
        for group in (data, model, losses, optimisation, run)
        for f in fields(group)
        if was_given(context, f.name)
    }
    settings = settings_of(config, run.out if resume else None, resume, given)
    refuse_without_effect(settings, given)
    if not (settings.data.data or settings.data.hazy or settings.data.clear):
        raise SettingError("data", None, "name a folder to train on, or folders of hazy and of clear pictures")
    from claritygan_cli.training.run import train as run_training
    from claritygan_cli.training.run_folder import free_folder

    folders = settings.data.data or settings.data.hazy or settings.data.clear
    out = free_folder(settings.run.out, folders)
    run_training(replace(settings, run=replace(settings.run, out=out)), resume=resume, dry_run=dry_run)


def settings_of(recipe: Path | None, run: Path | None, resume: bool, given: dict[str, Any]) -> TrainConfig:
    """A run's own settings, a recipe's, or the defaults, but for those that are given.

    Raises:
        SettingError: settings do not go together.
        SettingError: a run is to be resumed and not named, or a recipe is named beside it.
        UsageError: the run or the recipe cannot be read.
    """
    if resume and run is None:
        raise SettingError("out", None, "name the run to go on with")
    if not resume and recipe is None:
        return TrainConfig().changed(**given)
    from claritygan_cli.training.run_folder import RunFolder, recipe_of

    if resume and recipe is not None:
        raise SettingError("config", recipe, "a run that goes on has its own recipe; leave this out")
    if recipe is not None:
        return TrainConfig().changed(**(recipe_of(recipe) | given))
    assert run is not None
    return RunFolder(run).read_recipe().changed(**given)
