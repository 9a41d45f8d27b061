"""The folder of a run: settings, checkpoints, metrics, sample pictures and the models that come out."""

import json
import math
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from claritygan_cli.atomic import written_whole
from claritygan_cli.errors import SettingError, UsageError
from claritygan_cli.training.config import TrainConfig, read_recipe
from claritygan_cli.training.schedule import DIRECTIONS


def free_folder(config_out: Path | None, data: tuple[Path, ...]) -> Path:
    """The run folder that was asked for, or the first free one of ``runs/DATA``, ``runs/DATA-2``, ..."""
    if config_out is not None:
        return config_out
    name = data[0].resolve().name if data else "run"
    numbered = (Path("runs") / (name if number == 1 else f"{name}-{number}") for number in range(1, 10**6))
    return next(folder for folder in numbered if not folder.exists())


def recipe_of(path: Path) -> dict[str, Any]:
    """The settings of a recipe file, see :func:`read_recipe`.

    Raises:
        UsageError: there is no such file, or it holds no settings.
    """
    try:
        return read_recipe(path.read_text(encoding="utf-8", errors="surrogateescape"))
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such recipe") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: no recipe ({error})") from error
    except SettingError as error:
        raise UsageError(f"{path}: {error}") from error


class RunFolder:
    """Paths of a run and what is written there; every file appears whole or not at all.

    Args:
        path: the folder; made with the first file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe, self.metrics = path / "recipe.toml", path / "metrics.jsonl"
        self.last, self.best = path / "last.pt", path / "best.pt"
        self.samples = path / "samples"
        self._board: Any = None

    def write_recipe(self, config: TrainConfig) -> None:
        """Keep the run's settings for :meth:`read_recipe`."""
        with written_whole(self.recipe) as file:
            file.write(config.to_toml().encode("utf-8", "surrogateescape"))

    def read_recipe(self) -> TrainConfig:
        """The settings of the run.

        Raises:
            UsageError: there is no run in the folder, or its settings are damaged.
        """
        return TrainConfig().changed(**recipe_of(self.recipe))

    def has_models(self) -> bool:
        """Whether both generators are there."""
        return all((self.path / f"{direction}.safetensors").is_file() for direction in DIRECTIONS)

    def save(self, state: dict[str, Any], best: bool = False) -> None:
        """Write the last checkpoint; it is the best one too where that is said."""
        with written_whole(self.last) as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        if best:
            link = self.best.with_name(f".{self.best.name}.{os.getpid()}.part")
            with suppress(FileNotFoundError):
                link.unlink()
            try:
                os.link(self.last, link)  # the next checkpoint replaces last.pt, and leaves this one alone
            except OSError:  # no links on this file system
                shutil.copyfile(self.last, link)
            os.replace(link, self.best)

    def load(self) -> dict[str, Any]:
        """The last checkpoint.

        Raises:
            UsageError: there is none, or it is damaged.
        """
        try:
            return torch.load(self.last, map_location="cpu", weights_only=True)
        except FileNotFoundError as error:
            raise UsageError(f"{self.last}: no checkpoint to resume from; start a new run") from error
        except Exception as error:  # the unpickler raises whatever it likes on damaged files
            raise UsageError(f"{self.last}: not a complete checkpoint; start a new run") from error

    def tidy(self, step: int) -> None:
        """Drop what a killed run left: files half written, and metrics of steps that will be taken again."""
        for path in self.path.rglob(".*.part"):
            path.unlink()
        if not self.metrics.is_file():
            return
        lines = self.metrics.read_text(encoding="utf-8").splitlines()
        kept = []
        for line in lines:
            with suppress(ValueError, KeyError):
                kept += [line] if json.loads(line)["step"] <= step else []
        with written_whole(self.metrics) as file:
            file.write("".join(f"{line}\n" for line in kept).encode())

    def log(self, line: dict[str, Any]) -> None:
        """Add a line to the metrics, and to TensorBoard's where it is installed."""
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(finite_only(line), allow_nan=False) + "\n")
        if self._board is None:
            try:
                from torch.utils.tensorboard import SummaryWriter

                self._board = SummaryWriter(str(self.path / "tensorboard"))
            except ImportError:
                self._board = False
        if self._board:
            for name, value in flat(line).items():
                self._board.add_scalar(name, value, line["step"])
            self._board.flush()


def finite_only(value: Any) -> Any:
    """The same without numbers that JSON does not know; None stands in their place."""
    if isinstance(value, dict):
        return {name: finite_only(one) for name, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """Numbers of nested dictionaries by their path: ``{"a": {"b": 1}}`` is ``{"a/b": 1}``."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}/")
        elif isinstance(value, int | float):
            found[f"{prefix}{name}"] = float(value)
    return found
