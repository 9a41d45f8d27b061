import subprocess
import sys
from pathlib import Path

import pytest
import torch

from claritygan_cli import processors as processors_module
from claritygan_cli.training import hardware
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.hardware import settled_precision, suitable_workers

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
    assert suitable_workers(config.changed(workers=None), device, ranks) == workers
    assert suitable_workers(config.changed(workers=5), device, ranks) == 5


@pytest.mark.parametrize(
    ("flags", "expected"), [("fpu amx_bf16 avx2", "bf16"), ("fpu avx512_bf16", "fp32"), ("", "fp32")]
)
def test_auto_is_what_the_processor_is_made_for(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: str, expected: str
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags\t\t: {flags}\n")
    monkeypatch.setattr(processors_module, "CPU_INFO", tmp_path / "cpuinfo")
    processors_module.cpu_flags.cache_clear()
    precision, reason = settled_precision(config.changed(precision="auto"), CPU)
    assert (precision, "amx_bf16" in reason) == (expected, True)
    assert settled_precision(config.changed(precision="fp16"), CPU)[0] == "fp16"
    monkeypatch.setattr(processors_module, "CPU_INFO", tmp_path / "nowhere")
    processors_module.cpu_flags.cache_clear()
    assert settled_precision(config.changed(precision="auto"), CPU)[0] == "fp32"
    processors_module.cpu_flags.cache_clear()


def test_peak_memory_grows() -> None:
    """In a process of its own: in this one, other tests may have needed more."""
    code = """
import torch
from claritygan_cli.training.hardware import peak_memory
before = peak_memory(torch.device("cpu"))
block = torch.ones(64, 1 << 20)
assert peak_memory(torch.device("cpu")) > before + 100
assert block.sum() > 0
"""
    subprocess.run([sys.executable, "-c", code], check=True)
