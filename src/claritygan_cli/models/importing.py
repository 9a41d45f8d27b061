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
from claritygan_cli.models.card import ModelCard
from claritygan_cli.models.kinds import Direction
from claritygan_cli.models.weights import save_model

STATE_DICT_KEYS = ("state_dict", "model", "generator", "params", "net", "model_state_dict", "weights")
"""Under which checkpoints keep the tensors of their one network."""
WRAPPERS = ("module", "_orig_mod")
"""What DataParallel, compilation and the like put before every name, in any order."""
CLARITYGAN_MARK = "base.0.weight"
NETWORK_MARKS = ("model.1.weight", CLARITYGAN_MARK)
"""A tensor that tells where a generator's names begin."""
UNET = r"\bmodel\.\d+\.model\.|\bdown\d|\bup\d|\bdowns\.|\bups\.|\.submodule"
"""How names of U-Nets look, whose blocks stand in each other."""
MOST_NAMED = 12
CHANNELS = 3


def _unwrapped(name: str) -> str:
    """A tensor's name without what wrappers put before it, wherever that stands."""
    return ".".join(part for part in name.split(".") if part not in WRAPPERS)


def _networks(content: object, name: str = "") -> dict[str, dict[str, Tensor]]:
    """The networks in a checkpoint by their names: each folder of tensors, and each group of tensors with a prefix."""
    if not isinstance(content, dict):
        return {}
    tensors = {_unwrapped(str(key)): value for key, value in content.items() if isinstance(value, Tensor)}
    found = _by_prefix(tensors, name) if tensors else {}
    for key, value in content.items():
        if isinstance(value, dict):
            inner = re.sub(r"^model_(.+)_state_dict$", r"\1", str(key))
            plain = inner in STATE_DICT_KEYS
            found |= _networks(value, name if plain else f"{name}.{inner}".strip("."))
    return found


def _by_prefix(tensors: dict[str, Tensor], name: str) -> dict[str, dict[str, Tensor]]:
    """Tensors by the prefix that their names have before those of a generator: ``netG_A.model.1.weight``."""
    ends = [(key, mark) for key in tensors for mark in NETWORK_MARKS if key == mark or key.endswith(f".{mark}")]
    prefixes = dict.fromkeys(key.removesuffix(mark) for key, mark in ends)
    if not prefixes or any(re.search(UNET, key) for key in tensors):
        return {name: tensors}
    found = {}
    for prefix in prefixes:
        own = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        found[f"{name}.{prefix}".strip(".")] = own
    return found


def is_generator(tensors: dict[str, Tensor]) -> bool:
    """Whether tensors may be a generator of a layout that can be imported."""
    return any(mark in tensors for mark in NETWORK_MARKS) and any("block" in name for name in tensors)


def read_pickle(path: Path, network: str | None = None) -> dict[str, Tensor]:
    """The tensors of a pickled checkpoint's network, by name, without wrappers' prefixes.

    Args:
        network: which one, where a file holds several (``G_A``; ClarityGAN's ``model_NAME_state_dict``).

    Raises:
        ModelError: the file is missing, no checkpoint, holds more than tensors, or holds none.
        UsageError: the file holds several networks and ``network`` is none of them.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise ModelError(f"{path}: the file is empty (0 bytes)")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises whatever it likes on other files
        raise ModelError(f"{path}: {reason_not_loaded(path, error)}") from error
    networks = _networks(content)
    if network is not None and network not in networks:
        chosen = [name for name in networks if name.endswith(network)]
        if len(chosen) != 1:
            raise UsageError(f"{path}: holds no network {network!r}; it has {_listed(networks)}")
        network = chosen[0]
    if not networks:
        raise ModelError(f"{path}: holds no named tensors")
    if network is None:
        generators = [name for name, tensors in networks.items() if is_generator(tensors)]
        if len(networks) > 1 and len(generators) != 1:
            raise UsageError(f"{path}: holds several networks; choose one with --network: {_listed(networks)}")
        network = generators[0] if generators else next(iter(networks))
    return networks[network]


def _listed(networks: dict[str, dict[str, Tensor]]) -> str:
    names = [name or "(unnamed)" for name in networks]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def reason_not_loaded(path: Path, error: Exception) -> str:
    """Why a file is no checkpoint of plain tensors, in words for its likely makers."""
    with path.open("rb") as file:
        start = file.read(64).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page, not a checkpoint; download the file itself"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not a checkpoint; fetch the file itself"
    reason = " ".join(str(error).split())
    if "archive" in reason or isinstance(error, EOFError):
        return "a damaged or truncated checkpoint; download it again"
    if found := re.search(r"GLOBAL ([\w.]+)", reason):
        return (
            f"a whole pickled module ({found[1]}), which can run code when it is loaded; where it was made, save its "
            "state_dict() instead"
        )
    return f"not a checkpoint of plain tensors ({reason[:120]})"


def reason_not_resnet(tensors: dict[str, Tensor]) -> str:
    """Why tensors are no generator of a known layout, in words."""
    names = " ".join(tensors)
    if re.search(r"weight_orig|weight_u\b|weight_bar|parametrizations", names):
        return "its layers are normalised spectrally, which is not supported; save them without"
    if re.search(UNET, names):
        return "a U-Net generator; only ResNet generators are supported"
    first = next((value for value in tensors.values() if value.ndim == 4), None)
    if "model.0.weight" in tensors and first is not None and first.shape[-1] == 4:
        return "a PatchGAN discriminator, not a generator"
    return "not a generator of the public CycleGAN layout (no model.1.weight or conv_block)"


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
    normalised = any(re.search(r"\d\.running_", name) for name in tensors)
    tensors = {k: v for k, v in tensors.items() if not re.search(r"running_|num_batches_tracked", k)}
    variant: Variant = "claritygan" if CLARITYGAN_MARK in tensors else "paper"
    if variant == "claritygan":
        tensors = from_claritygan(tensors)
    first = tensors.get("model.1.weight")
    blocks = {int(m.group(1)) for k in tensors if (m := re.match(r"model\.(\d+)\.conv_block\.", k))}
    if first is None or first.ndim != 4 or not blocks:
        raise ModelError(f"{path}: {reason_not_resnet(tensors)}")
    if first.shape[1] != CHANNELS:
        raise ModelError(f"{path}: takes pictures of {first.shape[1]} channels; only those of 3 (RGB) are supported")
    if "model.2.weight" in tensors or (normalised and "model.1.bias" not in tensors):
        raise ModelError(f"{path}: uses batch normalisation; only instance normalisation is supported")
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
