"""The commands' help, and README's commands and options held against it.

After a wanted change: ``python -m tests.cli.test_help`` writes the snapshot anew.
"""

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import skimage.data
import typer
from PIL import Image
from tests.conftest import Outcome
from tests.videos import make_video

from claritygan_cli.cli import app
from claritygan_cli.evaluation.examples import PHOTOS
from claritygan_cli.models.catalogue import weights_folder

ROOT = Path(__file__).parents[2]
SNAPSHOT = Path(__file__).with_name("help.txt")
ELSEWHERE = re.compile(r"[|]|import|--watch|--ray")
"""Commands in README that other tests run."""
OTHER_PROGRAMS = {"--nproc-per-node"}
"""Options in README that are not ours."""


def commands(group: Any, name: str = "claritygan") -> dict[str, Any]:
    found = {name: group}
    for word, command in getattr(group, "commands", {}).items():
        found |= commands(command, f"{name} {word}")
    return found


def help_text() -> str:
    """Every option of every command with its help, whatever the width of the terminal."""
    lines = []
    for name, command in commands(typer.main.get_command(app)).items():
        lines += [f"{name}: {' '.join((command.help or '').split())}"]
        for parameter in command.params:
            shown = ", ".join(parameter.opts) if parameter.param_type_name == "option" else parameter.name
            lines += [f"    {shown}: {getattr(parameter, 'help', None) or ''}"]
    return "\n".join(lines) + "\n"


def test_help_is_as_it_was() -> None:
    assert help_text() == SNAPSHOT.read_text(encoding="utf-8")


def test_every_setting_says_what_it_is() -> None:
    for line in help_text().splitlines():
        if line.startswith("    --") and not line.startswith(("    --install", "    --show")):
            assert line.rstrip()[-1] in ".0123456789" or "e.g." in line, line


@pytest.mark.parametrize("name", ["README.md", "weights/MODEL_CARD.md", ".github/CONTRIBUTING.md"])
def test_options_in_the_documentation_exist(name: str) -> None:
    known = set(re.findall(r"--[a-z][a-z0-9-]*", help_text())) | {"--help"} | OTHER_PROGRAMS
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", (ROOT / name).read_text(encoding="utf-8"))) <= known


def console_lines() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture
def home(tmp_path: Path, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all that README's commands name."""
    hazy = (photo * 0.5 + 110).astype(np.uint8)
    for name in ("photos/a.jpg", "clear-photos/a.png", "SOTS/indoor/hazy/1_1.png", "RESIDE/SOTS/indoor/hazy/1_1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(hazy).save(tmp_path / name)
    for name in ("SOTS/indoor/clear/1.png", "RESIDE/SOTS/indoor/clear/1.png", "results/1.png", "clear/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo).save(tmp_path / name)
    for name in ("RESIDE/ITS/hazy/1_1.png", "RESIDE/ITS/clear/1.png", "fog/1.png", "sunny/2.png", "photos/clear/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(hazy).save(tmp_path / name)
    for name in ("foggy.jpg", "hazy.jpg"):
        Image.fromarray(hazy).save(tmp_path / name)
    for name in ("ride.mp4", "clear.mp4", "truth.mp4", "card/b.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        make_video(tmp_path / name, range(3))
    (tmp_path / "hazy-photos").mkdir()
    for number, name in enumerate(PHOTOS):
        pixels = getattr(skimage.data, name)()
        Image.fromarray((pixels * (0.4 + 0.1 * number) + 90).astype(np.uint8)).save(
            tmp_path / f"hazy-photos/{name}.jpg"
        )
    (tmp_path / "runs/ITS").mkdir(parents=True)
    shutil.copy(weights_folder() / "scattering-dehaze.safetensors", tmp_path / "runs/ITS/dehaze.safetensors")
    (tmp_path / "runs/ITS/recipe.toml").write_text('[data]\ndata = ["RESIDE/ITS"]\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in console_lines() if not ELSEWHERE.search(line)])
def test_readme_commands_work(cli: Callable[..., Outcome], home: Path, line: str) -> None:
    """As they stand, but that a short dry run stands for training."""
    program, *words = shlex.split(line)
    assert program == "claritygan"
    if words[0] == "train":
        words += ["--dry-run", "--size", "64", "--batch", "2", "--workers", "0", "--threads", "1"]
    if "clear.mp4" in words and words[0] == "dehaze":
        words += ["--overwrite"]
    fsspec.filesystem("memory").put(str(home / "photos"), "/bucket/photos", recursive=True)
    done = cli(*(word.replace("s3://", "memory://") for word in words))
    assert done.code == 0, done.err


if __name__ == "__main__":
    SNAPSHOT.write_text(help_text(), encoding="utf-8")
