"""The two generators that are trained together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from claritygan_cli.engine.generators import Generator, ScatteringGenerator
from claritygan_cli.errors import SettingError, UsageError
from claritygan_cli.models.card import ModelCard
from claritygan_cli.models.kinds import Direction
from claritygan_cli.models.loading import open_model
from claritygan_cli.models.weights import build_generator
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.encoder_weights import read_encoder_weights
from claritygan_cli.training.schedule import DIRECTIONS

WORKING_SHARE = 1.5
"""Working size of fresh generators, in sides of a square crop: at 128 pixels, 192 scored best."""


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
    settings = config.model
    architecture: dict[str, Any] = {"working_size": settings.working_size or round(WORKING_SHARE * config.data.size)}
    if settings.generator == "resnet":
        architecture |= {"width": settings.width, "blocks": settings.blocks}
    else:
        architecture |= {"widths": list(settings.decoder_widths)}
    return ModelCard(config.model.generator, direction, architecture)


def make_generator_pair(config: TrainConfig, resumed: dict[Direction, ModelCard] | None = None) -> GeneratorPair:
    """Generators with fresh weights, or with those of ``config.model.initial``.

    Args:
        resumed: cards of a run to go on with, whose weights will be loaded.

    Raises:
        ModelError: a file is missing or damaged.
        UsageError: the initial models are of another kind than the run's, or the encoder's weights are not usable.
    """
    torch.manual_seed(config.run.seed)
    networks: dict[Direction, Generator] = {}
    cards: dict[Direction, ModelCard] = {}
    for direction in DIRECTIONS:
        if resumed:
            card = resumed[direction]
            network = build_generator(card)
            asked = fresh_card(config, direction).architecture | {"working_size": card.architecture["working_size"]}
            if config.model.initial is None and card.generator == config.model.generator and card.architecture != asked:
                raise UsageError(
                    f"{config.run.folder}: its networks are {card.architecture}, and stay so; leave that option out"
                )
        elif config.model.initial is None:
            card = fresh_card(config, direction)
            network = build_generator(card)
            if config.model.encoder_weights is not None and isinstance(network, ScatteringGenerator):
                network.body.encoder.load_state_dict(read_encoder_weights(config.model.encoder_weights))
        else:
            bundled = config.model.initial == "bundled"
            if not (bundled or Path(config.model.initial).is_dir()):
                raise SettingError("initial", config.model.initial, "no such run folder; name one, or 'bundled'")
            wanted = None if bundled else str(Path(config.model.initial) / f"{direction}.safetensors")
            network, card = open_model(wanted, direction)
        if card.generator != config.model.generator:
            where = str(config.run.folder if resumed else config.model.initial)
            raise SettingError("generator", config.model.generator, f"{where} holds {card.generator} models")
        networks[direction] = network.train()
        cards[direction] = card
    return GeneratorPair(networks["dehaze"], networks["hazify"], cards)
