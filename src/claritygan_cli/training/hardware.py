"""What suits the hardware that a run is on."""

import torch

from claritygan_cli.processors import cpu_flags, process_peak_memory, processors
from claritygan_cli.training.config import Precision, TrainConfig

BF16_FLAG = "amx_bf16"
"""Processors with it multiply bf16 matrices many times as fast as float32 ones; with AVX-512's bf16 alone, training was
slower than in float32 (weights/EXPERIMENTS.md)."""


def suitable_workers(config: TrainConfig, device: torch.device, ranks: int) -> int:
    """Loader processes: as asked for, or what keeps a GPU fed; beside training on the CPU, one if cores are left."""
    if config.run.workers is not None:
        return config.run.workers
    free = processors() // ranks - 1
    return max(0, min(8 if device.type == "cuda" else 1, free))


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
    return torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else process_peak_memory()
