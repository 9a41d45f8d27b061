import json
import re
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.conftest import TINY

from claritygan_cli.engine.amounts import AddHaze, RemoveHaze
from claritygan_cli.engine.estimate import DepthEstimate
from claritygan_cli.engine.generators import Generator, ResnetGenerator
from claritygan_cli.errors import ModelError, UsageError
from claritygan_cli.models.card import ModelCard
from claritygan_cli.models.exporting import NetworkGraph, export_graph, graph_of
from claritygan_cli.models.image_translator import ImageTranslator
from claritygan_cli.models.kinds import Direction
from claritygan_cli.models.weights import build_generator

pytestmark = pytest.mark.filterwarnings("ignore")  # the exporter's own

ELSEWHERE = """
import sys
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
maps = session.run(None, dict(np.load(sys.argv[2])))
np.savez(sys.argv[3], **{output.name: values for output, values in zip(session.get_outputs(), maps)})
assert not {"torch", "claritygan_cli"} & set(sys.modules)
print(session.get_modelmeta().custom_metadata_map["claritygan"])
"""


def exported(generator: Generator, card: ModelCard, out: Path, whole: bool = False) -> float:
    return export_graph(graph_of(generator, card, whole), card, out)


def random_generator(direction: Direction, working_size: int = 64) -> tuple[Generator, ModelCard]:
    torch.manual_seed(0)
    card = ModelCard("scattering", direction, {**TINY, "working_size": working_size})
    generator = build_generator(card).eval()
    for name in ("head", "haziness"):
        if hasattr(generator, name):  # constant at first
            torch.nn.init.normal_(getattr(generator, name).weight, std=0.1)
    return generator, replace(card, restoration=generator.restoration.to_dict())


def run_elsewhere(graph: Path, inputs: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """What a program makes of a graph that knows neither torch nor this one, and the card that it finds in it."""
    given, made = graph.with_suffix(".given.npz"), graph.with_suffix(".made.npz")
    np.savez(given, **inputs)  # type: ignore[arg-type]
    words = [sys.executable, "-c", ELSEWHERE, str(graph), str(given), str(made)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(np.load(made)), json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(("direction", "names"), [("dehaze", ["transmission", "airlight"]), ("hazify", ["depth"])])
def test_another_program_runs_the_network(tmp_path: Path, direction: Direction, names: list[str]) -> None:
    generator, card = random_generator(direction)
    out = tmp_path / "m.onnx"
    assert exported(generator, card, out) < 1e-4
    for shape in ((1, 3, 64, 96), (3, 3, 160, 32)):
        image = torch.rand(shape)
        maps, found = run_elsewhere(out, {"image": image.numpy()})
        assert list(maps) == names
        assert found["direction"] == direction
        assert found["restoration"] == card.restoration
        assert maps[names[0]].std() > 0
        with torch.no_grad():
            for ours, theirs in zip(maps.values(), NetworkGraph(generator, card)(image), strict=True):
                assert np.abs(ours - theirs.numpy()).max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["paper", "claritygan"])
def test_resnets_too(tmp_path: Path, variant: str) -> None:
    generator = ResnetGenerator(width=4, blocks=2, variant=variant).eval()  # type: ignore[arg-type]
    card = ModelCard("resnet", "dehaze", {"width": 4, "blocks": 2, "variant": variant})
    assert exported(generator, card, tmp_path / "m.onnx") < 1e-3
    image = torch.rand(1, 3, 44, 64)
    maps, _ = run_elsewhere(tmp_path / "m.onnx", {"image": image.numpy()})
    with torch.no_grad():
        assert np.abs(maps["translation"] - generator.predict(image).image.numpy()).max() < 1e-3


def as_input(photo: np.ndarray) -> np.ndarray:
    return (photo.astype(np.float32) / 255).transpose(2, 0, 1)[None].copy()


def as_photo(result: np.ndarray) -> np.ndarray:
    return (result[0].transpose(1, 2, 0) * 255).round().astype(int)


@pytest.fixture(scope="module")
def dehazer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ImageTranslator]:
    """A whole graph, and the same in torch."""
    generator, card = random_generator("dehaze")
    path = tmp_path_factory.mktemp("graph") / "dehaze.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        assert exported(generator, card, path, whole=True) < 1e-3
    return path, ImageTranslator(generator, torch.device("cpu"))


