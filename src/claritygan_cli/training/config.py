"""Everything that a training run is told."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from claritygan_cli.data.batches import Views
from claritygan_cli.models.weights import Direction
from claritygan_cli.training.losses import AdversarialForm

Kind = Literal["scattering", "resnet"]
Objective = Literal["cyclegan", "supervised"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class TrainConfig:
    """A training run.

    Attributes:
        data: folders in a layout of :mod:`claritygan_cli.data.layouts`.
        hazy, clear: folders of hazy and of clear pictures.
        out: run folder.
        validation: folders with pairs, scored at every checkpoint.
        initial: ``bundled``, or a run folder whose models to start from; None for fresh weights.
        generator: ``scattering`` or ``resnet``.
        width, blocks: of ``resnet``: channels of its first layer, residual blocks.
        objective: ``cyclegan``, or ``supervised`` by the paired terms alone.
        only: the generator that supervised training teaches, while the other stays as it is; None for both.
        epochs: rounds over the larger domain.
        max_minutes: time budget that the schedule fits itself to; None for no limit.
        batch: square views in a step, of all processes together.
        size: side of a square view, in pixels.
        views: ``square`` or ``varied``.
        learning_rate: until half of the run; then it falls linearly to 0.
        adversarial: ``lsgan`` or ``log``.
        cycle_weight, identity_weight, perceptual_weight, paired_weight: of the terms.
        vgg: VGG-19 weights file; None takes torchvision's.
        vgg_layers: ReLU layers that are compared.
        r1_weight: of the gradient penalty on the discriminators (gamma).
        discriminator_width: channels of their first layer.
        clip_norm: gradients are scaled down to this norm; 0 leaves them.
        pool: generated pictures that are kept for the discriminators.
        precision: what networks compute with; ``auto`` takes bf16 where that is faster.
        gradient_checkpointing: gradient checkpointing in the cycles, less memory for more time.
        checkpoint_minutes: time between checkpoints.
        workers: loader processes; None for as many as suit the machine.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        threads: CPU threads; 0 leaves torch's choice.
        seed: of all random numbers.
    """

    out: Path
    data: tuple[Path, ...] = ()
    hazy: tuple[Path, ...] = ()
    clear: tuple[Path, ...] = ()
    validation: tuple[Path, ...] = ()
    initial: str | None = None
    generator: Kind = "scattering"
    width: int = 64
    blocks: int = 9
    objective: Objective = "cyclegan"
    only: Direction | None = None
    epochs: int = 200
    max_minutes: float | None = None
    batch: int = 4
    size: int = 128
    views: Views = "square"
    learning_rate: float = 2e-4
    adversarial: AdversarialForm = "lsgan"
    cycle_weight: float = 10.0
    identity_weight: float = 5.0
    perceptual_weight: float = 0.0
    paired_weight: float = 0.0
    vgg: Path | None = None
    vgg_layers: tuple[str, ...] = ("relu2_2", "relu3_4")
    r1_weight: float = 0.0
    discriminator_width: int = 64
    clip_norm: float = 0.0
    pool: int = 50
    precision: Precision = "auto"
    gradient_checkpointing: bool = False
    checkpoint_minutes: float = 10.0
    workers: int | None = None
    device: str = "auto"
    threads: int = 0
    seed: int = 0

    @property
    def unpaired(self) -> bool:
        """Whether the CycleGAN terms are wanted."""
        return self.objective == "cyclegan"

    @property
    def paired(self) -> bool:
        """Whether the supervised terms are wanted."""
        return self.objective == "supervised" or self.paired_weight > 0

    def to_json(self) -> str:
        """As a JSON document; paths are absolute strings."""
        return json.dumps(asdict(self), indent=1, default=lambda path: str(path.absolute()))

    @staticmethod
    def from_json(text: str) -> "TrainConfig":
        """The inverse of :meth:`to_json`.

        Raises:
            ValueError, TypeError: the document is no configuration.
        """
        values: dict[str, Any] = json.loads(text)
        for name in ("data", "hazy", "clear", "validation"):
            values[name] = tuple(Path(path) for path in values[name])
        for name in ("out", "vgg"):
            values[name] = None if values[name] is None else Path(values[name])
        values["vgg_layers"] = tuple(values["vgg_layers"])
        unknown = values.keys() - {field.name for field in fields(TrainConfig)}
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
        return TrainConfig(**values)
