"""Which runtime translates photos, and that ONNX Runtime does what torch does, without it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Outcome
from tests.models.test_exporting import random_generator

from claritygan_cli.engine.amounts import AddHaze, Amount, RemoveHaze
from claritygan_cli.errors import ModelError, UsageError
from claritygan_cli.models import onnx_translator, photo_translator
from claritygan_cli.models.catalogue import weights_folder
from claritygan_cli.models.exporting import export_graph, graph_of, with_card
from claritygan_cli.models.kinds import Device, Direction, Runtime
from claritygan_cli.models.loading import load_translator
from claritygan_cli.models.onnx_network import OnnxNetwork
from claritygan_cli.models.onnx_translator import OnnxTranslator
from claritygan_cli.models.photo_translator import graph_file, load_photo_translator
from claritygan_cli.models.weights import save_model

pytestmark = pytest.mark.filterwarnings("ignore")  # the exporter's own
AMOUNTS: dict[Direction, list[Amount | None]] = {
    "dehaze": [None, RemoveHaze(0.0), RemoveHaze(1.6)],
    "hazify": [None, AddHaze(0.5, (0.9, 0.7, 0.6))],
}


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["dehaze", "hazify"])
def test_photos_come_out_as_by_torch(
    direction: Direction, photo: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, card = random_generator(direction)
    save_model(tmp_path / "model.safetensors", generator, card)
    export_graph(graph_of(generator, card, whole=False), card, tmp_path / "model.onnx")
    theirs = load_translator(direction, str(tmp_path / "model.safetensors"), "cpu")
    ours = load_photo_translator(direction, str(tmp_path / "model.onnx"), "cpu")
    assert isinstance(ours, OnnxTranslator)
    alone = with_card((tmp_path / "model.onnx").read_bytes(), card, generator.multiple)
    with pytest.raises(ModelError, match="export it again"):
        OnnxTranslator(OnnxNetwork(alone))
    for most in (1 << 30, 0):  # by the graph, and by the fused pass
        monkeypatch.setattr(onnx_translator, "SMALL", most)
        for pixels in (photo, photo[:37, :61], photo.astype(np.uint16) * 257):
            for amount in AMOUNTS[direction]:
                level = np.iinfo(pixels.dtype).max / 255
                found, haze = ours.translate(pixels, amount)
                wanted, summary = theirs.translate(pixels, amount)
                assert found.dtype == pixels.dtype
                assert np.abs(found.astype(int) - wanted).max() <= level
                assert (haze is None) == (summary is None) == (direction == "hazify")
                if haze and summary:
                    assert haze.transmission == pytest.approx(summary.transmission, abs=1e-4)
                    assert haze.airlight == pytest.approx(summary.airlight, abs=1e-4)


def test_a_photo_needs_no_torch(photo: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(photo).save(tmp_path / "photo.jpg")
    code = (
        "import sys; sys.argv = ['claritygan', *sys.argv[1:]]\n"
        "for name in ('torch', 'numba', 'av', 'skimage', 'onnx'): sys.modules[name] = None\n"
        "from claritygan_cli.cli import main\n"
        "main()\n"
    )
    for command in ("dehaze", "hazify"):
        model = ["--model", f"scattering-{command}-int8"]
        arguments = [command, str(tmp_path / "photo.jpg"), "--out", str(tmp_path / f"{command}.jpg"), *model]
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        with Image.open(tmp_path / f"{command}.jpg") as result:
            assert not np.array_equal(np.asarray(result), photo)


@pytest.mark.parametrize(
    ("model", "device", "runtime", "graph"),
    [
        (None, "auto", "auto", "scattering-dehaze-int8.onnx"),
        (None, "cpu", "auto", "scattering-dehaze-int8.onnx"),
        (None, "auto", "torch", None),
        (None, "cuda", "auto", None),
        ("scattering-dehaze", "auto", "auto", None),
        ("scattering-dehaze-int8", "auto", "auto", "scattering-dehaze-int8.onnx"),
    ],
)
def test_auto_takes_onnx_runtime_where_it_is_faster(
    model: str | None, device: Device, runtime: Runtime, graph: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_translator, "may_have_gpu", lambda: False)
    monkeypatch.setattr(photo_translator, "cpu_flags", lambda: frozenset({"avx_vnni"}))
    found = graph_file("dehaze", model, device, runtime)
    assert (found and found[0].name) == graph


def test_auto_takes_torch_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_translator, "cpu_flags", lambda: frozenset({"avx2"}))
    monkeypatch.setattr(photo_translator, "may_have_gpu", lambda: False)
    assert graph_file("dehaze", None, "auto", "auto") is None
    monkeypatch.setattr(photo_translator, "cpu_flags", lambda: frozenset({"avx_vnni"}))
    monkeypatch.setattr(photo_translator, "may_have_gpu", lambda: True)
    assert graph_file("dehaze", None, "auto", "auto") is None
    assert graph_file("dehaze", None, "cpu", "auto") is not None


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="runs on the CPU"):
        graph_file("dehaze", None, "cuda", "onnx")
    monkeypatch.setattr(photo_translator, "find_spec", lambda name: None)
    assert graph_file("dehaze", None, "cpu", "auto") is None
    with pytest.raises(UsageError, match="pip install onnx onnxruntime"):
        graph_file("dehaze", None, "cpu", "onnx")


def test_a_changed_bundled_graph_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("catalogue.json", "scattering-dehaze-int8.onnx"):
        (tmp_path / name).write_bytes((weights_folder() / name).read_bytes())
    with (tmp_path / "scattering-dehaze-int8.onnx").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\0")
    monkeypatch.setattr("claritygan_cli.models.catalogue.weights_folder", lambda: tmp_path)
    monkeypatch.setattr("claritygan_cli.models.finding.weights_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match="does not match its checksum"):
        load_photo_translator("dehaze", "scattering-dehaze-int8")


@pytest.mark.slow
def test_weights_are_converted_once(
    cli: Callable[..., Outcome], photo: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache" / name)
    save_model(tmp_path / "mine.safetensors", *random_generator("dehaze"))
    Image.fromarray(photo).save(tmp_path / "photo.png")
    for number in range(2):
        done = cli(
            "dehaze", tmp_path / "photo.png", "--out", tmp_path / f"{number}.png",
            "--model", tmp_path / "mine.safetensors", "--runtime", "onnx",
        )  # fmt: skip
        assert done.code == 0, done.err
    (graph,) = (tmp_path / "cache" / "claritygan").iterdir()
    assert graph.name.startswith("mine-")
    assert (tmp_path / "0.png").read_bytes() == (tmp_path / "1.png").read_bytes()
