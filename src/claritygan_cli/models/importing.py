"""Pickled checkpoints made elsewhere, turned into weights files.

Pickles can run code when they are loaded, so this is the only place that opens one, on an explicit command, with
torch's restricted ``weights_only`` loader.
"""

import re
from pathlib import Path

import torch
from torch import Tensor

from claritygan_cli.engine.generators import ResnetGenerator
from claritygan_cli.engine.resnet import Variant
from claritygan_cli.errors import ModelError, UsageError
from claritygan_cli.models.kinds import Direction
from claritygan_cli.models.weights import ModelCard, save_model

STATE_DICT_KEYS = ("state_dict", "model", "generator", "params")
CLARITYGAN_MARK = "base.0.weight"


def _named_tensors(content: object) -> dict[str, Tensor]:
    """Tensors by name, also below one of the usual keys; none where there are none."""
    if not isinstance(content, dict):
        return {}
    for key in STATE_DICT_KEYS:
        if isinstance(content.get(key), dict):
            return _named_tensors(content[key])
    return {str(k).removeprefix("module."): v for k, v in content.items() if isinstance(v, Tensor)}


def read_pickle(path: Path, network: str | None = None) -> dict[str, Tensor]:
    """The tensors of a pickled checkpoint, by name.

    Args:
        network: which one, where a file holds several (ClarityGAN's ``model_NAME_state_dict``).

    Raises:
        ModelError: the file is missing, no checkpoint, holds more than tensors, or holds none.
        UsageError: the file holds several networks and ``network`` is none of them.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises whatever it likes on other files
        reason = " ".join(str(error).split())[:120]
        raise ModelError(f"{path}: not a checkpoint of plain tensors ({reason})") from error
    if isinstance(content, dict):
        several = {m.group(1): v for k, v in content.items() if (m := re.fullmatch(r"model_(.+)_state_dict", str(k)))}
        if several and network not in several:
            raise UsageError(f"{path}: holds several networks; choose one with --network: {', '.join(several)}")
        content = several[network] if several and network else content
    tensors = _named_tensors(content)
    if not tensors:
        raise ModelError(f"{path}: holds no named tensors")
    return tensors


def from_claritygan(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a generator of the ClarityGAN notebooks under their names in the public CycleGAN layout.

    It is nearly the same network, see :class:`claritygan_cli.engine.resnet.ResnetBody`.
    """
    blocks = len({name.split(".")[1] for name in tensors if name.startswith("residual_blocks.")})
    places = {
        r"base\.0": lambda m: "model.1",
        r"down_blocks\.(\d+)\.conv_block\.0": lambda m: f"model.{4 + 3 * int(m[1])}",
        r"residual_blocks\.(\d+)\.residual_block\.(\d)\.conv_block\.0": lambda m: (
            f"model.{10 + int(m[1])}.conv_block.{1 + 4 * int(m[2])}"
        ),
        r"up_blocks\.(\d+)\.conv_block\.0": lambda m: f"model.{10 + blocks + 3 * int(m[1])}",
        r"head": lambda m: f"model.{17 + blocks}",
    }
    renamed = {}
    for name, value in tensors.items():
        layer, _, kind = name.rpartition(".")
        place = next((new(m) for pattern, new in places.items() if (m := re.fullmatch(pattern, layer))), layer)
        renamed[f"{place}.{kind}"] = value
    return renamed


def import_resnet(path: Path, direction: Direction, target: Path, network: str | None = None) -> ModelCard:
    """Import a generator of the public CycleGAN layout (``model.1.weight`` ...), with dropout or without, or of the
    ClarityGAN notebooks (``base.0.weight`` ...).

    Args:
        path: e.g. ``latest_net_G_A.pth``.
        target: weights file to write.
        network: which one, where a file holds several.

    Raises:
        ModelError, UsageError: as :func:`read_pickle`, or the tensors are not those of such a layout.
    """
    tensors = read_pickle(path, network)
    tensors = {k: v for k, v in tensors.items() if not re.search(r"running_|num_batches_tracked", k)}
    variant: Variant = "claritygan" if CLARITYGAN_MARK in tensors else "paper"
    if variant == "claritygan":
        tensors = from_claritygan(tensors)
    first = tensors.get("model.1.weight")
    blocks = {int(m.group(1)) for k in tensors if (m := re.match(r"model\.(\d+)\.conv_block\.", k))}
    if first is None or first.ndim != 4 or not blocks:
        raise ModelError(f"{path}: not a generator of the public CycleGAN layout (no model.1.weight or conv_block)")
    dropout = any(".conv_block.6." in key for key in tensors)
    architecture = {"width": int(first.shape[0]), "blocks": len(blocks), "dropout": dropout, "variant": variant}
    generator = ResnetGenerator(int(first.shape[0]), len(blocks), dropout, variant)
    try:
        generator.load_state_dict({f"body.{key}": value for key, value in tensors.items()}, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:160]
        raise ModelError(f"{path}: not a generator of the public CycleGAN layout ({reason})") from error
    card = ModelCard("resnet", direction, architecture, recipe={"imported_from": path.name})
    save_model(target, generator, card, half=False)
    return card
