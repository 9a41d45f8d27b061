import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Outcome

Cli = Callable[..., Outcome]


@pytest.fixture
def dataset(tmp_path: Path, photo: np.ndarray) -> Path:
    for name, folder in (("7_1_0.8", "hazy"), ("7_2_0.8", "hazy"), ("7", "clear")):
        (tmp_path / folder).mkdir(exist_ok=True)
        pixels = photo if folder == "clear" else (photo * 0.5 + 100).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / folder / f"{name}.png")
    return tmp_path


def test_data_set(cli: Cli, dataset: Path) -> None:
    done = cli("eval", "--data", dataset)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["7_1_0.8.png", "7_2_0.8.png"]
    assert lines[3].startswith("mean of 2")
    assert "The hazy input has" in done.out
    assert "Protocol: sRGB" in done.out


def test_json_and_csv_agree(cli: Cli, dataset: Path, tmp_path: Path) -> None:
    done = cli("eval", "--data", dataset, "--json", "--csv", tmp_path / "s.csv")
    report = json.loads(done.out)
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == list(report["pictures"])
    assert float(rows[0]["psnr"]) == report["pictures"]["7_1_0.8.png"]["psnr"]
    assert report["mean"]["psnr"] == pytest.approx(np.mean([float(r["psnr"]) for r in rows]), abs=0.006)
    assert report["input"]["psnr"] < 20
    assert "SSIM with Gaussian window" in report["protocol"]


def test_finished_pictures(cli: Cli, dataset: Path) -> None:
    shutil.copytree(dataset / "clear", dataset / "results")
    done = cli("eval", "--pred", dataset / "results", "--gt", dataset / "clear")
    assert done.code == 0
    assert "100.00     1.0000" in done.out
    assert "hazy input" not in done.out


def test_no_pairs_is_exit_code_2(cli: Cli, dataset: Path, tmp_path: Path) -> None:
    shutil.rmtree(dataset / "clear")
    for arguments in (
        ("--data", dataset),
        ("--data", tmp_path / "nowhere"),
        ("--pred", dataset / "hazy"),
        ("--pred", dataset / "hazy", "--gt", tmp_path / "nowhere"),
        ("--pred", dataset / "hazy", "--gt", dataset / "hazy", "--data", dataset),
    ):
        done = cli("eval", *arguments)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), (arguments, done)


def test_another_size_is_exit_code_1_unless_cropped(cli: Cli, dataset: Path) -> None:
    path = dataset / "hazy/7_2_0.8.png"
    with Image.open(path) as image:
        image.crop((10, 10, 130, 90)).save(path)
    done = cli("eval", "--data", dataset)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert "7_2_0.8.png: its ground truth" in done.err
    assert "cropping to the center" in done.err
    cropped = cli("eval", "--data", dataset, "--crop", "center")
    assert cropped.code == 0
    assert "cropped to their common middle" in cropped.out


def test_unreadable_picture_is_exit_code_1(cli: Cli, dataset: Path) -> None:
    (dataset / "hazy/7_1_0.8.png").write_text("text")
    done = cli("eval", "--data", dataset)
    assert (done.code, done.out) == (1, "")
    assert "7_1_0.8.png: not a picture" in done.err


def test_installation_check(cli: Cli) -> None:
    report = json.loads(cli("eval", "--json").out)
    assert list(report["pictures"]) == ["rocket", "coffee", "astronaut", "chelsea", "motorcycle"]
    assert report["mean"]["psnr"] > report["input"]["psnr"] + 5
    assert report["mean"]["ssim"] > report["input"]["ssim"] + 0.05


def test_demo(cli: Cli, tmp_path: Path) -> None:
    done = cli("demo", "--out", tmp_path / "demo")
    assert done.code == 0
    assert "motorcycle" in done.out
    for folder in ("clear", "hazy", "dehazed"):
        assert len(list((tmp_path / "demo" / folder).glob("*.png"))) == 5
    with Image.open(tmp_path / "demo/contact_sheet.png") as sheet:
        assert sheet.width == 960
    assert cli("demo", "--out", tmp_path).code == 2
    scored = cli("eval", "--data", tmp_path / "demo", "--json")
    assert json.loads(scored.out)["mean"] == json.loads(cli("eval", "--json").out)["mean"]


def test_models_are_listed_with_scores(cli: Cli) -> None:
    done = cli("models")
    assert done.code == 0
    assert "scattering-dehaze" in done.out
    assert "psnr" in done.out
    listed = json.loads(cli("models", "--json").out)
    assert {model["direction"] for model in listed} == {"dehaze", "hazify"}
    assert all(len(model["sha256"]) == 64 for model in listed)


def test_import_command(cli: Cli, tmp_path: Path) -> None:
    import torch

    from claritygan_cli.engine.resnet import ResnetBody

    torch.save(ResnetBody(width=4, blocks=2).state_dict(), tmp_path / "net.pth")
    target = tmp_path / "net.safetensors"
    assert cli("models", "import", tmp_path / "net.pth", "--out", tmp_path / "net.pth").code == 2
    assert cli("models", "import", tmp_path / "nowhere.pth", "--out", target).code == 1
    assert cli("models", "import", tmp_path / "net.pth", "--out", target).code == 0
    assert cli("models", "import", tmp_path / "net.pth", "--out", target).code == 2
    Image.new("RGB", (40, 30)).save(tmp_path / "x.png")
    assert cli("dehaze", tmp_path / "x.png", "--out", tmp_path / "out", "--model", target).code == 0
    refused = cli("dehaze", tmp_path / "x.png", "--out", tmp_path / "out2", "--model", tmp_path / "net.pth")
    assert refused.code == 1
    assert "not a complete safetensors file" in refused.err


def test_csv_without_a_folder_is_refused_before_the_scoring(cli: Cli, dataset: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere/x.csv", tmp_path):
        done = cli("eval", "--data", dataset, "--csv", path)
        assert (done.code, done.out, "--csv" in done.err) == (2, "", True)


def test_models_prints_one_card(cli: Cli, tmp_path: Path) -> None:
    done = cli("models", "scattering-dehaze")
    assert (done.code, "shadow_floor: 0.03" in done.out, "working_size: 448" in done.out) == (0, True, True)
    card = json.loads(cli("models", "scattering-hazify", "--json").out)
    assert (card["direction"], card["restoration"]["mirrored"]) == ("hazify", False)
    unknown = cli("models", "nothing")
    assert (unknown.code, unknown.err.count("\n")) == (2, 1)
