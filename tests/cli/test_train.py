import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Outcome

from claritygan_cli.models.weights import load_model, read_card

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
    assert "images/s, data" in done.err
    settings = json.loads((run / "config.json").read_text())
    assert (settings["generator"], settings["paired_weight"], settings["adversarial"]) == ("resnet", 0.0, "lsgan")
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
    assert json.loads((run / "config.json").read_text())["epochs"] == 2
    run.rename(tmp_path / "moved")
    run = tmp_path / "moved"
    assert cli("train", "--resume", "--out", run, "--epochs", 3).code == 0
    wider = cli("train", "--resume", "--out", run, "--epochs", 4, "--width", 8)
    assert (wider.code, "and stay so" in wider.err) == (2, True)
    assert read_card(run / "dehaze.safetensors").recipe["steps"] == 6
    lost = cli("train", "--resume", "--out", tmp_path / "none")
    assert lost.code == 2
    assert "no run to resume" in lost.err
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
    assert "fp32 on cpu" in lines["step"]
    assert "ms a step" in lines["speed"]
    assert "MiB" in lines["memory"]
    assert "200 epochs of 2 steps" in lines["run"]
    assert lines["out"].split() == ["out", "runs/set"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "name a folder to train on"),
        (("--data", "nowhere"), 2, "nowhere: no such folder; understood are hazy/ + clear/"),
        (("--data", "."), 2, "no training pictures found there; understood are"),
        (("--hazy", "set/hazy"), 2, "no clear pictures there; add --clear DIR"),
        (("--data", "set", "--size", 100), 2, "must be a multiple of 32"),
        (("--data", "set", "--validation", "set/hazy"), 2, "no hazy and clear pictures in it"),
        (("--data", "set", "--initial", "nowhere"), 2, "no such run folder; name one, or 'bundled'"),
        (("--data", "set", "--out", "set"), 2, "is there already, and no run"),
        (("--data", "set", "--initial", "bundled", "--generator", "resnet"), 2, "add --generator scattering"),
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


def test_ctrl_c_saves_and_exits_130(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "claritygan_cli", "train", "--data", data, "--out", run, "--epochs", 10000, *TINY]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("epoch 2/10000" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "interrupted" in rest
    assert f"go on with: claritygan train --resume --out {run}" in rest
    assert "Traceback" not in rest
    _, card = load_model(run / "dehaze.safetensors")
    assert card.recipe["steps"] >= 4
