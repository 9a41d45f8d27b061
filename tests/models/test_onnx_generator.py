"""Network graphs as models."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Outcome
from tests.models.test_exporting import random_generator
from tests.videos import make_video

from claritygan_cli.models.exporting import export_graph, graph_of
from claritygan_cli.models.loading import load_translator
from claritygan_cli.models.weights import load_model, save_model

pytestmark = pytest.mark.filterwarnings("ignore")  # the exporter's own


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file."""
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    save_model(path, *random_generator("dehaze"))
    return path


@pytest.fixture(scope="module")
def graph(model: Path) -> Path:
    """The same as a network graph."""
    generator, card = load_model(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        export_graph(graph_of(generator, card, whole=False), card, model.with_name("network.onnx"))
    return model.with_name("network.onnx")


def test_results_are_those_of_torch(graph: Path, model: Path, photo: np.ndarray) -> None:
    ours = load_translator("dehaze", str(graph))(photo)
    theirs = load_translator("dehaze", str(model), "cpu")(photo)
    assert not np.array_equal(ours, photo)
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_videos_take_graphs_too(graph: Path, cli: Callable[..., Outcome], tmp_path: Path) -> None:
    make_video(tmp_path / "in.mp4")
    done = cli("dehaze", tmp_path / "in.mp4", "--model", graph, "--out", tmp_path / "out.mp4")
    assert done.code == 0, done.err
    assert (tmp_path / "out.mp4").is_file()


def test_what_is_no_network_graph_is_refused(
    graph: Path, model: Path, cli: Callable[..., Outcome], photo: np.ndarray, tmp_path: Path
) -> None:
    Image.fromarray(photo).save(tmp_path / "photo.png")
    generator, card = load_model(model)
    export_graph(graph_of(generator, card, whole=True), card, tmp_path / "whole.onnx")
    (tmp_path / "cut.onnx").write_bytes(graph.read_bytes()[:5000])
    (tmp_path / "empty.onnx").write_bytes(b"")
    for name, text in (
        ("whole.onnx", "export it without --whole"),
        ("cut.onnx", "is no ONNX graph that can be run"),
        ("empty.onnx", "is no ONNX graph that can be run"),
    ):
        done = cli("dehaze", tmp_path / "photo.png", "--model", tmp_path / name, "--out", tmp_path / "out.png")
        assert done.code == 1
        assert text in done.err, done.err
        assert name in done.err
    wrong = cli("hazify", tmp_path / "photo.png", "--model", graph, "--out", tmp_path / "out.png")
    assert "this model is for 'dehaze'" in wrong.err
    assert not (tmp_path / "out.png").exists()
