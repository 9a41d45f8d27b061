"""The models that come with claritygan, and how a model is found by name."""

import json
import shutil
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from claritygan_cli.atomic import file_sha256
from claritygan_cli.engine.generators import Generator
from claritygan_cli.errors import ModelError, UsageError
from claritygan_cli.models.weights import Direction, ModelCard, load_model, read_card

CATALOGUE_FILE = "catalogue.json"


@dataclass(frozen=True)
class Entry:
    """A bundled model: its name, file, direction, and the file's SHA-256. One of each direction is the default."""

    name: str
    file: str
    direction: Direction
    sha256: str
    default: bool


def weights_folder() -> Path:
    """Where the bundled models are: inside the installed package, or beside ``src`` in a checkout.

    Raises:
        ModelError: they are in neither place.
    """
    package = Path(str(resources.files("claritygan_cli")))
    for folder in (package / "weights", package.parents[1] / "weights"):
        if (folder / CATALOGUE_FILE).is_file():
            return folder
    raise ModelError(f"{package / 'weights'}: the bundled models are missing; install claritygan again")


def catalogue() -> list[Entry]:
    """All bundled models.

    Raises:
        ModelError: the catalogue is missing or damaged.
    """
    path = weights_folder() / CATALOGUE_FILE
    try:
        return [Entry(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))["models"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: damaged catalogue ({error}); install claritygan again") from error


def bundle(run: Path, folder: Path) -> None:
    """Put the two models of a training run into a weights folder, as the defaults, and write its catalogue.

    This is how a release gets its models: ``bundle(Path("runs/NAME"), Path("weights"))``.
    """
    models = []
    directions: tuple[Direction, ...] = ("dehaze", "hazify")
    for direction in directions:
        name = f"scattering-{direction}"
        shutil.copyfile(run / f"{direction}.safetensors", folder / f"{name}.safetensors")
        sha256 = file_sha256(folder / f"{name}.safetensors")
        models.append(asdict(Entry(name, f"{name}.safetensors", direction, sha256, default=True)))
    (folder / CATALOGUE_FILE).write_text(json.dumps({"models": models}, indent=1) + "\n", encoding="utf-8")


def find_model(wanted: str | None, direction: Direction) -> tuple[Path, str | None]:
    """The file of a model and, for a bundled one, its checksum.

    Args:
        wanted: a bundled model's name, a file, a run folder, or None for the direction's default.

    Raises:
        ModelError: there is no such model.
    """
    for entry in catalogue():
        if entry.name == wanted or (wanted is None and entry.default and entry.direction == direction):
            return weights_folder() / entry.file, entry.sha256
    if wanted is None:
        raise ModelError(f"no model for {direction} is bundled; name one with --model")
    path = Path(wanted)
    if path.is_dir():
        path /= f"{direction}.safetensors"
    if not path.is_file():
        names = ", ".join(entry.name for entry in catalogue() if entry.direction == direction)
        raise ModelError(
            f"{wanted}: neither a model file, nor a run folder with {direction}.safetensors, nor a bundled model; "
            f"bundled for {direction}: {names}"
        )
    return path, None


def open_model(wanted: str | None, direction: Direction) -> tuple[Generator, ModelCard]:
    """Load a model for a direction.

    Raises:
        ModelError: as :func:`find_model` and :func:`claritygan_cli.models.weights.load_model`.
        UsageError: the model translates in the other direction.
    """
    path, sha256 = find_model(wanted, direction)
    card = read_card(path)
    if card.direction != direction:
        raise UsageError(f"{path}: this model is for '{card.direction}', not for '{direction}'")
    return load_model(path, sha256)
