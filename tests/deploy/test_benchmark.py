"""Benchmarks of models."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Outcome


def test_models_are_measured_at_every_size_and_number_of_threads(
    cli: Callable[..., Outcome], tiny_model: Callable[[str], Path]
) -> None:
    model = tiny_model("dehaze")
    done = cli(
        "benchmark", model, "--size", 0.02, "--size", 0.3, "--threads", 1, "--threads", 2, "--rounds", 1, "--json"
    )
    assert done.code == 0, done.err
    report = json.loads(done.out)
    rows = report["measurements"]
    assert [(row["threads"], round(row["megapixels"], 1)) for row in rows] == [(1, 0.0), (1, 0.3), (2, 0.0), (2, 0.3)]
    for row in rows:
        assert (row["model"], row["runtime"], row["precision"]) == (str(model), "torch", "fp32")
        assert row["seconds"] > 0
        assert row["memory"] > 100
    assert {"torch", "python"} <= set(report["machine"]["versions"])
    assert report["machine"]["cores"] >= 1


def test_a_model_that_is_not_there_is_named(cli: Callable[..., Outcome], tmp_path: Path) -> None:
    done = cli("benchmark", tmp_path / "none.safetensors", "--size", 0.02)
    assert done.code == 1
    assert "none.safetensors" in done.err
    assert "Traceback" not in done.err
