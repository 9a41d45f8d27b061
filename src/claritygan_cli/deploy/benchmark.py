"""How fast models translate photos on this machine, and in how much memory.

Each measurement has a process of its own, ``python -m claritygan_cli.deploy.benchmark``, since a process' peak memory
never falls.
"""

import json
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

from claritygan_cli.deploy.options import BenchmarkOptions
from claritygan_cli.errors import ClarityganError, ModelError
from claritygan_cli.processors import cpu_flags, process_peak_memory, processors

TELLING_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimddp", "i8mm")
"""Of a processor, on which the speed of networks depends."""
PACKAGES = ("torch", "onnxruntime", "numba", "numpy")
ASPECT = 2 / 3
"""Height of the photos, in widths."""


@dataclass(frozen=True)
class Measurement:
    """One model at one size.

    Attributes:
        runtime: ``torch`` or ``onnxruntime``.
        precision: of its network: ``fp32`` or ``int8``.
        megapixels: of the photo.
        seconds: from pixels to pixels, the median of several photos, after one that does not count.
        memory: most that the process had, in MiB, the interpreter and its packages included.
    """

    model: str
    runtime: str
    precision: str
    megapixels: float
    threads: int
    seconds: float
    memory: float

    @property
    def megapixels_a_second(self) -> float:
        """Throughput of one photo after the other."""
        return self.megapixels / self.seconds


def machine() -> dict[str, Any]:
    """The machine in a few words: processor, its instructions that matter, cores, and versions."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "system": platform.platform(),
        "processor": platform.machine(),
        "instructions": [flag for flag in TELLING_FLAGS if flag in cpu_flags()],
        "cores": processors(),
        "versions": versions,
    }


def measurements(models: list[str], options: BenchmarkOptions) -> Iterator[Measurement]:
    """Every model at every size and number of threads, one after the other.

    Raises:
        ModelError: a model cannot be measured; what its process said.
    """
    for model in models:
        for threads in options.threads or tuple(sorted({1, processors()})):
            for megapixels in options.sizes:
                job = json.dumps([model, megapixels, threads, options.rounds])
                command = [sys.executable, "-m", "claritygan_cli.deploy.benchmark", job]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    raise ModelError(f"{model}: {(done.stderr.strip() or 'its process was killed').splitlines()[-1]}")
                yield Measurement(**json.loads(done.stdout))


def measure(model: str, megapixels: float, threads: int, rounds: int) -> Measurement:
    """One measurement, in this process.

    Raises:
        ModelError, UsageError: the model cannot be loaded.
    """
    import numpy as np

    from claritygan_cli.models.finding import find_card, find_model
    from claritygan_cli.models.photo_translator import load_photo_translator

    card = find_card(model)
    translator = load_photo_translator(card.direction, model, "cpu", threads)
    width = max(1, round((megapixels * 1e6 / ASPECT) ** 0.5))
    height = max(1, round(width * ASPECT))
    across, down = np.linspace(0, 1, width), np.linspace(0, 1, height)[:, None]
    plane = 60 + 120 * down + 40 * np.sin(25 * across) * np.cos(19 * down)
    photo = np.repeat(plane[..., None], 3, 2).astype(np.uint8)
    seconds = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        translator.translate(photo, threads=threads)
        seconds.append(time.perf_counter() - started)
    runs_onnx = find_model(model, card.direction)[0].suffix == ".onnx"
    return Measurement(
        model,
        "onnxruntime" if runs_onnx else "torch",
        "int8" if "quantization" in card.recipe else "fp32",
        width * height / 1e6,
        threads,
        median(seconds[1:]),
        process_peak_memory(),
    )


def table(found: list[Measurement]) -> str:
    """Measurements for people."""
    longest = max(len(one.model) for one in found)
    rows = [f"{'model':<{longest}}  runtime      type  threads     MP      ms    MP/s     MiB"]
    for one in found:
        rows.append(
            f"{one.model:<{longest}}  {one.runtime:<11}  {one.precision}  {one.threads:>7} {one.megapixels:>6.2f} "
            f"{1000 * one.seconds:>7.1f} {one.megapixels_a_second:>7.1f} {one.memory:>7.0f}"
        )
    return "\n".join(rows)


def main() -> None:
    """One measurement, asked for and answered in JSON."""
    try:
        print(json.dumps(asdict(measure(*json.loads(sys.argv[1])))))
    except ClarityganError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
