"""Thousands of damaged model files, recipes, manifests and model cards: what becomes of them.

    python -m tests.benchmarks.bench_fuzz_files [COUNT]

Bits are flipped, ends cut off, pieces overwritten, and tokens of JSON and TOML exchanged for absurd ones, with a fixed
seed. Counted are those that were refused with one of the program's own errors, those that were taken, and other
exceptions (there must be none). Time and memory show that none makes a reader hang or explode.
"""

import collections
import json
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.media.test_damage import mutated

from claritygan_cli.batch.manifest import Record, read_records
from claritygan_cli.errors import ClarityganError
from claritygan_cli.models.card import METADATA_KEY, ModelCard, parse_card, read_card
from claritygan_cli.models.onnx_network import load_network
from claritygan_cli.models.weights import build_generator, load_model, save_model
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.run_folder import recipe_of

TOKENS = [
    b"null",
    b"-1",
    b"1e999",
    b"NaN",
    b"99999999999999999999",
    b'"x"',
    b"[]",
    b"{}",
    b"true",
    b"[[[[" * 2000,
    b"0",
]
TINY = {"widths": [4, 4, 8, 8, 8], "working_size": 32}


def changed(data: bytes, random: np.random.Generator) -> bytes:
    """Damaged anywhere, or a number or a text of it made absurd; the length of safetensors' header is kept right."""
    numbers = [*re.finditer(rb'\b\d+(\.\d+)?\b|"[a-z_0-9]+"', data[:20000])]
    if not numbers or random.integers(2):
        return mutated(data, random)
    found = numbers[random.integers(len(numbers))]
    result = data[: found.start()] + TOKENS[random.integers(len(TOKENS))] + data[found.end() :]
    header = int.from_bytes(data[:8], "little")
    if data[8:9] == b"{" and header < len(data):
        result = (header + len(result) - len(data)).to_bytes(8, "little") + result[8:]
    return result


def sources(folder: Path) -> dict[str, tuple[bytes, Callable[[Path], object]]]:
    """A good file of each kind, and what reads it."""
    card = ModelCard("scattering", "dehaze", TINY)
    save_model(folder / "m.safetensors", build_generator(card), card)
    graph = Path("weights/scattering-dehaze-int8.onnx").read_bytes()
    text = json.dumps(vars(read_card(folder / "m.safetensors"))).encode()
    manifest = b"".join(json.dumps(vars(Record(f"{i}.png", "a", "1-2"))).encode() + b"\n" for i in range(50))

    return {
        "weights": ((folder / "m.safetensors").read_bytes(), load_model),
        "graph": (graph, load_network),
        "card": (text, lambda path: parse_card(path.read_text(encoding="utf-8", errors="replace"))),
        "recipe": (TrainConfig().to_toml().encode(), lambda path: TrainConfig().changed(**recipe_of(path))),
        "manifest": (manifest, read_records),
    }


def main(count: int) -> None:
    """Print the figures."""
    random = np.random.default_rng(2026)
    refused: collections.Counter[str] = collections.Counter()
    taken: collections.Counter[str] = collections.Counter()
    wrong: list[str] = []
    slowest = (0.0, "")
    with tempfile.TemporaryDirectory() as root:
        kinds = sources(Path(root))
        assert METADATA_KEY.encode() in kinds["weights"][0]
        for number in range(count):
            kind = list(kinds)[number % len(kinds)]
            data, read = kinds[kind]
            path = Path(root, f"damaged.{'onnx' if kind == 'graph' else 'safetensors'}")
            path.write_bytes(changed(data, random))
            started = time.perf_counter()
            try:
                read(path)
            except ClarityganError:
                refused[kind] += 1
            except Exception as error:
                wrong.append(f"{number} {kind}: {type(error).__name__}: {str(error)[:200]}")
            else:
                taken[kind] += 1
            slowest = max(slowest, (time.perf_counter() - started, f"{number} {kind}"))
    for kind in kinds:
        print(f"{kind:8} {refused[kind]:5} refused, {taken[kind]:5} taken")
    print(f"{len(wrong)} wrong" + "".join(f"\n  {line}" for line in wrong[:20]))
    print(f"slowest {slowest[0] * 1000:.0f} ms ({slowest[1]}); ", end="")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB at most")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
