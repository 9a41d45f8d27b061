"""Thousands of damaged pictures: what becomes of them, beside what an independent decoder says.

    python -m tests.benchmarks.bench_fuzz [COUNT]

Pictures of every format are mutated (bits flipped, ends cut off, pieces overwritten, taken out or doubled, with a fixed
seed) and decoded. Counted are those that were refused; those that came out although Pillow, asked for the pixels alone,
or a PNG's checksums refuse them (there must be none); and other exceptions than the one that is meant for damage (none
either). Time and memory show that none makes the decoder hang or explode.
"""

import collections
import resource
import sys
import time

import numpy as np
from skimage import data
from tests.media.test_damage import KINDS, encoded, is_rejected, mutated

from claritygan_cli.errors import ImageError
from claritygan_cli.media.image_reader import decode_picture


def main(count: int) -> None:
    """Print the figures."""
    random, photo = np.random.default_rng(2026), data.astronaut()
    sources = {kind: encoded(photo, kind) for kind in KINDS}
    refused: collections.Counter[str] = collections.Counter()
    passed: collections.Counter[str] = collections.Counter()
    wrong: list[str] = []
    slowest = 0.0
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        damaged = mutated(sources[kind], random)
        started = time.perf_counter()
        try:
            decode_picture(damaged, "x")
        except ImageError:
            refused[kind] += 1
        except Exception as error:
            wrong.append(f"{number} {kind}: {type(error).__name__}: {error}")
        else:
            passed[kind] += 1
            if is_rejected(damaged):
                wrong.append(f"{number} {kind}: came out, and is damaged")
        slowest = max(slowest, time.perf_counter() - started)
    for kind in KINDS:
        print(f"{kind:5} {refused[kind]:5} refused, {passed[kind]:5} decoded as by the other decoder")
    print(f"{len(wrong)} wrong" + "".join(f"\n  {line}" for line in wrong[:20]))
    print(f"slowest {slowest * 1000:.0f} ms; {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB at most")


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
