"""Everything that a training run is told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Stage = Literal["supervised", "cyclegan"]


@dataclass(frozen=True)
class TrainConfig:
    """A training run.

    Attributes:
        data: training folder, see :mod:`claritygan_cli.data.photo_sets`.
        out: run folder: checkpoint, metrics, models.
        stage: ``supervised`` on synthetic haze, or ``cyclegan`` with real haze.
        minutes: time budget; the learning rate's schedule fits itself to it.
        validation: folders with pairs, scored at every checkpoint.
        initial: run folder to take both generators from.
        batch: views of 128x128 px per step; larger views come in smaller batches.
        learning_rate: at its peak.
        weight_decay: of AdamW.
        hazify_every: train the hazifier at every so many steps (supervised stage).
        paired_weight: weight of the supervised terms in the cyclegan stage.
        perceptual_weight: weight of the VGG term on the cycles; 0 leaves it out.
        vgg: VGG-19 weights file; None takes torchvision's.
        vgg_layers: ReLU layers that are compared.
        precision: ``bf16`` autocast or ``fp32``.
        checkpoint_minutes: time between checkpoints.
        seed: of all random numbers.
        threads: CPU threads; 0 leaves torch's choice.
    """

    data: Path
    out: Path
    stage: Stage = "supervised"
    minutes: float = 60.0
    validation: tuple[Path, ...] = field(default=())
    initial: Path | None = None
    batch: int = 16
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-2
    hazify_every: int = 3
    paired_weight: float = 10.0
    perceptual_weight: float = 0.0
    vgg: Path | None = None
    vgg_layers: tuple[str, ...] = ("relu2_2", "relu3_4")
    precision: Literal["bf16", "fp32"] = "bf16"
    checkpoint_minutes: float = 6.0
    seed: int = 0
    threads: int = 0
