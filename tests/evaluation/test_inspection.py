import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.conftest import Outcome

from claritygan_cli.engine.generators import ResnetGenerator
from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.errors import UsageError
from claritygan_cli.evaluation.inspection import STEPS, configs, inspect
from claritygan_cli.models.image_translator import ImageTranslator
from claritygan_cli.models.loading import load_translator
from claritygan_cli.settings import declared

Cli = Callable[..., Outcome]


def test_steps_lead_from_the_plain_model_to_the_whole_restoration() -> None:
    full = RestorationConfig()
    found = list(configs(full))
    assert [name for name, _, _ in found] == list(STEPS)
    assert found[0][2] == RestorationConfig.plain()
    assert found[-1][2] == full
    fields = [field for names in STEPS.values() for field in names]
    assert fields == [field.name for field, _ in declared(RestorationConfig)]
    off = replace(full, brightness_floor=0.0)
    assert "brightness bound" not in [name for name, _, _ in configs(off)]


def test_the_last_step_is_the_result(photo: np.ndarray) -> None:
    translator = load_translator("dehaze")
    hazy = (photo * 0.5 + 100).astype(np.uint8)
    found = inspect(translator, hazy)
    assert np.array_equal(found.steps[-1].pixels, translator(hazy))
    assert found.transmission.shape == hazy.shape[:2]
    assert found.airlight.shape == hazy.shape  # as it is not wide
    plain = (hazy / 255 - found.airlight) / found.transmission[..., None] + found.airlight
    assert np.abs(plain.clip(0, 1) * 255 - found.steps[0].pixels).mean() < 8  # but for the bounds of the map
    assert found.steps[0].change == pytest.approx(np.abs(found.steps[0].pixels.astype(int) - hazy).mean())


def test_the_command(cli: Cli, photo_folder: Path, tmp_path: Path) -> None:
    photo, figure = photo_folder / "a.png", tmp_path / "figure.png"
    done = cli("inspect", photo, "--out", figure, "--json")
    assert (done.code, done.err) == (0, "")
    numbers = json.loads(done.out)
    assert numbers["size"] == [150, 100]
    assert len(numbers["steps"]) >= 7
    assert 0 < numbers["transmission"]["1%"] <= numbers["transmission"]["99%"] <= 1
    with Image.open(figure) as image:
        assert image.width == 3 * 480
    assert cli("inspect", photo, "--out", figure).code == 2
    assert cli("inspect", photo, "--out", tmp_path / "x.jpg").code == 2
    before = photo.read_bytes()
    assert cli("inspect", photo, "--out", photo, "--overwrite").code == 2
    assert photo.read_bytes() == before
    assert "airlight mean" in cli("inspect", photo).out
    assert cli("inspect", tmp_path / "no.png").code == 1


def test_a_model_that_sees_no_haze(photo: np.ndarray) -> None:
    with pytest.raises(UsageError):
        inspect(ImageTranslator(ResnetGenerator(width=2, blocks=1), torch.device("cpu")), photo)
