import os
import subprocess
import sys

import pytest
import torch
from tests.training import tiny_run

from claritygan_cli.errors import UsageError
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.distributed import World, process_group
from claritygan_cli.training.run import train
from claritygan_cli.training.run_folder import RunFolder


@pytest.mark.parametrize("generator", ["scattering", "resnet"])
def test_two_processes_train_as_one_with_the_same_batch(config: TrainConfig, generator: str) -> None:
    config = config.changed(generator=generator, epochs=4, batch=4, paired_weight=1.0)  # type: ignore[arg-type]
    train(config)
    two = config.changed(out=config.run.folder.with_name("two"))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", tiny_run.__file__]
    done = subprocess.run([*launch, two.to_toml()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("epoch 1/4") == 1
    one, both = (RunFolder(c.run.folder).load()["system"] for c in (config, two))
    assert one["number"] == both["number"] == 4
    assert len(both["processes"]) == 2
    for name, value in {**one["networks"], "discriminators": one["discriminators"]}.items():
        for key, weights in value.items():
            difference = (weights - {**both["networks"], "discriminators": both["discriminators"]}[name][key]).abs()
            if key.endswith("bias") and (generator == "resnet" or name == "discriminators"):
                # InstanceNorm takes biases away: Adam makes steps of the rounding of their vanishing gradient
                assert difference.max() < 2 * 4 * config.optimisation.learning_rate
            else:
                assert difference.mean() < 0.02 * config.optimisation.learning_rate, f"{name} {key}"
    more = two.changed(epochs=5)
    done = subprocess.run([*launch, more.to_toml(), "resume"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert RunFolder(two.run.folder).load()["system"]["number"] == 5


def test_two_processes_take_turns_in_supervised_runs(config: TrainConfig) -> None:
    two = config.changed(objective="supervised", epochs=4, batch=4)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", tiny_run.__file__]
    done = subprocess.run([*launch, two.to_toml()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert RunFolder(two.run.folder).load()["system"]["number"] >= 4  # the hazifier had its kind_of_step, too


def test_alone_without_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with process_group(torch.device("cpu")) as (world, device):
        assert (world, device) == (World(), torch.device("cpu"))
        assert world.agree(1.0, 2.0) == [1.0, 2.0]
        assert world.gather("x") == ["x"]


def test_batches_must_divide_among_processes(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "WORLD_SIZE" not in os.environ
    monkeypatch.setattr("claritygan_cli.training.run.process_group", lambda device: _pretend(device))
    with pytest.raises(UsageError, match="batch 2: must be a multiple of the 3 processes"):
        train(config)


class _pretend:  # noqa: N801
    def __init__(self, device: torch.device) -> None:
        self.device = device

    def __enter__(self) -> tuple[World, torch.device]:
        return World(1, 3), self.device

    def __exit__(self, *_: object) -> None:
        pass
