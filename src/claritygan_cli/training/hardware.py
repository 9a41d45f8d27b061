"""What suits the hardware that a run is on."""

import sys
from functools import cache
from pathlib import Path

import torch

from claritygan_cli.processors import processors
from claritygan_cli.training.config import Precision, TrainConfig

CPU_INFO = Path("/proc/cpuinfo")
BF16_FLAG = "amx_bf16"
"""Processors with it multiply bf16 matrices many times as fast as float32 ones; with AVX-512's bf16 alone, training was
slower than in float32 (weights/EXPERIMENTS.md)."""


def suitable_workers(config: TrainConfig, device: torch.device, ranks: int) -> int:
    """Loader processes: as asked for, or what keeps a GPU fed; beside training on the CPU, one if cores are left."""
    if config.run.workers is not None:
        return config.run.workers
    free = processors() // ranks - 1
    return max(0, min(8 if device.type == "cuda" else 1, free))


@cache
def cpu_flags() -> frozenset[str]:
    """What the processor says that it can do; nothing where the system does not tell."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(word for line in lines if line.startswith("flags") for word in line.split(":", 1)[-1].split())


def settled_precision(config: TrainConfig, device: torch.device) -> tuple[Precision, str]:
    """The precision asked for, or for ``auto`` what the processor is made for; and the reason."""
    if config.optimisation.precision != "auto":
        return config.optimisation.precision, "as set"
    if device.type == "cuda":
        able = torch.cuda.is_bf16_supported(including_emulation=False)
        return ("bf16", "the GPU has it") if able else ("fp32", "the GPU has no bf16")
    if device.type == "cpu":
        able = BF16_FLAG in cpu_flags()
        return ("bf16", f"the CPU has {BF16_FLAG}") if able else ("fp32", f"the CPU has no {BF16_FLAG}")
    return "fp32", f"bf16 is not used on {device.type}"


def peak_memory(device: torch.device) -> float:
    """Most memory used so far, in MiB: the GPU's, or this process' own; not a number where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    status = Path("/proc/self/status")
    if status.is_file():  # Linux; there, getrusage also counts what the process that started this one had in memory
        lines = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines() if ":" in line)
        if "VmHWM" in lines:
            return int(lines["VmHWM"].split()[0]) / 2**10
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
