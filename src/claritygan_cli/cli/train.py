"""``claritygan train``."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from claritygan_cli.cli.arguments import Direction


class Device(StrEnum):
    """Where networks run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class Generator(StrEnum):
    """Kinds of networks."""

    scattering = "scattering"
    resnet = "resnet"


class Objective(StrEnum):
    """What a run minimises."""

    cyclegan = "cyclegan"
    supervised = "supervised"


class Views(StrEnum):
    """Shapes of the training views."""

    square = "square"
    varied = "varied"


class Adversarial(StrEnum):
    """Forms of the adversarial loss."""

    lsgan = "lsgan"
    log = "log"


class Precision(StrEnum):
    """Numbers that the networks compute with."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


def weight(meaning: str) -> Any:
    """An option for the weight of a loss term."""
    return typer.Option(min=0.0, help=f"Weight of {meaning}.")


def train(
    context: typer.Context,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="RESIDE's ITS or OTS, hazy/ + clear/, trainA/ + trainB/, or NAME/rgb + NAME/depth; may repeat."
        ),
    ] = None,
    hazy: Annotated[list[Path] | None, typer.Option(help="Folder of hazy pictures; may repeat.")] = None,
    clear: Annotated[list[Path] | None, typer.Option(help="Folder of clear pictures; may repeat.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Run folder [default: runs/DATA].")] = None,
    validation: Annotated[
        list[Path] | None, typer.Option(help="Folder with pairs (RESIDE's SOTS) to score; may repeat.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be done, after a few steps.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out; other options, if given, replace its own.")
    ] = False,
    max_minutes: Annotated[
        float | None, typer.Option(min=0.01, help="Time budget; the schedule fits itself to it.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Rounds over the larger of hazy and clear.")] = 200,
    generator: Annotated[Generator, typer.Option(help="Networks to train.")] = Generator.scattering,
    initial: Annotated[
        str | None, typer.Option(metavar="RUN", help="Start from a run's models, or from the 'bundled' ones.")
    ] = None,
    objective: Annotated[
        Objective, typer.Option(help="cyclegan: unpaired, with discriminators. supervised: pairs only.")
    ] = Objective.cyclegan,
    only: Annotated[
        Direction | None, typer.Option(help="Supervised: teach this one of --initial's models, keep the other.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Views in a step.")] = 4,
    size: Annotated[int, typer.Option(min=64, help="Side of a view in pixels, a multiple of 32.")] = 128,
    views: Annotated[Views, typer.Option(help="square, or varied in scale and aspect.")] = Views.square,
    learning_rate: Annotated[float, typer.Option(min=0.0, help="Falls to 0 over the second half.")] = 2e-4,
    adversarial: Annotated[Adversarial, typer.Option(help="Form of the adversarial loss.")] = Adversarial.lsgan,
    cycle_weight: Annotated[float, weight("the cycle term")] = 10.0,
    identity_weight: Annotated[float, weight("the identity term")] = 5.0,
    perceptual_weight: Annotated[float, weight("the VGG term on the cycles")] = 0.0,
    paired_weight: Annotated[float, weight("the supervised terms where pairs are known; 0: purely unpaired")] = 0.0,
    vgg: Annotated[Path | None, typer.Option(help="VGG-19 weights file [default: torchvision's download].")] = None,
    vgg_layer: Annotated[
        list[str] | None, typer.Option(help="ReLU to compare; may repeat. [default: relu2_2, relu3_4]")
    ] = None,
    r1_weight: Annotated[float, weight("the R1 gradient penalty on the discriminators")] = 0.0,
    discriminator_width: Annotated[int, typer.Option(min=1, help="Channels of the discriminators' first layer.")] = 64,
    clip_norm: Annotated[float, typer.Option(min=0.0, help="Greatest norm of a gradient; 0: any.")] = 0.0,
    pool: Annotated[int, typer.Option(min=0, help="Generated pictures kept for the discriminators.")] = 50,
    precision: Annotated[Precision, typer.Option(help="auto: bf16 where it is faster.")] = Precision.auto,
    gradient_checkpointing: Annotated[
        bool, typer.Option("--gradient-checkpointing", help="Less memory, more time.")
    ] = False,
    width: Annotated[int, typer.Option(min=1, help="Channels of resnet's first layer.")] = 64,
    blocks: Annotated[int, typer.Option(min=1, help="Residual blocks of resnet.")] = 9,
    checkpoint_minutes: Annotated[float, typer.Option(min=0.0, help="Time between checkpoints.")] = 10.0,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Loader processes [default: what suits the machine].")
    ] = None,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.auto,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
) -> None:
    """Train a dehazer and a hazifier together: a CycleGAN, on unpaired pictures.

    On several GPUs: torchrun --nproc-per-node N -m claritygan_cli train ...
    """
    from claritygan_cli.errors import UsageError
    from claritygan_cli.training.config import TrainConfig
    from claritygan_cli.training.run import train as run
    from claritygan_cli.training.run_folder import RunFolder, free_folder

    if resume and out is None:
        raise UsageError("--resume: name the run to go on with by --out")
    if not (resume or data or hazy or clear):
        raise UsageError("--data: name a folder to train on, or --hazy and --clear folders")
    if size % 32:
        raise UsageError(f"--size {size}: must be a multiple of 32")
    settings: dict[str, Any] = {
        "data": tuple(data or ()),
        "hazy": tuple(hazy or ()),
        "clear": tuple(clear or ()),
        "validation": tuple(validation or ()),
        "vgg_layers": tuple(vgg_layer or TrainConfig.vgg_layers),
        "generator": generator.value,
        "objective": objective.value,
        "only": only.value if only else None,
        "views": views.value,
        "adversarial": adversarial.value,
        "precision": precision.value,
        "device": device.value,
        "max_minutes": max_minutes,
        "epochs": epochs,
        "initial": initial,
        "batch": batch,
        "size": size,
        "learning_rate": learning_rate,
        "cycle_weight": cycle_weight,
        "identity_weight": identity_weight,
        "perceptual_weight": perceptual_weight,
        "paired_weight": paired_weight,
        "vgg": vgg,
        "r1_weight": r1_weight,
        "discriminator_width": discriminator_width,
        "clip_norm": clip_norm,
        "pool": pool,
        "gradient_checkpointing": gradient_checkpointing,
        "width": width,
        "blocks": blocks,
        "checkpoint_minutes": checkpoint_minutes,
        "workers": workers,
        "threads": threads,
        "seed": seed,
    }
    if resume:
        assert out is not None
        given = {"vgg_layers" if name == "vgg_layer" else name for name in context.params if was_given(context, name)}
        config = replace(
            RunFolder(out).read_config(), out=out, **{name: settings[name] for name in given & settings.keys()}
        )
    else:
        config = TrainConfig(out=free_folder(out, tuple(data or hazy or clear or ())), **settings)
    run(config, resume=resume, dry_run=dry_run)


def was_given(context: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
