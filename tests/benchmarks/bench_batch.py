"""A large batch that is killed and taken up again.

    python -m tests.benchmarks.bench_batch [PHOTOS]

The same folder is dehazed once undisturbed, and once killed by SIGKILL, SIGTERM and SIGHUP on the way, each time
started again. Printed are what differs between both results (nothing may), what is left beside them (nothing either),
and the memory of the undisturbed run as it goes on.
"""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data


def run(photos: Path, out: Path) -> subprocess.Popen[bytes]:
    """Start the command."""
    command = [sys.executable, "-m", "claritygan_cli", "dehaze", str(photos), "--out", str(out), "--threads", "1", "-q"]
    return subprocess.Popen([*command, "--working-size", "64"])


def memory(process: subprocess.Popen[bytes]) -> int:
    """MiB that a process has in memory."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def digests(folder: Path) -> dict[str, str]:
    """What is in a folder."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def main(count: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as root:
        photos, plain, killed = (Path(root, name) for name in ("photos", "plain", "killed"))
        photos.mkdir()
        random, photo = np.random.default_rng(1), data.astronaut()
        for number in range(count):
            top, left = random.integers(0, 400, 2)
            Image.fromarray(photo[top : top + 96, left : left + 112]).save(photos / f"{number}.jpg", quality=90)
        process, started = run(photos, plain), time.perf_counter()
        seen: dict[int, int] = {}  # MiB by tenths of the photos
        while process.poll() is None:
            done = sum(1 for _ in plain.iterdir()) if plain.is_dir() else 0
            if now := memory(process):
                seen[10 * done // count] = now
            time.sleep(0.1)
        print(f"undisturbed: exit {process.returncode}, {time.perf_counter() - started:.0f} s")
        print(f"MiB in each tenth: {list(seen.values())}")
        for share, number in ((0.2, signal.SIGKILL), (0.45, signal.SIGTERM), (0.7, signal.SIGHUP), (1.0, None)):
            process = run(photos, killed)
            while number is not None and process.poll() is None:
                if killed.is_dir() and sum(1 for _ in killed.iterdir()) >= share * count:
                    process.send_signal(number)
                    break
                time.sleep(0.01)
            code = process.wait()
            parts = [p.name for p in killed.iterdir() if p.name.startswith(".")]
            print(f"{number.name if number else 'to the end'}: exit {code}, {len(parts)} part files")
        one, other = digests(plain), digests(killed)
        print(f"{len(one)} results, {sum(one.get(name) != other.get(name) for name in one | other)} differ")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
