"""What this machine's processor has, and what this process has taken of its memory."""

import os
import sys
from functools import cache
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")


def processors() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def cpu_flags() -> frozenset[str]:
    """What the processor says that it can do; nothing where the system does not tell."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(word for line in lines if line.startswith("flags") for word in line.split(":", 1)[-1].split())


def process_peak_memory() -> float:
    """Most memory that this process has had so far, in MiB; not a number where the system does not say."""
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
