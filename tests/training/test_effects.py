import pytest

from claritygan_cli.errors import SettingError
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.effects import NEEDS, refuse_without_effect


@pytest.mark.parametrize(
    ("settings", "given"),
    [
        ({}, "vgg"),
        ({}, "width"),
        ({"generator": "resnet"}, "decoder_widths"),
        ({"objective": "supervised"}, "cycle_weight"),
        ({}, "gradient_weight"),
        ({"generator": "resnet"}, "airlight_weight"),
        ({"optimizer": "adam"}, "weight_decay"),
    ],
)
def test_settings_without_effect_are_refused(settings: dict, given: str) -> None:
    with pytest.raises(SettingError, match="leave it out") as caught:
        refuse_without_effect(TrainConfig().changed(**settings), ["epochs", given])
    assert caught.value.field == given


def test_settings_with_effect_pass() -> None:
    refuse_without_effect(
        TrainConfig().changed(perceptual_weight=1.0, paired_weight=1.0),
        TrainConfig().flat().keys() - {"width", "blocks"},
    )


def test_the_table_names_settings() -> None:
    names = {name for names, _, _ in NEEDS for name in names}
    assert names <= TrainConfig().flat().keys()
