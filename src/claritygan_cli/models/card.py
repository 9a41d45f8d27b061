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
LARGEST, MOST_NUMBERS = 8192, 64
"""Of the numbers in an architecture: widths, counts of blocks, the working size."""


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
        return parse_card(metadata.get(METADATA_KEY))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def parse_card(text: str | None) -> ModelCard:
    """The card that a model's metadata hold.

    Raises:
        ModelError: there is none, or what it says of the generator makes no sense.
    """
    try:
        card = ModelCard(**json.loads(text or ""))
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelError("carries no claritygan model card; it was not made by this tool") from error
    if (
        not isinstance(card.architecture, dict)
        or not isinstance(card.restoration, dict)
        or card.generator not in GENERATOR_NAMES
        or card.direction not in get_args(Direction)
    ):
        known = ", ".join(GENERATOR_NAMES)
        raise ModelError(f"unknown generator {card.generator!r} for {card.direction!r}; known are: {known}")
    numbers = [n for v in card.architecture.values() for n in (v if isinstance(v, list) else [v])]
    if len(numbers) > MOST_NUMBERS or not all(is_sensible(n) for n in numbers):
        raise ModelError(f"the generator {card.generator!r} cannot be built with {str(card.architecture)[:100]}")
    return card


def is_sensible(value: object) -> bool:
    """Whether a value may stand in an architecture."""
    return isinstance(value, str | bool | None) or (isinstance(value, int | float) and 0 <= value <= LARGEST)


def check_direction(card: ModelCard, wanted: Direction | None, path: Path) -> None:
    """See that a model is for a direction; None for either.

    Raises:
        UsageError: it is for the other.
    """
    if wanted is not None and card.direction != wanted:
        raise UsageError(f"{path}: this model is for '{card.direction}', not for '{wanted}'")
