"""A training run with tiny networks in a process of its own: ``tiny_run.py SETTINGS [resume | kill=N]``.

``kill=N`` kills the process while it writes its N-th checkpoint: the bytes are there, the name is not.
"""

import os
import signal
import sys

from claritygan_cli.training.config import TrainConfig, read_recipe
from claritygan_cli.training.run import train


def kill_at(checkpoint: int) -> None:
    written: list[int] = []

    def killing(file: int) -> None:
        written.append(file)
        if len(written) == checkpoint:
            os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = killing  # type: ignore[assignment]


if __name__ == "__main__":
    how = sys.argv[2] if len(sys.argv) > 2 else ""
    if how.startswith("kill="):
        kill_at(int(how.removeprefix("kill=")))
    train(TrainConfig().changed(**read_recipe(sys.argv[1])), resume=how == "resume")
