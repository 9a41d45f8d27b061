from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Outcome

from claritygan_cli.models import exporting


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "graph_bytes", lambda graph: b"a graph")
    monkeypatch.setattr(exporting, "with_card", lambda data, *_: data)
    monkeypatch.setattr(exporting, "_difference", lambda data, graph: 2e-7)


@pytest.mark.usefixtures("exported")
def test_export_writes_one_file_and_says_what_is_in_it(cli: Callable[..., Outcome], tmp_path: Path) -> None:
    done = cli("export", "scattering-hazify", "--out", str(tmp_path / "m.onnx"))
    assert done.code == 0, done.err
    assert done.out == ""
    assert "image (N, 3, 32 i, 32 j) in [0, 1] -> depth; within 2e-07 of PyTorch" in done.err
    done = cli("export", "scattering-dehaze", "--out", str(tmp_path / "m.onnx"), "--whole", "--overwrite")
    assert "image (1, 3, H, W) in [0, 1], strength -> result; within" in done.err
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]
    assert (tmp_path / "m.onnx").read_bytes() == b"a graph"


@pytest.mark.usefixtures("exported")
def test_export_refuses(cli: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"mine")
    for words, reason in (
        (["scattering-hazify", "--out", str(tmp_path / "m.pt")], "must end in .onnx"),
        (["scattering-hazify", "--out", str(tmp_path / "m.onnx")], "exists already"),
        (["nothing", "--out", str(tmp_path / "n.onnx")], "neither a model file"),
    ):
        done = cli("export", *words)
        assert done.code == 2, done.err
        assert reason in done.err
    assert (tmp_path / "m.onnx").read_bytes() == b"mine"
