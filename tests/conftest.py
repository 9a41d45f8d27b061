"""What several tests share: a command line in this process, tiny models, small photos."""

import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

import claritygan_cli
from claritygan_cli.batch.manifest import MANIFEST
from claritygan_cli.cli import main
from claritygan_cli.models.card import ModelCard
from claritygan_cli.models.weights import build_generator, save_model

ENGINE = Path(claritygan_cli.__file__).parent / "engine"
SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(ENGINE.glob("*.py")))).hexdigest()
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parents[1] / ".pytest_cache/numba" / SOURCES[:16])
"""Machine code made of these sources: numba itself looks at a function's own file alone, not at what that calls."""
TINY = {"widths": [4, 4, 8, 8, 8], "working_size": 32}


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def json_lines(done: Outcome) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What ``--json`` of dehaze and hazify says: a report for each file, and the summary."""
    *reports, last = [json.loads(line) for line in done.out.splitlines()]
    return reports, last["summary"]


def results_in(folder: Path) -> set[str]:
    """The results in a folder and below it, without the manifest."""
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST}


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs the command line; returns exit code, stdout and stderr."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["claritygan", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capsys.readouterr()
        code = leaving.value.code
        return Outcome(code if isinstance(code, int) else int(code is not None), captured.out, captured.err)

    return run


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def photo() -> np.ndarray:
    """A small real photograph, (100, 150, 3) uint8."""
    return np.ascontiguousarray(skimage.data.chelsea()[::3, :450:3])


@pytest.fixture
def photo_folder(tmp_path: Path, photo: np.ndarray) -> Path:
    """A folder with two hazy photos, one of them below a subfolder."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    hazy = (photo * 0.5 + 110).astype(np.uint8)
    Image.fromarray(hazy).save(folder / "a.png")
    Image.fromarray(hazy[:50]).save(folder / "sub" / "b.png")
    return folder


@pytest.fixture
def tiny_model(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a tiny scattering model with random weights, for a direction."""

    def make(direction: str) -> Path:
        torch.manual_seed(1)
        card = ModelCard("scattering", direction, TINY)  # type: ignore[arg-type]
        generator = build_generator(card)
        for parameter in generator.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
        path = tmp_path / f"tiny-{direction}.safetensors"
        save_model(path, generator, card)
        return path

    return make
