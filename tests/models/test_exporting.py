import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.conftest import TINY

from claritygan_cli.engine.estimate import DepthEstimate
from claritygan_cli.engine.generators import ResnetGenerator
from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.errors import ModelError, UsageError
from claritygan_cli.models import exporting
from claritygan_cli.models.exporting import export_network, maps_of
from claritygan_cli.models.kinds import Direction
from claritygan_cli.models.weights import ModelCard, build_generator, load_model

pytestmark = pytest.mark.filterwarnings("ignore")  # the exporter's own

ELSEWHERE = """
import sys
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
maps = session.run(None, {"image": np.load(sys.argv[2])})
np.savez(sys.argv[3], **{output.name: values for output, values in zip(session.get_outputs(), maps)})
assert not {"torch", "claritygan_cli"} & set(sys.modules)
print(session.get_modelmeta().custom_metadata_map["claritygan"])
"""


def run_elsewhere(graph: Path, image: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """What a program makes of a graph that knows neither torch nor this one, and the card that it finds in it."""
    np.save(graph.with_suffix(".npy"), image)
    words = [
        sys.executable,
        "-c",
        ELSEWHERE,
        str(graph),
        str(graph.with_suffix(".npy")),
        str(graph.with_suffix(".npz")),
    ]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(np.load(graph.with_suffix(".npz"))), json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(("direction", "names"), [("dehaze", ["transmission", "airlight"]), ("hazify", ["depth"])])
def test_another_program_runs_the_network(tmp_path: Path, direction: Direction, names: list[str]) -> None:
    torch.manual_seed(0)
    card = ModelCard("scattering", direction, TINY, RestorationConfig().to_dict())
    generator = build_generator(card).eval()
    for layer in (generator.head, getattr(generator, "haziness", None)):
        if layer is not None:  # which is constant at first
            torch.nn.init.normal_(layer.weight, std=0.1)
    out = tmp_path / "m.onnx"
    assert export_network(generator, card, out) < 1e-4
    for shape in ((1, 3, 64, 96), (3, 3, 160, 32)):
        image = torch.rand(shape)
        maps, found = run_elsewhere(out, image.numpy())
        assert list(maps) == names
        assert found["direction"] == direction
        assert found["restoration"] == card.restoration
        assert maps[names[0]].std() > 0
        with torch.no_grad():
            for ours, theirs in zip(maps.values(), maps_of(generator.predict(image)), strict=True):
                assert np.abs(ours - theirs.numpy()).max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["paper", "claritygan"])
def test_resnets_too(tmp_path: Path, variant: str) -> None:
    generator = ResnetGenerator(width=4, blocks=2, variant=variant).eval()  # type: ignore[arg-type]
    card = ModelCard("resnet", "dehaze", {"width": 4, "blocks": 2, "variant": variant})
    assert export_network(generator, card, tmp_path / "m.onnx") < 1e-3
    image = torch.rand(1, 3, 44, 64)
    maps, _ = run_elsewhere(tmp_path / "m.onnx", image.numpy())
    with torch.no_grad():
        assert np.abs(maps["translation"] - generator.predict(image).image.numpy()).max() < 1e-3


@pytest.mark.slow
def test_a_graph_that_computes_something_else_is_not_written(
    tiny_model: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shifted(estimate: DepthEstimate) -> tuple[torch.Tensor, ...]:
        return (estimate.depth + 0.5 * (not torch.compiler.is_exporting()),)

    generator, card = load_model(tiny_model("hazify"))
    monkeypatch.setattr(exporting, "maps_of", shifted)
    with pytest.raises(ModelError, match=r"differ from PyTorch by 0\.5"):
        export_network(generator, card, tmp_path / "m.onnx")
    assert not list(tmp_path.glob("*.onnx"))


def test_missing_packages_are_named(
    tiny_model: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, card = load_model(tiny_model("hazify"))
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UsageError, match="pip install onnx onnxscript onnxruntime"):
        export_network(generator, card, tmp_path / "m.onnx")
