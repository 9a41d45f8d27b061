"""A training run with tiny networks in a process of its own: ``tiny_run.py SETTINGS [resume | kill=N]``.

``kill=N`` kills the process while it writes its N-th checkpoint: the bytes are there, the name is not.
"""

import os
import signal
import sys

from claritygan_cli.models.weights import Direction, ModelCard
from claritygan_cli.training import generator_pair
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.run import train

full_card = generator_pair.fresh_card


def tiny_card(config: TrainConfig, direction: Direction) -> ModelCard:
    """Architecture of a tiny generator."""
    card = full_card(config, direction)
    if config.generator == "scattering":
        card.architecture.update(widths=[4, 8], blocks=[1, 1])
    return card


def kill_at(checkpoint: int) -> None:
    written: list[int] = []

    def killing(file: int) -> None:
        written.append(file)
        if len(written) == checkpoint:
            os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = killing  # type: ignore[assignment]


if __name__ == "__main__":
    generator_pair.fresh_card = tiny_card
    how = sys.argv[2] if len(sys.argv) > 2 else ""
    if how.startswith("kill="):
        kill_at(int(how.removeprefix("kill=")))
    train(TrainConfig.from_json(sys.argv[1]), resume=how == "resume")
