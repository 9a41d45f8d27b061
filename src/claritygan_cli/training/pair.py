"""The two generators that are trained together."""

from dataclasses import dataclass
from pathlib import Path

import torch

from claritygan_cli.engine.generators import Generator, ScatteringDehazer, ScatteringHazifier
from claritygan_cli.errors import UsageError
from claritygan_cli.models.weights import load_model


@dataclass(frozen=True)
class Pair:
    """G: hazy to clear, and F: clear to hazy."""

    dehaze: ScatteringDehazer
    hazify: ScatteringHazifier

    @property
    def networks(self) -> dict[str, Generator]:
        """Both, by their direction."""
        return {"dehaze": self.dehaze, "hazify": self.hazify}


def fresh_pair(seed: int) -> Pair:
    """Generators with fresh weights."""
    torch.manual_seed(seed)
    pair = Pair(ScatteringDehazer(), ScatteringHazifier())
    for network in pair.networks.values():
        network.to(memory_format=torch.channels_last)
    return pair


def load_pair(run: Path) -> Pair:
    """The generators that a training run left.

    Raises:
        ModelError: a file is missing or damaged.
        UsageError: they are no scattering generators.
    """
    dehazer, _ = load_model(run / "dehaze.safetensors")
    hazifier, _ = load_model(run / "hazify.safetensors")
    if not (isinstance(dehazer, ScatteringDehazer) and isinstance(hazifier, ScatteringHazifier)):
        raise UsageError(f"{run}: its models are no scattering generators; choose another --initial")
    for network in (dehazer, hazifier):
        network.to(memory_format=torch.channels_last)
    return Pair(dehazer.train(), hazifier.train())
