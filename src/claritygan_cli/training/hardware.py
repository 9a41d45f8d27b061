"""What suits the machine that a run is on."""

import os
import sys
import time

import torch
from torch import nn

from claritygan_cli.training.config import Precision, TrainConfig


def processors() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def suitable_workers(config: TrainConfig, device: torch.device, ranks: int) -> int:
    """Loader processes: as asked for, or what keeps a GPU fed; beside training on the CPU, one if cores are left."""
    if config.workers is not None:
        return config.workers
    free = processors() // ranks - 1
    return max(0, min(8 if device.type == "cuda" else 1, free))


def _seconds(device: torch.device, half: bool) -> float:
    """Time of a small convolution's forward and backward pass, the best of five."""
    layer, image = nn.Conv2d(64, 64, 3, padding=1).to(device), torch.rand(4, 64, 64, 64, device=device)
    times = []
    for _ in range(6):
        started = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            out = layer(image)
        out.float().mean().backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    return min(times[1:])


def settled_precision(config: TrainConfig, device: torch.device) -> Precision:
    """The precision asked for; ``auto`` is bf16 where that is measurably faster than fp32."""
    if config.precision != "auto":
        return config.precision
    if device.type == "mps":
        return "fp32"
    with torch.random.fork_rng(devices=[]):
        return "bf16" if 1.1 * _seconds(device, half=True) < _seconds(device, half=False) else "fp32"


def peak_memory(device: torch.device) -> float:
    """Most memory used so far, in MiB: the GPU's, or this process' own; not a number where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
