"""Photos on a Ray cluster of one and of two workers of this machine, beside the same run without Ray.

    python -m tests.benchmarks.bench_cluster [PHOTOS]

Printed are photos a second, start-up taken off (a run of one photo), and whether the results are the same bytes.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data


def seconds(photos: Path, out: Path, *more: str) -> float:
    """What a run takes."""
    started = time.perf_counter()
    line = [sys.executable, "-m", "claritygan_cli", "dehaze", str(photos), "--out", str(out), "-q", *more]
    subprocess.run(line, check=True)
    return time.perf_counter() - started


def main(count: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as root:
        photos, one = Path(root, "photos"), Path(root, "one")
        one.mkdir()
        photos.mkdir()
        random, photo = np.random.default_rng(1), Image.fromarray(data.astronaut()).resize((1600, 1200))
        for number in range(count):
            photo.rotate(random.uniform(-5, 5)).save(photos / f"{number}.jpg", quality=90)
        photo.save(one / "a.jpg")
        ways = {"1 thread": ("--threads", "1"), "2 threads": ("--threads", "2")}
        ways |= {f"Ray, {n} worker(s)": ("--ray", "local", "--threads", str(n)) for n in (1, 2)}
        for number, (name, more) in enumerate(ways.items()):
            start = seconds(one, Path(root, f"one{number}"), *more)
            spent = seconds(photos, Path(root, f"out{number}"), *more) - start
            first = {path.name: path.read_bytes() for path in Path(root, "out0").glob("*.jpg")}
            same = first == {path.name: path.read_bytes() for path in Path(root, f"out{number}").glob("*.jpg")}
            print(f"{name:16} start {start:.1f} s, then {count / spent:.1f} photos a second; same bytes: {same}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
