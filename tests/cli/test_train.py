import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Outcome

from claritygan_cli.models.card import read_card
from claritygan_cli.models.weights import load_model

TINY = (
    "--generator",
    "resnet",
    "--width",
    4,
    "--blocks",
    1,
    "--size",
    64,
    "--batch",
    2,
    "--workers",
    0,
    "--threads",
    1,
)


@pytest.fixture
def data(tmp_path: Path, photo: np.ndarray) -> Path:
    for name, pixels in (("hazy", photo // 2 + 110), ("clear", photo)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(4):
            Image.fromarray(np.roll(pixels, 30 * i, 1).astype(np.uint8)).save(tmp_path / "set" / name / f"{i}.png")
    return tmp_path / "set"


def test_train_then_dehaze(cli: Callable[..., Outcome], data: Path, tmp_path: Path, photo_folder: Path) -> None:
    run = tmp_path / "run"
    done = cli("train", "--data", data, "--out", run, "--validation", data, "--epochs", 2, *TINY)
    assert (done.code, done.out) == (0, "")
    assert "4 hazy and 4 clear pictures, 4 steps" in done.err
    assert "epoch 2/2: adversarial" in done.err
    hazy, clear = (np.array(Image.open(data / name / "0.png")) / 255 for name in ("hazy", "clear"))
    assert f"validation: hazy input set {-10 * np.log10(((hazy - clear) ** 2).mean()):.2f} dB" in done.err
    assert "waiting for data" in done.err
    settings = tomllib.loads((run / "recipe.toml").read_text())
    assert (settings["model"]["generator"], settings["losses"]["paired_weight"]) == ("resnet", 0.0)
    assert read_card(run / "dehaze.safetensors").recipe["command"].startswith("claritygan train --data")
    cleared = cli("dehaze", photo_folder, "--out", tmp_path / "clear", "--model", run / "dehaze.safetensors")
    assert cleared.code == 0, cleared.err
    assert (tmp_path / "clear" / "a.png").is_file()
    assert cli("train", "--data", data, "--out", run).code == 2


def test_resume_keeps_settings_but_for_those_given(cli: Callable[..., Outcome], data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert cli("train", "--data", data, "--out", run, "--epochs", 1, *TINY).code == 0
    assert cli("train", "--resume", "--out", run, "--epochs", 2).code == 0
    _, card = load_model(run / "hazify.safetensors")
    assert (card.generator, card.recipe["steps"]) == ("resnet", 4)
    assert tomllib.loads((run / "recipe.toml").read_text())["run"]["epochs"] == 2
    run.rename(tmp_path / "moved")
    run = tmp_path / "moved"
    assert cli("train", "--resume", "--out", run, "--epochs", 3).code == 0
    wider = cli("train", "--resume", "--out", run, "--epochs", 4, "--width", 8)
    assert (wider.code, "and stay so" in wider.err) == (2, True)
    assert read_card(run / "dehaze.safetensors").recipe["steps"] == 6
    lost = cli("train", "--resume", "--out", tmp_path / "none")
    assert lost.code == 2
    assert "no such recipe" in lost.err
    assert cli("train", "--resume").code == 2


def test_dry_run_prints_and_writes_nothing(
    cli: Callable[..., Outcome], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    done = cli("train", "--data", data, "--validation", data, "--dry-run", *TINY, "--precision", "fp32")
    assert done.code == 0
    assert set(tmp_path.rglob("*")) == before
    lines = {line.split()[0]: line for line in done.out.splitlines()}
    assert "4 hazy, 4 clear, 4 pairs; 150x100 pixels" in lines["data"]
    assert "set: 4 pairs" in lines["validation"]
    assert "fp32 (as set) on cpu" in lines["step"]
    assert "ms a step" in lines["speed"]
    assert "MiB" in lines["memory"]
    assert "200 epochs of 2 steps" in lines["run"]
    assert lines["out"].split() == ["out", "runs/set"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "name a folder to train on"),
        (("--data", "nowhere"), 2, "nowhere: no such folder; understood are hazy/ + clear/"),
        (("--data", "."), 2, "no training pictures found there"),
        (("--hazy", "set/hazy"), 2, "no clear pictures there; name a folder of clear ones"),
        (("--data", "set", "--size", 100), 2, "must be a multiple of 32"),
        (("--data", "set", "--validation", "set/hazy"), 2, "no hazy and clear pictures in it"),
        (("--data", "set", "--initial", "nowhere"), 2, "no such run folder; name one, or 'bundled'"),
        (("--data", "set", "--out", "set"), 2, "is there already, and no run"),
        (("--data", "set", "--initial", "bundled", "--generator", "resnet"), 2, "holds scattering models"),
        (("--data", "set", "--device", "cuda"), 2, "no such device here"),
    ],
)
def test_wrong_use(
    cli: Callable[..., Outcome],
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[object, ...],
    code: int,
    message: str,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty" if arguments[:2] == ("--data", ".") else tmp_path)
    done = cli("train", "--out", tmp_path / "run", *arguments)
    assert done.code == code
    assert message in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_run_that_is_stopped_saves_first(data: Path, tmp_path: Path, number: int, code: int) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "claritygan_cli", "train", "--data", data, "--out", run, "--epochs", 10000, *TINY]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("epoch 2/10000" in line for line in process.stderr)
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == code
    assert ("interrupted" in rest) == (number == signal.SIGINT)
    assert f"{run}: saved at step" in rest
    assert "Traceback" not in rest
    _, card = load_model(run / "dehaze.safetensors")
    assert card.recipe["steps"] >= 4


def test_a_recipe_is_read_and_options_go_before_it(cli: Callable[..., Outcome], data: Path, tmp_path: Path) -> None:
    recipe, run = tmp_path / "mine.toml", tmp_path / "run"
    recipe.write_text(
        '[model]\ngenerator = "resnet"\nwidth = 4\nblocks = 1\n[data]\nsize = 64\nbatch = 2\n'
        "[run]\nepochs = 9\nworkers = 0\nthreads = 1\n"
    )
    done = cli("train", "--config", recipe, "--data", data, "--out", run, "--epochs", 1)
    assert done.code == 0, done.err
    settings = tomllib.loads((run / "recipe.toml").read_text())
    assert (settings["model"]["width"], settings["run"]["epochs"]) == (4, 1)
    again = cli("train", "--config", run / "recipe.toml", "--out", tmp_path / "again")
    assert again.code == 0, again.err
    assert load_model(tmp_path / "again/dehaze.safetensors")[1].recipe["steps"] == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[data]\nsizes = 3\n", "sizes: is no setting of the group data"),
        ("[dates]\nsize = 3\n", "dates: is no group of settings"),
        ('[data]\nsize = "3"\n', "size 3: must be of type int"),
        ("[data]\nsize = 100\n", "must be a multiple of 32"),
        ("[losses]\ncycle_weight = inf\n", "must be a finite number"),
        ("[data\n", "no recipe"),
    ],
)
def test_bad_recipes_are_one_line(
    cli: Callable[..., Outcome], data: Path, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "bad.toml").write_text(text)
    done = cli("train", "--config", tmp_path / "bad.toml", "--data", data, "--out", tmp_path / "run")
    assert (done.code, done.err.count("\n"), message in done.err) == (2, 1, True), done.err
