"""The models that come with claritygan."""

import json
import shutil
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from claritygan_cli.atomic import file_sha256
from claritygan_cli.errors import ModelError
from claritygan_cli.models.kinds import Direction

CATALOGUE_FILE = "catalogue.json"


@dataclass(frozen=True)
class Entry:
    """A bundled model: its name, file, direction, and the file's SHA-256.

    Attributes:
        default: it is what commands take where no model is named; one of each direction.
        int8_default: ONNX Runtime takes it instead, on processors that are fast with 8-bit numbers.
    """

    name: str
    file: str
    direction: Direction
    sha256: str
    default: bool
    int8_default: bool = False


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


def bundle(run: Path, folder: Path, family: str, default: bool) -> None:
    """Put the two models of a training run into a weights folder and its catalogue, in place of any of their names.

    This is how a release gets its models: ``bundle(Path("runs/NAME"), Path("weights"), "scattering", default=True)``.

    Args:
        family: what their names begin with.
        default: whether they are what commands take where no model is named.
    """
    path = folder / CATALOGUE_FILE
    known = json.loads(path.read_text(encoding="utf-8"))["models"] if path.is_file() else []
    models = {entry["name"]: entry for entry in known}
    directions: tuple[Direction, ...] = ("dehaze", "hazify")
    for direction in directions:
        name = f"{family}-{direction}"
        shutil.copyfile(run / f"{direction}.safetensors", folder / f"{name}.safetensors")
        sha256 = file_sha256(folder / f"{name}.safetensors")
        models[name] = asdict(Entry(name, f"{name}.safetensors", direction, sha256, default))
    path.write_text(json.dumps({"models": list(models.values())}, indent=1) + "\n", encoding="utf-8")
