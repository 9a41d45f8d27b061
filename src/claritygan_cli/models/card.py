"""What a model's file says about itself. Light: no torch here."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claritygan_cli.errors import UsageError
from claritygan_cli.models.kinds import Direction

METADATA_KEY = "claritygan"
"""Key of the card, one JSON document, in the metadata of weights files and of ONNX graphs."""


@dataclass(frozen=True)
class ModelCard:
    """What a weights file says about itself.

    Attributes:
        generator: ``scattering`` or ``resnet``.
        direction: ``dehaze`` or ``hazify``.
        architecture: arguments of the generator's class.
        restoration: what is done with its estimates, see :class:`RestorationConfig`; written when the model is saved.
        recipe: how it was trained: command, steps, minutes, seed, ...
        data: what it was trained on.
        scores: name of a data set -> metric -> value.
    """

    generator: str
    direction: Direction
    architecture: dict[str, Any]
    restoration: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    scores: dict[str, dict[str, float | None]] = field(default_factory=dict)


def check_direction(card: ModelCard, wanted: Direction | None, path: Path) -> None:
    """See that a model is for a direction; None for either.

    Raises:
        UsageError: it is for the other.
    """
    if wanted is not None and card.direction != wanted:
        raise UsageError(f"{path}: this model is for '{card.direction}', not for '{wanted}'")
