"""The two generators that are trained together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from claritygan_cli.engine.generators import Generator
from claritygan_cli.errors import UsageError
from claritygan_cli.models.loading import open_model
from claritygan_cli.models.weights import Direction, ModelCard, build_generator
from claritygan_cli.training.config import TrainConfig

DIRECTIONS: tuple[Direction, ...] = ("dehaze", "hazify")
WORKING_SHARE = 1.5
"""Working size of fresh generators, in sides of a square view: at 128 pixels, 192 scored best."""


@dataclass(frozen=True)
class GeneratorPair:
    """G: hazy to clear, and F: clear to hazy.

    Attributes:
        cards: what their weights files will say of their architecture, and what is known of where they come from.
    """

    dehaze: Generator
    hazify: Generator
    cards: dict[Direction, ModelCard]

    @property
    def networks(self) -> dict[Direction, Generator]:
        """Both, by their direction."""
        return {"dehaze": self.dehaze, "hazify": self.hazify}


def fresh_card(config: TrainConfig, direction: Direction) -> ModelCard:
    """Architecture of a new generator."""
    architecture: dict[str, Any] = {"working_size": round(WORKING_SHARE * config.size)}
    if config.generator == "resnet":
        architecture |= {"width": config.width, "blocks": config.blocks}
    return ModelCard(config.generator, direction, architecture)


def make_generator_pair(config: TrainConfig, resumed: dict[Direction, ModelCard] | None = None) -> GeneratorPair:
    """Generators with fresh weights, or with those of ``config.initial``.

    Args:
        resumed: cards of a run to go on with, whose weights will be loaded.

    Raises:
        ModelError: a file is missing or damaged.
        UsageError: the initial models are of another kind than the run's.
    """
    torch.manual_seed(config.seed)
    networks: dict[Direction, Generator] = {}
    cards: dict[Direction, ModelCard] = {}
    for direction in DIRECTIONS:
        if resumed:
            card = resumed[direction]
            network = build_generator(card)
            asked = fresh_card(config, direction).architecture | {"working_size": card.architecture["working_size"]}
            if config.initial is None and card.generator == config.generator and card.architecture != asked:
                raise UsageError(
                    f"{config.out}: its networks are {card.architecture}, and stay so; leave that option out"
                )
        elif config.initial is None:
            card = fresh_card(config, direction)
            network = build_generator(card)
        else:
            bundled = config.initial == "bundled"
            if not (bundled or Path(config.initial).is_dir()):
                raise UsageError(f"--initial {config.initial}: no such run folder; name one, or 'bundled'")
            wanted = None if bundled else str(Path(config.initial) / f"{direction}.safetensors")
            network, card = open_model(wanted, direction)
        if card.generator != config.generator:
            where = f"{config.out}" if resumed else f"--initial {config.initial}"
            raise UsageError(f"{where}: holds {card.generator} models; add --generator {card.generator}")
        networks[direction] = network.train()
        cards[direction] = card
    return GeneratorPair(networks["dehaze"], networks["hazify"], cards)
