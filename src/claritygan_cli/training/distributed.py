"""One process of several that train together, started by ``torchrun``."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

PATIENCE = timedelta(hours=2)
"""The others wait while the main process validates."""
SETTLING = 0.5
"""Seconds before a process may end: a moment after they have reported, gloo's threads still let go of tensors, and a
Python that is ending aborts them (https://github.com/pytorch/pytorch/pull/179291)."""


@dataclass(frozen=True)
class World:
    """This process' number, and how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def main(self) -> bool:
        """Whether this process does what is done once: writing, validating, talking."""
        return self.rank == 0

    def share(self, module: nn.Module, whole: bool = True) -> nn.Module:
        """The module, with gradients averaged over all processes in its backward pass.

        Args:
            whole: whether every pass uses all of its parameters.
        """
        return DistributedDataParallel(module, find_unused_parameters=not whole) if self.size > 1 else module

    def agree(self, *values: Any) -> list[Any]:
        """The main process' values, in all processes."""
        if self.size == 1:
            return list(values)
        shared = [list(values)]
        dist.broadcast_object_list(shared, src=0)
        return shared[0]

    def agree_on_numbers(self, device: torch.device, *values: float) -> list[float]:
        """As :meth:`agree`, for numbers: one small tensor is sent, on the processes' own devices."""
        if self.size == 1:
            return list(values)
        shared = torch.tensor(values, dtype=torch.float32, device=device)
        dist.broadcast(shared, src=0)
        return shared.tolist()

    def gather(self, value: Any) -> list[Any]:
        """The values of all processes, in the main one."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.gather_object(value, values if self.main else None, dst=0)
        return values


@contextmanager
def process_group(device: torch.device) -> Iterator[tuple[World, torch.device]]:
    """Join the processes that torchrun started, if it did; the world, and this process' own device."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World(), device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield World(dist.get_rank(), size), device
    finally:
        dist.destroy_process_group()
        time.sleep(SETTLING)
