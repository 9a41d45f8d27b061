"""What a model's file says about itself. Light: no torch here."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from safetensors import SafetensorError, safe_open

from claritygan_cli.errors import ModelError, UsageError
from claritygan_cli.models.kinds import Direction

METADATA_KEY = "claritygan"
"""Key of the card, one JSON document, in the metadata of weights files and of ONNX graphs."""

GENERATOR_NAMES = ("resnet", "scattering")
"""Kinds of generators; :data:`claritygan_cli.models.weights.GENERATORS` has their classes."""


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


def read_card(path: Path) -> ModelCard:
    """The card of a weights file, without loading its weights.

    Raises:
        ModelError: the file is missing, no safetensors file, truncated, or carries no card.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such model file; the bundled ones are listed by: claritygan models")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a complete safetensors file ({error}); fetch or export it again") from error
    try:
        fields = json.loads(metadata[METADATA_KEY])
        card = ModelCard(**fields)
        if (
            not isinstance(card.architecture, dict)
            or card.generator not in GENERATOR_NAMES
            or card.direction not in get_args(Direction)
        ):
            known = ", ".join(GENERATOR_NAMES)
            raise ModelError(f"{path}: unknown generator {card.generator!r} for {card.direction!r}; known are: {known}")
        return card
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: carries no claritygan model card; it was not made by this tool") from error


def check_direction(card: ModelCard, wanted: Direction | None, path: Path) -> None:
    """See that a model is for a direction; None for either.

    Raises:
        UsageError: it is for the other.
    """
    if wanted is not None and card.direction != wanted:
        raise UsageError(f"{path}: this model is for '{card.direction}', not for '{wanted}'")
