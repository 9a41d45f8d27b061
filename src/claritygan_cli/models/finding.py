"""Finds a model's file by name. Light: no torch here."""

from pathlib import Path

from claritygan_cli.errors import ModelError, SettingError
from claritygan_cli.models.card import ModelCard, read_card
from claritygan_cli.models.catalogue import catalogue, weights_folder
from claritygan_cli.models.kinds import Direction


def find_model(wanted: str | None, direction: Direction) -> tuple[Path, str | None]:
    """The file of a model and, for a bundled one, its checksum.

    Args:
        wanted: a bundled model's name, a file, a run folder, or None for the direction's default.

    Raises:
        SettingError: there is no such model.
        ModelError: none is bundled for the direction.
    """
    for entry in catalogue():
        if entry.name == wanted or (wanted is None and entry.default and entry.direction == direction):
            return weights_folder() / entry.file, entry.sha256
    if wanted is None:
        raise ModelError(f"no model for {direction} is bundled; name one")
    path = Path(wanted)
    if path.is_dir():
        path /= f"{direction}.safetensors"
    if not path.is_file():
        names = ", ".join(entry.name for entry in catalogue() if entry.direction == direction)
        raise SettingError(
            "model",
            wanted,
            f"neither a model file, nor a run folder with {direction}.safetensors, nor a bundled model; "
            f"bundled for {direction}: {names}",
        )
    return path, None


def find_card(name: str) -> ModelCard:
    """The card of a bundled model, a weights file, or a run folder's dehazer.

    Raises:
        ModelError, UsageError: as :func:`find_model` and :func:`read_card`.
    """
    direction: Direction = next((entry.direction for entry in catalogue() if entry.name == name), "dehaze")
    path, _ = find_model(name, direction)
    if path.suffix == ".onnx":
        from claritygan_cli.models.onnx_network import load_network

        return load_network(path).card
    return read_card(path)
