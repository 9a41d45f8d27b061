import json
import math
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.training import tiny_run

from claritygan_cli.data.batches import Batch
from claritygan_cli.errors import DataError, UsageError
from claritygan_cli.models.kinds import Direction
from claritygan_cli.models.weights import load_model
from claritygan_cli.training import checkpoints
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.cyclegan import CycleGAN
from claritygan_cli.training.run import train
from claritygan_cli.training.run_folder import RunFolder
from claritygan_cli.training.trainer import learning_rate_at


def interrupt_after(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Ctrl-C while step number ``step`` is being taken."""
    original = CycleGAN.step

    def stepped(self: CycleGAN, batch: Batch, learning_rate: float) -> Any:
        result = original(self, batch, learning_rate)
        if self.number == step:
            os.kill(os.getpid(), signal.SIGINT)
        return result

    monkeypatch.setattr(CycleGAN, "step", stepped)


def differences(first: Any, second: Any, where: str = "") -> list[str]:
    """Where two states are not equal to the last bit."""
    if isinstance(first, torch.Tensor):
        return [] if torch.equal(first, second) else [where]
    if isinstance(first, dict) and first.keys() == second.keys():
        return [found for key in first for found in differences(first[key], second[key], f"{where}/{key}")]
    if isinstance(first, list | tuple) and len(first) == len(second):
        return [
            f for i, (a, b) in enumerate(zip(first, second, strict=True)) for f in differences(a, b, f"{where}/{i}")
        ]
    return [] if first == second else [where]


def lines_of(config: TrainConfig) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (config.run.folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("generator", ["scattering", "resnet"])
def test_a_run_leaves_all_that_it_should(config: TrainConfig, generator: str) -> None:
    config = config.changed(generator=generator)  # type: ignore[arg-type]
    train(config)
    names = {str(path.relative_to(config.run.folder)) for path in config.run.folder.rglob("*") if path.is_file()}
    models = {"dehaze.safetensors", "hazify.safetensors"}
    assert names == models | {"recipe.toml", "metrics.jsonl", "last.pt", "best.pt", "samples/step_0000004.jpg"}
    lines = lines_of(config)
    assert [line["epoch"] for line in lines] == [1, 2, 2]
    assert all(math.isfinite(value) for line in lines for value in line["terms"].values())
    assert {"psnr", "ssim", "ciede2000"} <= lines[-1]["validation"]["val"].keys()
    with Image.open(config.run.folder / "samples/step_0000004.jpg") as sheet:
        assert sheet.size == (6 * 128, 4 * 128 + 18)
    for direction in ("dehaze", "hazify"):
        network, card = load_model(config.run.folder / f"{direction}.safetensors")
        assert (card.direction, card.generator, card.recipe["steps"]) == (direction, generator, 4)
        assert network(torch.rand(1, 3, 50, 70)).shape == (1, 3, 50, 70)


@pytest.mark.parametrize("stop", [4, 5])
@pytest.mark.parametrize("generator", ["scattering", "resnet"])
def test_two_and_two_epochs_are_four_to_the_last_bit(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, generator: str, stop: int
) -> None:
    """Stopped between epochs, or in the middle of one: optimisers, schedule, pools, sampler, all go on."""
    config = config.changed(generator=generator, epochs=4, pool_size=3, paired_weight=1.0, crop_shapes="varied")  # type: ignore[arg-type]
    train(config)
    parts = config.changed(out=config.run.folder.with_name("parts"))
    with monkeypatch.context() as patch:
        interrupt_after(patch, stop)
        with pytest.raises(KeyboardInterrupt):
            train(parts)
    assert RunFolder(parts.run.folder).load()["system"]["number"] == stop
    train(parts, resume=True)
    whole, pieced = (RunFolder(c.run.folder).load()["system"] for c in (config, parts))
    assert whole["number"] == 8
    assert len(whole["processes"][0]["clear"]["images"]) > 0
    assert differences(whole, pieced) == []
    assert [line["step"] for line in lines_of(parts)] == [line["step"] for line in lines_of(config)]


def test_differences_are_found_to_the_last_bit() -> None:
    first = {"a": [torch.zeros(2), 1.0], "b": ("x",)}
    assert differences(first, {"a": [torch.zeros(2), 1.0], "b": ("x",)}) == []
    assert differences(first, {"a": [torch.zeros(2) + 1e-30, 1.0], "b": ("y",)}) == ["/a/0", "/b/0"]
    assert differences(first, {"a": [torch.zeros(2)], "b": ("x",)}) == ["/a"]
    assert differences(first, {"a": 1}) == [""]


def test_kill_while_a_checkpoint_is_written(config: TrainConfig) -> None:
    """The process is killed between writing the third checkpoint's bytes and giving it its name."""
    config = config.changed(checkpoint_minutes=0.0)
    command = [sys.executable, tiny_run.__file__, config.to_toml(), "kill=3"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert list(config.run.folder.glob(".claritygan-*.part"))
    state = RunFolder(config.run.folder).load()
    assert state["system"]["number"] == 1
    train(config.changed(checkpoint_minutes=10.0), resume=True)
    assert RunFolder(config.run.folder).load()["system"]["number"] == 4
    assert not list(config.run.folder.glob(".*"))


def test_steps_that_stay_non_finite_end_the_run(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def bad(self: CycleGAN, batch: Batch, learning_rate: float) -> Any:
        taken.append(self.number)
        return {}, torch.tensor(False)

    monkeypatch.setattr(CycleGAN, "step", bad)
    with pytest.raises(DataError, match=r"steps in a row were not finite; try a lower learning rate"):
        train(config.changed(epochs=100))
    assert len(taken) == config.optimisation.max_bad_steps + 1


def test_a_single_bad_step_is_counted_and_reported(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = CycleGAN.step

    def sometimes(self: CycleGAN, batch: Batch, learning_rate: float) -> Any:
        if self.number == 1:
            assert batch.clear is not None
            batch.clear[:] = float("nan")
        return original(self, batch, learning_rate)

    monkeypatch.setattr(CycleGAN, "step", sometimes)
    train(config)
    assert [line["skipped"] for line in lines_of(config)] == [1, 1, 1]
    assert all(math.isfinite(value) for line in lines_of(config) for value in line["terms"].values())
    assert "1 steps skipped" in capsys.readouterr().err


def test_schedule_is_constant_then_falls_to_zero() -> None:
    rates = [learning_rate_at(p, 2e-4, 0.5) for p in np.linspace(0, 1, 101)]
    assert rates[:51] == [2e-4] * 51
    assert rates[75] == pytest.approx(1e-4)
    assert rates[-1] == 0
    assert all(a > b for a, b in pairwise(rates[50:]))


def test_a_time_budget_ends_the_run_and_its_schedule(config: TrainConfig) -> None:
    train(config.changed(epochs=10**6, max_minutes=0.05))
    lines = lines_of(config)
    assert lines[-1]["step"] > 4
    assert lines[-1]["learning_rate"] == 0
    assert lines[-2]["learning_rate"] < 1e-4
    assert 0.05 <= lines[-1]["minutes"] < 0.1


def test_best_is_by_validation(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([10.0, 30.0, 20.0, 25.0, 25.0])
    monkeypatch.setattr(
        checkpoints, "validate_on", lambda *_: {"val": {"psnr": next(scores), "ssim": None, "ciede2000": None}}
    )
    train(config.changed(checkpoint_minutes=0.0))
    assert torch.load(config.run.folder / "best.pt", weights_only=True)["system"]["number"] == 2
    _, card = load_model(config.run.folder / "dehaze.safetensors")
    assert (card.recipe["steps"], card.scores["val"]["psnr"]) == (2, 30)
    assert card.recipe["chosen"] == "best validation PSNR of the run"


def test_a_run_is_not_overwritten_and_resumes_only_what_fits(config: TrainConfig) -> None:
    train(config)
    with pytest.raises(UsageError, match="holds a run already"):
        train(config)
    with pytest.raises(UsageError, match="holds scattering models"):
        train(config.changed(generator="resnet"), resume=True)
    with pytest.raises(UsageError, match="is over, at step 4; allow more epochs"):
        train(config, resume=True)
    train(config.changed(epochs=3), resume=True)
    assert RunFolder(config.run.folder).load()["system"]["number"] == 6


def test_a_broken_validation_picture_is_left_out(config: TrainConfig, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("hazy", "clear"):
        (config.data.validation[0] / part / "2.png").write_bytes(b"broken")
    train(config.changed(checkpoint_minutes=0.0))
    assert capsys.readouterr().err.count("left out of validation: ") == 1
    assert lines_of(config)[-1]["validation"]["val"]["psnr"] > 5


def test_other_validation_starts_a_new_best(config: TrainConfig, data: Path) -> None:
    train(config)
    (data / "val").rename(data / "harder")
    state = RunFolder(config.run.folder).load()
    assert state["best"] > 5
    RunFolder(config.run.folder).save({**state, "best": 1000.0})
    train(config.changed(validation=(data / "harder",), epochs=3), resume=True)
    state = RunFolder(config.run.folder).load()
    assert (state["validated"], state["best"] < 1000) == (["harder"], True)


def test_no_time_at_all_is_an_error(config: TrainConfig) -> None:
    with pytest.raises(DataError, match="no step was taken"):
        train(config.changed(max_minutes=1e-9))
    assert not (config.run.folder / "dehaze.safetensors").exists()


def test_a_run_starts_from_another(config: TrainConfig) -> None:
    train(config)
    second = config.changed(initial=str(config.run.out), out=config.run.folder.with_name("second"), epochs=1)
    train(second)
    _, card = load_model(second.run.folder / "dehaze.safetensors")
    assert card.recipe["initial"]["steps"] == 4
    with pytest.raises(UsageError, match="holds scattering models"):
        train(second.changed(generator="resnet", out=config.run.folder.with_name("third")))


@pytest.mark.parametrize("only", ["dehaze", "hazify"])
def test_one_of_two_models_is_taught_alone(config: TrainConfig, only: Direction) -> None:
    train(config)
    common: dict[str, Any] = {"objective": "supervised", "train_only": only, "out": config.run.folder.with_name("2")}
    with pytest.raises(UsageError, match="needs the supervised objective, and initial models"):
        config.changed(**common)
    common["initial"] = str(config.run.out)
    if only == "hazify":
        with pytest.raises(UsageError, match="scores dehazers"):
            config.changed(**common)
        common["validation"] = ()
    alone = config.changed(**common)
    train(alone)
    for direction in ("dehaze", "hazify"):
        (old, card), (new, new_card) = (load_model(r.run.folder / f"{direction}.safetensors") for r in (config, alone))
        same = all(torch.equal(a, b) for a, b in zip(old.parameters(), new.parameters(), strict=True))
        assert same == (direction != only)
        assert (new_card == card) == (direction != only)


def test_supervised_runs_need_no_hazy_pictures(config: TrainConfig, data: Path) -> None:
    config = config.changed(objective="supervised", hazy=(), clear=(), data=(data / "room",), epochs=2)
    train(config)
    assert {name.split("_")[0] for line in lines_of(config) for name in line["terms"]} == {"paired"}
    with pytest.raises(UsageError, match="no hazy pictures there; name a folder of hazy ones"):
        train(
            config.changed(objective="cyclegan", data=(), clear=(data / "clear",), out=config.run.folder.with_name("2"))
        )


def test_pictures_in_both_sets_are_warned_about(config: TrainConfig, capsys: pytest.CaptureFixture[str]) -> None:
    train(config)
    assert "warning" not in capsys.readouterr().err
    (config.data.hazy[0] / "again.png").write_bytes((config.data.validation[0] / "hazy/1_1.png").read_bytes())
    train(config.changed(out=config.run.folder.with_name("second")))
    assert "warning: 1 training pictures are validation pictures too" in capsys.readouterr().err


def test_broken_files_are_reported_once(config: TrainConfig, capsys: pytest.CaptureFixture[str]) -> None:
    (config.data.hazy[0] / "broken.png").write_bytes(b"broken")
    train(config.changed(workers=1, epochs=3))
    err = capsys.readouterr().err
    assert err.count("left out: ") == 1
    assert "broken.png: not a picture" in err


def test_validation_wants_pictures_of_one_size(config: TrainConfig) -> None:
    picture = next((config.data.validation[0] / "clear").iterdir())
    Image.new("RGB", (40, 40)).save(picture)
    with pytest.raises(DataError, match="another size"):
        train(config)
    assert not (config.run.folder / "dehaze.safetensors").exists()


def test_time_is_kept_with_validation(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation that takes most of the budget leaves the rest to training."""
    monkeypatch.setattr(checkpoints.Checkpoints, "seconds_of_validation", lambda _: 59.0)
    started = time.perf_counter()
    train(config.changed(max_minutes=1.0, epochs=100_000))
    assert time.perf_counter() - started < 20
    assert len([line for line in lines_of(config) if line.get("validation")]) == 1
