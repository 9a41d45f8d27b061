"""Time and memory of dehazing photos beside merely decoding and encoding them with the same settings.

Run: ``python tests/benchmarks/bench_dehaze.py [THREADS [MEGAPIXELS ...]]``. For each size, and in turns:

* copy: Pillow, in as many threads, each photo with its own tables, subsampling and optimised Huffman codes;
* ours: the same photos by :func:`claritygan_cli.batch.run.run_plan`; both after start-up, and after a first photo;
* the peak memory of either process (Linux), and what it is after start-up alone;
* one photo's stages, by one thread: decode, view, network, apply, encode; and apply by all threads.

Then the same for 24 megapixels with another process busy on each core, and the time of a first small photo with all of
start-up.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

PEAK = r"""
def peak():
    return int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024
"""
COPY = (
    PEAK
    + """
import io, json, re, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from PIL import Image, JpegImagePlugin
folder, out, threads = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
out.mkdir(exist_ok=True)
def copy(path):
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        options = dict(qtables=image.quantization, subsampling=JpegImagePlugin.get_sampling(image), optimize=True)
        image.convert("RGB").save(out / path.name, **options)
paths = sorted(folder.iterdir())
base = peak()
with ThreadPoolExecutor(threads) as pool:
    copy(paths[0])
    started = time.perf_counter()
    list(pool.map(copy, paths))
print(json.dumps([time.perf_counter() - started, peak(), base]))
"""
)
OURS = (
    PEAK
    + """
import json, re, sys, time
from pathlib import Path
import numpy as np
from claritygan_cli.batch.options import BatchOptions, DehazeOptions, ModelOptions, VideoOptions
from claritygan_cli.batch.plan import make_plan
from claritygan_cli.batch.run import here, run_plan
from claritygan_cli.batch.tasks import DehazeTask
folder, out, threads = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
task = DehazeTask(DehazeOptions(), ModelOptions(threads=threads))
with task.parallel():
    task.translator(np.full((900, 1600, 3), 128, np.uint8))
base = peak()
plan, options = make_plan([str(folder)], out), BatchOptions(str(out), overwrite=True)
started = time.perf_counter()
do = here(lambda: task, options, VideoOptions(), threads=threads)
results = list(run_plan(plan, do, options, VideoOptions()))
seconds = time.perf_counter() - started
assert all(result.status == "done" for result in results), results
print(json.dumps([seconds, peak(), base]))
"""
)
STAGES = """
import json, sys, time
from pathlib import Path
import torch
from claritygan_cli.engine.fused_pass import apply
from claritygan_cli.engine.restoration import prepare
from claritygan_cli.media.image_reader import read_picture
from claritygan_cli.media.image_writer import encode_picture
from claritygan_cli.models.loading import load_translator
path, threads, t = sorted(Path(sys.argv[1]).iterdir())[0], int(sys.argv[3]), load_translator("dehaze")
best = {}
def timed(name, work):
    started = time.perf_counter()
    result = work()
    best[name] = min(best.get(name, 9e9), time.perf_counter() - started)
    return result
with t.parallel(), torch.inference_mode():
    for _ in range(4):
        picture = timed("decode", lambda: read_picture(path))
        small = timed("view", lambda: t.small_copy(picture.pixels))
        estimate = timed("network", lambda: t._estimate(small))
        maps = prepare(small, estimate, t.restoration).maps()
        timed("apply", lambda: apply(picture.pixels, maps, 1))
        timed(f"apply x{threads}", lambda: apply(picture.pixels, maps, threads))
        timed("encode", lambda: encode_picture(picture, ".jpg"))
print(json.dumps(best))
"""
BUSY = "while True: pass"
ROUNDS = 3


def make_photos(folder: Path, count: int, megapixels: float) -> None:
    """JPEGs of a real photograph, enlarged, with sensor noise."""
    folder.mkdir()
    width = round((megapixels * 1e6 * 3 / 2) ** 0.5)
    photo = Image.fromarray(skimage.data.coffee()).resize((width, round(width * 2 / 3)), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(0).integers(-4, 5, (64, width, 3))
    pixels = np.asarray(photo).astype(np.int16)
    pixels = np.clip(pixels * 0.6 + 80 + np.resize(noise, pixels.shape), 0, 255).astype(np.uint8)
    for i in range(count):
        Image.fromarray(pixels).save(folder / f"{i:03}.jpg", quality=92)


def child(code: str, *arguments: object) -> list[float] | dict[str, float]:
    """What a process of its own prints as JSON."""
    words = [sys.executable, "-c", code, *(str(argument) for argument in arguments)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def compare(folder: Path, threads: int) -> str:
    """A line: seconds a photo, their ratio, and peaks of memory."""
    count = len(list(folder.iterdir()))
    copies, ours = zip(
        *(
            (child(COPY, folder, folder.parent / "copy", threads), child(OURS, folder, folder.parent / "out", threads))
            for _ in range(ROUNDS)
        ),
        strict=True,
    )
    copy, our = (min(run[0] for run in runs) / count for runs in (copies, ours))
    memory = " ".join(f"{max(run[1] for run in runs):6.0f}" for runs in (copies, ours))
    base = ours[0][2]
    return f"{count:6} {copy:8.3f} {our:8.3f} {our / copy:6.2f} {memory} {base:8.0f}"


def main() -> None:
    """Print the tables."""
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    sizes = [float(a) for a in sys.argv[2:]] or [2, 12, 24, 100]
    print(f"{threads} threads; seconds a photo; MiB: peak of copy, peak of ours, ours before the first photo")
    print("    MP photos   copy s   ours s  ratio   copy   ours   before")
    for size in sizes:
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work) / "in"
            make_photos(folder, max(2, min(24, round(200 / size))), size)
            print(f"{size:6.0f} {compare(folder, threads)}", flush=True)
            stages = child(STAGES, folder, "", threads)
            print("       ", ", ".join(f"{name} {seconds:.3f}" for name, seconds in stages.items()), flush=True)
    with tempfile.TemporaryDirectory() as work:
        make_photos(Path(work) / "in", 6, 24)
        others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(threads)]
        try:
            print(f"  busy {compare(Path(work) / 'in', threads)}", flush=True)
        finally:
            for other in others:
                other.kill()
        make_photos(Path(work) / "small", 1, 0.5)
        started = time.perf_counter()
        command = [sys.executable, "-m", "claritygan_cli", "dehaze", f"{work}/small", "--out", f"{work}/first", "-q"]
        subprocess.run(command, check=True)
        print(f"a first photo of 0.5 MP, with start-up: {time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    main()
