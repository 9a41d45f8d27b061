from dataclasses import replace

import pytest
import torch

from claritygan_cli.training import hardware
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.hardware import peak_memory, settled_precision, suitable_workers

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("cores", "device", "ranks", "workers"),
    [
        (1, CPU, 1, 0),
        (2, CPU, 1, 1),
        (16, CPU, 1, 1),
        (2, GPU, 1, 1),
        (16, GPU, 1, 8),
        (16, GPU, 4, 3),
        (64, GPU, 2, 8),
    ],
)
def test_loader_processes_suit_the_machine(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, cores: int, device: torch.device, ranks: int, workers: int
) -> None:
    monkeypatch.setattr(hardware, "processors", lambda: cores)
    assert suitable_workers(replace(config, workers=None), device, ranks) == workers
    assert suitable_workers(replace(config, workers=5), device, ranks) == 5


@pytest.mark.parametrize(("half", "whole", "expected"), [(1.0, 2.0, "bf16"), (2.0, 1.0, "fp32")])
def test_auto_takes_what_is_measurably_faster(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, half: float, whole: float, expected: str
) -> None:
    times = {True: half, False: whole}
    monkeypatch.setattr(hardware, "_seconds", lambda device, half: times[half])
    assert settled_precision(replace(config, precision="auto"), CPU) == expected
    assert settled_precision(replace(config, precision="fp16"), CPU) == "fp16"


def test_measuring_leaves_the_random_numbers_alone(config: TrainConfig) -> None:
    before = torch.get_rng_state()
    assert settled_precision(replace(config, precision="auto"), CPU) in ("bf16", "fp32")
    assert torch.equal(torch.get_rng_state(), before)


def test_peak_memory_grows() -> None:
    before = peak_memory(CPU)
    block = torch.ones(64, 1 << 20)
    assert peak_memory(CPU) > before + 100
    assert block.sum() > 0
