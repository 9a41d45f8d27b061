"""What a run keeps: checkpoints to go on from, validation scores, sample pictures, and the models that come out."""

import math
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from claritygan_cli import __version__
from claritygan_cli.atomic import written_whole
from claritygan_cli.data.layouts import TrainingFiles
from claritygan_cli.data.pairs import ImagePair
from claritygan_cli.errors import DataError, UsageError
from claritygan_cli.evaluation.metrics import Scores
from claritygan_cli.models.weights import save_model
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.console import psnr_of, say
from claritygan_cli.training.cyclegan import CycleGAN
from claritygan_cli.training.run_folder import RunFolder
from claritygan_cli.training.samples import Samples
from claritygan_cli.training.schedule import DIRECTIONS
from claritygan_cli.training.validation import mean_psnr, validate_on


class Checkpoints:
    """Keeps a run in its folder.

    Args:
        config: the run. files: what it trains on, for sample pictures.
        system: all that a step changes.
        validation: pairs of each validation folder.
        command: the command line, for the models' cards.

    Attributes:
        best: best validation PSNR so far.
        exported: step whose models are in the folder.
    """

    def __init__(
        self,
        config: TrainConfig,
        files: TrainingFiles,
        system: CycleGAN,
        validation: dict[str, list[ImagePair]],
        command: str,
    ) -> None:
        self.config, self.files, self.system = config, files, system
        self.validation, self.command = validation, command
        self.folder = RunFolder(config.run.folder)
        self.best, self.exported, self._validated_at = -math.inf, 0, -1
        self._samples: Samples | None = None

    def resume(self, state: dict[str, Any]) -> tuple[float, int]:
        """Go on from a checkpoint; seconds spent and steps skipped until then.

        Raises:
            UsageError: it does not fit the run's settings.
        """
        try:
            self.system.load_state_dict(state["system"])
            spent, skipped, self.exported = state["spent"], state["skipped"], state["exported"]
        except (RuntimeError, KeyError, ValueError) as error:
            reason = " ".join(str(error).split())[:120]
            raise UsageError(f"{self.folder.last}: does not fit the settings of this run ({reason})") from error
        if state["validated"] == list(self.validation):
            self.best = state["best"]
        return spent, skipped

    def write(self, spent: float, skipped: int, line: dict[str, Any], validate: bool) -> None:
        """Write the checkpoint; with validation also sample pictures, a line of metrics, and models that got better.

        All processes have to call it; the main one writes.

        Args:
            spent: seconds of training so far. line: of metrics.

        Raises:
            DataError: weights are not finite numbers; nothing is written.
        """
        state = {
            "system": self.system.state_dict(),
            "cards": {direction: asdict(card) for direction, card in self.system.pair.cards.items()},
            "spent": spent,
            "skipped": skipped,
            "validated": list(self.validation),
        }
        if not self.system.world.main:
            return
        networks = [average.network for average in self.system.averages.values()]
        for network in (*networks, *self.system.pair.networks.values()):
            as_in_files = (parameter.half() for parameter in network.parameters())
            if not all(torch.isfinite(parameter).all() for parameter in as_in_files):
                raise DataError(f"{self.folder.path}: weights are not finite, or too large for files; try a lower rate")
        if skipped and skipped >= self.system.number:
            raise DataError(f"{self.folder.path}: not one step was finite; try a lower learning rate, or fp32")
        self.folder.save({**state, "best": self.best, "exported": self.exported})  # first, whatever validation does
        step = self.system.number
        if step == 0 or (validate and self._validated_at == step):
            return
        scores = self._validate(step) if validate else {}
        psnr = mean_psnr(scores)
        if psnr is not None and psnr > self.best:
            self.best = psnr
            self.export(scores, spent)
            self.folder.save({**state, "best": self.best, "exported": self.exported}, best=True)
        elif not (self.validation and self.folder.has_models()):
            self.export(scores, spent)
        if validate:
            self._draw()
            self.folder.log({**line, "validation": scores})
            if psnr is not None:
                say(f"validation: {psnr_of(scores)}; best so far {self.best:.2f} dB")

    def seconds_of_validation(self) -> float:
        """How long validation will take, as a single pair tells."""
        started = time.perf_counter()
        first = {name: pairs[:1] for name, pairs in self.validation.items() if pairs}
        validate_on(first, self.system.averages["dehaze"].network, self.system.device)
        count = sum(map(len, self.validation.values())) / max(1, len(first))
        return (time.perf_counter() - started) * count

    def _validate(self, step: int) -> dict[str, Scores]:
        self._validated_at = step
        return validate_on(self.validation, self.system.averages["dehaze"].network, self.system.device)

    def _draw(self) -> None:
        """Sample pictures."""
        self._samples = self._samples or Samples(self.config, self.files)
        averages = self.system.averages
        sheet = self._samples.draw(averages["dehaze"].network, averages["hazify"].network, self.system.device)
        with written_whole(self.folder.samples / f"step_{self.system.number:07d}.jpg") as file:
            sheet.save(file, "JPEG", quality=92)

    def export(self, scores: dict[str, Scores], spent: float) -> None:
        """Write the averaged generators as models for ``dehaze`` and ``hazify``."""
        self.exported = self.system.number
        data = self.config.data
        places = ("data", "hazy", "clear", "validation", "out")
        settings = {name: value for name, value in self.config.flat().items() if name not in places}
        for direction in DIRECTIONS:
            card = self.system.pair.cards[direction]
            if self.config.optimisation.train_only in (None, direction):
                recipe = {
                    "command": self.command,
                    "version": __version__,
                    "steps": self.system.number,
                    "minutes": round(spent / 60, 1),
                    "chosen": "best validation PSNR of the run" if scores else "last of the run",
                    "settings": {k: str(v) if isinstance(v, Path) else v for k, v in settings.items()},
                    **({"initial": card.recipe} if card.recipe else {}),
                }
                names = [path.name for path in (*data.data, *data.hazy, *data.clear)]
                card = replace(card, recipe=recipe, data=names, scores=scores if direction == "dehaze" else {})
            save_model(self.folder.path / f"{direction}.safetensors", self.system.averages[direction].network, card)
