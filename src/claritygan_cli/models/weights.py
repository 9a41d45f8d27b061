"""Weights files: safetensors with all that is needed to build the network and to judge it.

The metadata is one JSON document under the key ``claritygan``, see :class:`ModelCard`.
"""

import json
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

from claritygan_cli.atomic import file_sha256, written_whole
from claritygan_cli.engine.generators import Generator, ResnetGenerator, ScatteringDehazer, ScatteringHazifier
from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.errors import ModelError, SettingError
from claritygan_cli.models.card import METADATA_KEY, ModelCard, read_card

GENERATORS: dict[tuple[str, str], type[Generator]] = {
    ("scattering", "dehaze"): ScatteringDehazer,
    ("scattering", "hazify"): ScatteringHazifier,
    ("resnet", "dehaze"): ResnetGenerator,
    ("resnet", "hazify"): ResnetGenerator,
}


def build_generator(card: ModelCard) -> Generator:
    """A generator as the card says, with fresh weights.

    Raises:
        ModelError: an argument of the architecture makes no sense.
    """
    kind = GENERATORS[card.generator, card.direction]
    architecture = {key: tuple(value) if isinstance(value, list) else value for key, value in card.architecture.items()}
    try:
        generator = kind(**architecture)
        if card.restoration:
            generator.restoration = RestorationConfig.from_dict(card.restoration)
        return generator
    except SettingError as error:
        raise ModelError(f"the restoration of the model card makes no sense: {error}") from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"the generator {card.generator!r} cannot be built with {card.architecture}: {error}"
        ) from error


def save_model(path: Path, generator: Generator, card: ModelCard, half: bool = True) -> None:
    """Write a weights file, whole or not at all.

    Args:
        half: store weights as float16 (they load as float32).
    """
    state = generator.state_dict()
    tensors = {
        name: (value.half() if half and value.is_floating_point() else value).cpu().contiguous()
        for name, value in state.items()
    }
    card = replace(card, restoration=generator.restoration.to_dict())
    with written_whole(path) as file:
        file.write(save(tensors, {METADATA_KEY: json.dumps(asdict(card), sort_keys=True)}))


def check_shapes(path: Path, card: ModelCard) -> None:
    """See that a weights file's tensors are those of its card's generator, before memory is taken for either.

    Raises:
        ModelError: a name or a shape is another.
    """
    with torch.device("meta"):
        wanted = {name: tuple(value.shape) for name, value in build_generator(card).state_dict().items()}
    with safe_open(path, framework="pt") as file:
        found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            reason = f"{name} is {found.get(name, 'missing')} instead of {wanted.get(name, 'missing')}"
            raise ModelError(f"{path}: weights do not fit the generator that its card names: {reason}")


def load_model(path: Path, sha256: str | None = None) -> tuple[Generator, ModelCard]:
    """A generator in evaluation mode, float32, with the weights of a file.

    Args:
        sha256: what the file must hash to, where that is known.

    Raises:
        ModelError: as :func:`read_card`; or the hash, a name, a shape or a value is not as it must be.
    """
    card = read_card(path)
    if sha256 is not None and file_sha256(path) != sha256:
        raise ModelError(f"{path}: does not match its checksum in the catalogue; install claritygan again")
    check_shapes(path, card)
    generator = build_generator(card)
    tensors = load_file(path)
    if not all(torch.isfinite(value).all() for value in tensors.values() if value.is_floating_point()):
        raise ModelError(f"{path}: holds weights that are not finite numbers; train or fetch it again")
    generator.load_state_dict(tensors, strict=True)
    return generator.eval(), card
