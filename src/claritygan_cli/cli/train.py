"""``claritygan train``."""

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Stage(StrEnum):
    """What a run learns from."""

    supervised = "supervised"
    cyclegan = "cyclegan"


class Precision(StrEnum):
    """Numbers that the networks compute with."""

    bf16 = "bf16"
    fp32 = "fp32"


def train(
    data: Annotated[Path, typer.Option(help="Training folder: NAME/rgb+depth, NAME/rgb+labels, clear/, hazy/.")],
    out: Annotated[Path, typer.Option(help="Run folder: checkpoint, metrics.jsonl and the two models.")],
    stage: Annotated[
        Stage, typer.Option(help="supervised: synthetic haze. cyclegan: also unpaired real haze.")
    ] = Stage.supervised,
    minutes: Annotated[float, typer.Option(min=0.01, help="Time budget; the schedule fits itself to it.")] = 60.0,
    validation: Annotated[list[Path] | None, typer.Option(help="Folder with pairs to score; may repeat.")] = None,
    initial: Annotated[Path | None, typer.Option(help="Run folder whose models to start from.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Views of 128x128 px per step.")] = 16,
    learning_rate: Annotated[
        float | None, typer.Option(help="Peak learning rate [default: 1.5e-3 supervised, 2e-4 cyclegan].")
    ] = None,
    paired_weight: Annotated[
        float, typer.Option(min=0.0, help="Weight of synthetic pairs in the cyclegan stage; 0: purely unpaired.")
    ] = 10.0,
    perceptual_weight: Annotated[
        float, typer.Option(min=0.0, help="Weight of the VGG term on the cycles; 0: none.")
    ] = 0.0,
    vgg: Annotated[Path | None, typer.Option(help="VGG-19 weights file [default: torchvision's download].")] = None,
    vgg_layer: Annotated[
        list[str] | None, typer.Option(help="ReLU to compare, e.g. relu3_4; may repeat. [default: relu2_2, relu3_4]")
    ] = None,
    precision: Annotated[Precision, typer.Option(help="Numbers to compute with.")] = Precision.bf16,
    checkpoint_minutes: Annotated[float, typer.Option(min=0.05, help="Time between checkpoints.")] = 6.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run folder's last checkpoint.")] = False,
) -> None:
    """Train a dehazer and a hazifier together."""
    from claritygan_cli.training.config import TrainConfig
    from claritygan_cli.training.trainer import train as run

    config = TrainConfig(
        data=data,
        out=out,
        stage=stage.value,
        minutes=minutes,
        validation=tuple(validation or ()),
        initial=initial,
        batch=batch,
        learning_rate=learning_rate or (1.5e-3 if stage is Stage.supervised else 2e-4),
        paired_weight=paired_weight,
        perceptual_weight=perceptual_weight,
        vgg=vgg,
        vgg_layers=tuple(vgg_layer or ("relu2_2", "relu3_4")),
        precision=precision.value,
        checkpoint_minutes=checkpoint_minutes,
        seed=seed,
        threads=threads,
    )
    run(config, command=shlex.join(["claritygan", *sys.argv[1:]]), resume=resume)
