import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claritygan_cli.errors import SettingError
from claritygan_cli.training.config import TrainConfig, read_recipe
from claritygan_cli.training.schedule import BOTH, StepKind, parse_schedule, parts_needed, schedule_of

RECIPES = Path(__file__).parents[2] / "weights" / "recipes"


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.lists(st.integers(1, 999), min_size=5, max_size=5),
    st.floats(0, 1e6),
    st.booleans(),
)
def test_a_recipe_holds_any_settings(text: str, widths: list[int], weight: float, flag: bool) -> None:
    config = TrainConfig().changed(
        initial=text,
        decoder_widths=tuple(widths),
        cycle_weight=weight,
        gradient_checkpointing=flag,
        out=Path("/a b/ü"),
    )
    assert TrainConfig().changed(**read_recipe(config.to_toml())) == config


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_recipes_of_bundled_models_can_be_read(path: Path) -> None:
    config = TrainConfig().changed(**read_recipe(path.read_text(encoding="utf-8")))
    assert schedule_of(config)


def test_there_are_recipes() -> None:
    assert {path.stem for path in RECIPES.glob("*.toml")} >= {"scattering-dehaze", "scattering-hazify"}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"learning_rate": math.inf}, "learning_rate"),
        ({"size": 100}, "size"),
        ({"decoder_widths": (8,)}, "decoder_widths"),
        ({"train_only": "dehaze"}, "train_only"),
        ({"objective": "magic"}, "objective"),
        ({"epoch": 3}, "epoch"),
    ],
)
def test_bad_settings_name_their_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(SettingError) as caught:
        TrainConfig().changed(**values)
    assert caught.value.field == field


def test_schedules() -> None:
    dehaze, hazify = StepKind(("dehaze",)), StepKind(("hazify",))
    assert parse_schedule("dehaze:2 hazify") == (dehaze, dehaze, hazify)
    assert schedule_of(TrainConfig().changed(generator="resnet")) == (BOTH,)
    assert len(schedule_of(TrainConfig())) == 13
    only = TrainConfig().changed(objective="supervised", initial="bundled", train_only="hazify")
    assert schedule_of(only) == (hazify,)
    for config in (
        TrainConfig().changed(schedule="dehaze;3"),
        TrainConfig().changed(schedule=" "),
        TrainConfig().changed(schedule="dehaze", generator="resnet"),
        TrainConfig().changed(schedule="dehaze-more", objective="supervised"),
        only.changed(schedule="dehaze"),
    ):
        with pytest.raises(SettingError, match="schedule"):
            schedule_of(config)


def test_steps_need_only_what_they_use() -> None:
    config = TrainConfig()
    assert parts_needed(BOTH, config) == {"hazy", "clear"}
    assert parts_needed(StepKind(("hazify",)), config) == {"hazy"}
    assert parts_needed(StepKind(("dehaze",)), config) == {"clear"}
    assert parts_needed(StepKind(("dehaze",), more_haze=True), config) == {"hazy", "clear"}
    assert parts_needed(BOTH, config.changed(objective="supervised")) == {"pairs"}


def test_settings_are_light_and_training_needs_no_video_library() -> None:
    heavy = "import sys, claritygan_cli.training.config; assert not {'torch', 'numpy', 'PIL'} & set(sys.modules)"
    videos = "import sys, claritygan_cli.training.run; assert 'av' not in sys.modules"
    for code in (heavy, videos):
        subprocess.run([sys.executable, "-c", code], check=True)
