"""Quantized models: made, judged, refused, used."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from tests.conftest import Outcome, results_in

from claritygan_cli.deploy import quantize as module
from claritygan_cli.deploy.quantizers import costly
from claritygan_cli.models.card import ModelCard
from claritygan_cli.models.onnx_network import load_network
from claritygan_cli.models.weights import build_generator, save_model

pytestmark = pytest.mark.filterwarnings("ignore")  # the exporter's own

Cli = Callable[..., Outcome]


@pytest.fixture
def photos(tmp_path: Path, photo: np.ndarray) -> Path:
    """A folder with pairs, in ``hazy`` and ``clear``."""
    for folder in ("hazy", "clear"):
        (tmp_path / "pairs" / folder).mkdir(parents=True)
    for number, pixels in enumerate((photo, photo[:, :80], photo[:70])):
        Image.fromarray(pixels).save(tmp_path / "pairs" / "clear" / f"{number}.png")
        Image.fromarray((pixels * 0.6 + 90).astype(np.uint8)).save(tmp_path / "pairs" / "hazy" / f"{number}.png")
    return tmp_path / "pairs"


def test_the_costliest_layers_stay_in_floating_point() -> None:
    errors = {"a": 1.0, "b": 60.0, "c": 9.0, "d": 30.0}
    assert costly(errors, 50.0) == ["b"]
    assert costly(errors, 10.0) == ["b", "d"]
    assert costly(errors, 100.0) == costly({}, 0.5) == costly({"a": 0.0}, 0.0) == []


def test_a_quantized_model_is_one_like_others(
    cli: Cli, tiny_model: Callable[[str], Path], photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "small.onnx"
    shutil.copytree(photos / "hazy", tmp_path / "calibration")
    (tmp_path / "calibration/bad.png").write_text("no photo")
    words = (
        "quantize",
        tiny_model("dehaze"),
        "--calibration",
        tmp_path / "calibration",
        "--pairs",
        photos,
        "--out",
        out,
        "--json",
    )
    done = cli(*words, "--max-drop", 30)
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert report["layers"] > 60
    assert len(report["in_float"]) < report["layers"] - 20  # fewer, once a network is trained
    assert all(report[when][what] > 0 for when in ("before", "after") for what in ("bytes", "seconds"))
    operators = [node.op_type for node in onnx.load(out).graph.node]
    assert operators.count("QuantizeLinear") > 20
    assert load_network(out).card.recipe["quantization"] == report
    assert cli("models", out).code == 0
    assert cli("dehaze", photos / "hazy", "--model", out, "--out", tmp_path / "made").code == 0
    assert len(results_in(tmp_path / "made")) == 3
    assert "exists already" in cli(*words).err


def test_dynamic_quantization_needs_no_photos(
    cli: Cli, tiny_model: Callable[[str], Path], photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "small.onnx"
    done = cli("quantize", tiny_model("dehaze"), "--method", "dynamic", "--pairs", photos, "--out", out, "--force")
    assert done.code == 0, done.err
    assert "dynamic: 70 of 70 convolutions" in done.out
    assert "ConvInteger" in {node.op_type for node in onnx.load(out).graph.node}


def test_hazifiers_of_the_papers_kind_are_compared_with_themselves(cli: Cli, tmp_path: Path) -> None:
    torch.manual_seed(0)
    card = ModelCard("resnet", "hazify", {"width": 4, "blocks": 1, "working_size": 64})
    save_model(tmp_path / "resnet.safetensors", build_generator(card), card)
    words = ("quantize", tmp_path / "resnet.safetensors", "--method", "dynamic", "--out", tmp_path / "small.onnx")
    done = cli(*words, "--force")
    assert done.code == 0, done.err
    assert "psnr                            100.00" in done.out


def test_what_loses_too_much_is_not_written(
    cli: Cli, tiny_model: Callable[[str], Path], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: Iterator[float] = iter((30.0, 29.5) * 2)
    monkeypatch.setattr(module, "dehazing_scores", lambda *_: dict.fromkeys(("psnr", "ssim", "ciede2000"), next(found)))
    out = tmp_path / "small.onnx"
    words = ("quantize", tiny_model("dehaze"), "--method", "dynamic", "--pairs", photos, "--out", out)
    refused = cli(*words)
    assert refused.code == 1
    assert "not written: 0.50 dB would be lost, and 0.3 may be" in refused.err
    assert not out.exists()
    assert cli(*words, "--force").code == 0
    assert out.exists()


def test_wrong_use_is_said(cli: Cli, tiny_model: Callable[[str], Path], photos: Path, tmp_path: Path) -> None:
    out, model = tmp_path / "small.onnx", tiny_model("dehaze")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/a.png").write_text("no photo")
    for words, text in (
        (("--out", out), "--calibration: name a folder of photos"),
        (("--out", tmp_path / "x.bin"), "must end in .onnx"),
        (("--out", out, "--calibration", tmp_path / "nothing"), "no such folder, or no photos in it"),
        (("--out", out, "--calibration", tmp_path / "bad"), "no photo there can be read"),
        (("--out", out, "--method", "dynamic", "--calibration", photos), "measures nothing beforehand"),
    ):
        done = cli("quantize", model, *words)
        assert (done.code, text in done.err) == (2, True), done.err
    hazifier = ("quantize", tiny_model("hazify"), "--calibration", photos, "--out", out, "--pairs", photos)
    assert cli(*hazifier).code == 2
    assert not out.exists()
