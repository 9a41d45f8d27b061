import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from claritygan_cli.errors import UsageError
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.run_folder import RunFolder, free_folder


def test_settings_round_trip(config: TrainConfig) -> None:
    folder = RunFolder(config.run.folder)
    folder.write_recipe(config)
    assert folder.read_recipe() == config
    folder.recipe.write_text("[data]\nsize = true\n")
    with pytest.raises(UsageError, match=r"recipe\.toml: size True: must be of type int"):
        folder.read_recipe()


def test_the_best_checkpoint_stays_when_the_last_one_goes_on(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    for number, better in ((1, True), (2, False), (3, True), (4, False)):
        folder.save({"number": torch.tensor(number)}, best=better)
    assert folder.load() == {"number": torch.tensor(4)}
    assert torch.load(folder.best, weights_only=True) == {"number": torch.tensor(3)}
    assert sorted(path.name for path in folder.path.iterdir()) == ["best.pt", "last.pt"]


def test_the_best_checkpoint_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr("os.link", refused)
    folder = RunFolder(tmp_path / "run")
    folder.save({"number": 1}, best=True)
    folder.save({"number": 2})
    assert torch.load(folder.best, weights_only=True) == {"number": 1}


def test_checkpoints_that_are_not(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(UsageError, match="no checkpoint to resume from"):
        folder.load()
    torch.save({"a": torch.zeros(1000)}, folder.last)
    for content in (b"", b"text", folder.last.read_bytes()[:700]):
        folder.last.write_bytes(content)
        with pytest.raises(UsageError, match=r"last\.pt: not a complete checkpoint"):
            folder.load()


def test_tidy_drops_what_a_killed_run_left(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    (tmp_path / "samples").mkdir()
    for name in (".last.pt.12.part", "samples/.step.jpg.12.part"):
        (tmp_path / name).touch()
    folder.metrics.write_text('{"step": 2}\n{"step": 4}\n{"step": 6}\n{"step": 3, "terms": {"a": 1}')
    folder.tidy(4)
    assert [json.loads(line)["step"] for line in folder.metrics.read_text().splitlines()] == [2, 4]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["metrics.jsonl", "samples"]


def test_tensorboard_gets_the_numbers_if_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, float, int]] = []

    class SummaryWriter:
        def __init__(self, folder: str) -> None:
            assert folder == str(tmp_path / "tensorboard")

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, value, step))

        def flush(self) -> None:
            pass

    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    RunFolder(tmp_path).log({"step": 3, "terms": {"cycle": 0.5}, "validation": {"val": {"psnr": 20.0, "ssim": None}}})
    assert written == [("step", 3, 3), ("terms/cycle", 0.5, 3), ("validation/val/psnr", 20.0, 3)]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    RunFolder(tmp_path).log({"step": 4})
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2


def test_default_folder_is_a_free_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert free_folder(tmp_path / "mine", ()) == tmp_path / "mine"
    names = []
    for _ in range(3):
        folder = free_folder(None, (Path("RESIDE/ITS"),))
        folder.mkdir(parents=True)
        names.append(folder.as_posix())
    assert names == ["runs/ITS", "runs/ITS-2", "runs/ITS-3"]
