"""A large batch that is killed and taken up again.

    python -m tests.benchmarks.bench_batch [PHOTOS]

The same folder is dehazed once undisturbed, and once killed on the way: by SIGKILL at 20 random moments, by SIGTERM
and by SIGHUP, each time started again, with --update. Printed are what differs between both results (nothing may),
what is left beside them (nothing either), the memory of the undisturbed run as it goes on, and how long a run takes for
which nothing is left to do.
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
    command = [sys.executable, "-m", "claritygan_cli", "dehaze", str(photos), "--out", str(out), "--update", "-q"]
    return subprocess.Popen([*command, "--working-size", "64"])


def memory(process: subprocess.Popen[bytes]) -> int:
    """MiB that a process has in memory."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def digests(folder: Path, read: bool = True) -> dict[str, str]:
    """The results in a folder."""
    paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() if read else "" for path in paths}


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
        moments = [(share, signal.SIGKILL) for share in sorted(random.uniform(0, 0.9, 20))]
        for share, number in (*moments, (0.92, signal.SIGTERM), (0.95, signal.SIGHUP), (1.0, None)):
            process = run(photos, killed)
            while number is not None and process.poll() is None:
                if killed.is_dir() and len(digests(killed, read=False)) >= share * count:
                    time.sleep(random.uniform(0, 0.02))
                    process.send_signal(number)
                    break
                time.sleep(0.002)
            code = process.wait()
            parts = [p.name for p in killed.glob(".*.part")]
            print(f"{number.name if number else 'to the end'}: exit {code}, {len(parts)} part files")
        one, other = digests(plain), digests(killed)
        print(f"{len(one)} results, {sum(one.get(name) != other.get(name) for name in one | other)} differ")
        started = time.perf_counter()
        code = run(photos, killed).wait()
        print(f"nothing to do: exit {code}, {time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