def readme_example(language: str) -> str:
    """README's code for other programs."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (example,) = (code for code in re.findall(rf"```{language}\n(.*?)```", readme, re.S) if "onnxruntime" in code)
    return str(example)


@pytest.mark.slow
def test_another_program_dehazes_a_photo(
    dehazer: tuple[Path, ImageTranslator], tmp_path: Path, photo: np.ndarray
) -> None:
    graph, translator = dehazer
    for pixels, strength in ((photo, 1.0), (photo[:37, :99], 0.4)):
        inputs = {"image": as_input(pixels), "strength": np.float32(strength)}
        maps, _ = run_elsewhere(graph, inputs)
        ours = translator(pixels, RemoveHaze(strength))
        assert np.abs(as_photo(maps["result"]) - ours).max() <= 1
        assert np.abs(ours.astype(int) - pixels).mean() > 1

    shutil.copy(graph, tmp_path / "dehaze.onnx")
    Image.fromarray(photo).save(tmp_path / "hazy.jpg", quality=100, subsampling=0)
    subprocess.run([sys.executable, "-c", readme_example("python")], cwd=tmp_path, check=True)
    with Image.open(tmp_path / "clear.png") as clear, Image.open(tmp_path / "hazy.jpg") as hazy:
        assert np.abs(np.asarray(clear).astype(int) - translator(np.asarray(hazy).copy())).max() <= 1


IN_NODE = """
const { readFileSync, writeFileSync } = require("fs");
(async () => {
  const session = await ort.InferenceSession.create(new Uint8Array(readFileSync("dehaze.onnx")));
  const rgba = new Uint8ClampedArray(readFileSync("hazy.rgba"));
  const clear = await dehaze(session, PICTURE);
  writeFileSync("clear.rgba", clear);
})();
"""


@pytest.mark.slow
def test_so_does_a_program_in_javascript(
    dehazer: tuple[Path, ImageTranslator], tmp_path: Path, photo: np.ndarray
) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if not (npm and node):
        pytest.skip("needs Node.js")
    if subprocess.run([npm, "install", "--no-audit", "onnxruntime-web"], cwd=tmp_path, capture_output=True).returncode:
        pytest.skip("onnxruntime-web cannot be fetched")
    graph, translator = dehazer
    shutil.copy(graph, tmp_path)
    height, width = photo.shape[:2]
    alpha = np.arange(height * width, dtype=np.uint8).reshape(height, width, 1)
    (tmp_path / "hazy.rgba").write_bytes(np.concatenate([photo, alpha], 2).tobytes())
    around = IN_NODE.replace("PICTURE", f"{{data: rgba, width: {width}, height: {height}}}")
    (tmp_path / "main.js").write_text(readme_example("js") + around, encoding="utf-8")
    subprocess.run([node, "main.js"], cwd=tmp_path, check=True)
    result = np.frombuffer((tmp_path / "clear.rgba").read_bytes(), np.uint8).reshape(height, width, 4).astype(int)
    assert np.abs(result[..., :3] - translator(photo)).max() <= 1
    assert np.array_equal(result[..., 3:], alpha)


@pytest.mark.slow
def test_another_program_hazifies_a_photo(tmp_path: Path, photo: np.ndarray) -> None:
    generator, card = random_generator("hazify")
    assert exported(generator, card, tmp_path / "m.onnx", whole=True) < 1e-3
    airlight = (0.9, 0.7, 0.5)
    inputs = {"image": as_input(photo), "density": np.float32(2), "airlight": np.array(airlight, np.float32)}
    maps, _ = run_elsewhere(tmp_path / "m.onnx", inputs)
    ours = ImageTranslator(generator, torch.device("cpu"))(photo, AddHaze(2.0, airlight))
    assert np.abs(as_photo(maps["result"]) - ours).max() <= 1
    assert np.abs(ours.astype(int) - photo).mean() > 5


@pytest.mark.slow
def test_resnets_finish_pictures_too(tmp_path: Path, photo: np.ndarray) -> None:
    generator = ResnetGenerator(width=4, blocks=1, working_size=64).eval()
    card = ModelCard("resnet", "hazify", {"width": 4, "blocks": 1, "working_size": 64})
    assert exported(generator, card, tmp_path / "m.onnx", whole=True) < 1e-3
    maps, _ = run_elsewhere(tmp_path / "m.onnx", {"image": as_input(photo), "strength": np.float32(1)})
    assert np.abs(as_photo(maps["result"]) - ImageTranslator(generator, torch.device("cpu"))(photo)).max() <= 1


@pytest.mark.slow
def test_a_graph_that_computes_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator, card = random_generator("hazify")
    predict = generator.predict

    def shifted(small: torch.Tensor) -> DepthEstimate:
        return DepthEstimate(predict(small).depth + 0.5 * (not torch.compiler.is_exporting()))  # type: ignore[union-attr]

    monkeypatch.setattr(generator, "predict", shifted)
    with pytest.raises(ModelError, match=r"differ from PyTorch by 0\.5"):
        exported(generator, card, tmp_path / "m.onnx")
    assert not list(tmp_path.glob("*.onnx"))


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator, card = random_generator("hazify")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UsageError, match=r"this needs onnx.*: pip install onnx onnxruntime"):
        exported(generator, card, tmp_path / "m.onnx")
