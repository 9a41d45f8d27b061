"""Time and memory of ``claritygan dehaze`` beside merely opening and saving the same photos with Pillow.

Run: ``python tests/benchmarks/bench_dehaze.py [PHOTOS] [MEGAPIXELS ...]``. Every figure is of a process of its own.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

COPY = """
import sys
from pathlib import Path
from PIL import Image
out = Path(sys.argv[2]); out.mkdir()
for path in sorted(Path(sys.argv[1]).iterdir()):
    with Image.open(path) as image:
        image.convert("RGB").save(out / path.name, quality=95, subsampling=0, optimize=True)
"""


def make_photos(folder: Path, count: int, megapixels: float) -> None:
    """JPEGs of a real photograph, enlarged, with sensor noise."""
    folder.mkdir()
    width = round((megapixels * 1e6 * 3 / 2) ** 0.5)
    photo = Image.fromarray(skimage.data.coffee()).resize((width, round(width * 2 / 3)), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(0).integers(-4, 5, (64, width, 3))
    pixels = np.asarray(photo).astype(np.int16)
    pixels = np.clip(pixels + np.resize(noise, pixels.shape), 0, 255).astype(np.uint8)
    for i in range(count):
        Image.fromarray(pixels).save(folder / f"{i:03}.jpg", quality=92)


def measure(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak resident MiB of a command."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True)
    return time.perf_counter() - started, float(done.stdout)


def main() -> None:
    """Print a table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    sizes = [float(a) for a in sys.argv[2:]] or [2.07, 12, 24]
    print(f"{'photos':>7} {'MP':>6} {'copy s':>8} {'dehaze s':>9} {'ratio':>6} {'dehaze MiB':>11}")
    for size in sizes:
        for photos in (1, count):
            with tempfile.TemporaryDirectory() as work:
                source = Path(work) / "in"
                make_photos(source, photos, size)
                copy, _ = measure([sys.executable, "-c", COPY, str(source), f"{work}/copy"])
                ours = [sys.executable, "-m", "claritygan_cli", "dehaze", str(source), "--out", f"{work}/out", "-q"]
                seconds, memory = measure(ours)
            print(f"{photos:7} {size:6.1f} {copy:8.2f} {seconds:9.2f} {seconds / copy:6.2f} {memory:11.0f}", flush=True)


if __name__ == "__main__":
    main()
