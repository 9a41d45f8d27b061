"""Pickled checkpoints made elsewhere, turned into weights files.

Pickles can run code when they are loaded, so this is the only place that opens one, on an explicit command, with
torch's restricted ``weights_only`` loader.
"""

import re
from pathlib import Path

import torch
from torch import Tensor

from claritygan_cli.engine.generators import ResnetGenerator
from claritygan_cli.errors import ModelError
from claritygan_cli.models.weights import Direction, ModelCard, save_model

CONTAINERS = ("state_dict", "model", "generator", "params")


def read_pickle(path: Path) -> dict[str, Tensor]:
    """The tensors of a pickled checkpoint, by name.

    Raises:
        ModelError: the file is missing, no checkpoint, holds more than tensors, or holds none.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises whatever it likes on other files
        reason = " ".join(str(error).split())[:120]
        raise ModelError(f"{path}: not a checkpoint of plain tensors ({reason})") from error
    for key in CONTAINERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict):
        raise ModelError(f"{path}: holds no named tensors")
    tensors = {str(k).removeprefix("module."): v for k, v in content.items() if isinstance(v, Tensor)}
    if not tensors:
        raise ModelError(f"{path}: holds no named tensors")
    return tensors


def import_resnet(path: Path, direction: Direction, target: Path) -> ModelCard:
    """Import a generator of the public CycleGAN layout (``model.1.weight`` ...), with dropout or without.

    Args:
        path: e.g. ``latest_net_G_A.pth``.
        target: weights file to write.

    Raises:
        ModelError: as :func:`read_pickle`, or the tensors are not those of that layout.
    """
    tensors = {k: v for k, v in read_pickle(path).items() if not re.search(r"running_|num_batches_tracked", k)}
    first = tensors.get("model.1.weight")
    blocks = {int(m.group(1)) for k in tensors if (m := re.match(r"model\.(\d+)\.conv_block\.", k))}
    if first is None or first.ndim != 4 or not blocks:
        raise ModelError(f"{path}: not a generator of the public CycleGAN layout (no model.1.weight or conv_block)")
    dropout = any(".conv_block.6." in key for key in tensors)
    numbers = {"width": int(first.shape[0]), "blocks": len(blocks), "dropout": dropout}
    generator = ResnetGenerator(int(first.shape[0]), len(blocks), dropout)
    try:
        generator.load_state_dict({f"body.{key}": value for key, value in tensors.items()}, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:160]
        raise ModelError(f"{path}: not a generator of the public CycleGAN layout ({reason})") from error
    card = ModelCard("resnet", direction, numbers, recipe={"imported_from": path.name})
    save_model(target, generator, card, half=False)
    return card
