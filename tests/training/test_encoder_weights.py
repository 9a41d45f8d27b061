from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.engine.test_efficientnet import public_weights

from claritygan_cli.engine.generators import ScatteringGenerator
from claritygan_cli.errors import SettingError
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.encoder_weights import read_encoder_weights
from claritygan_cli.training.generator_pair import make_generator_pair


@pytest.mark.parametrize("name", ["lite0.pth", "lite0.safetensors"])
def test_training_starts_from_an_encoder_file(tmp_path: Path, config: TrainConfig, name: str) -> None:
    state, path = public_weights(), tmp_path / name
    if path.suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    expected = read_encoder_weights(path)
    for network in make_generator_pair(config.changed(encoder_weights=path)).networks.values():
        assert isinstance(network, ScatteringGenerator)
        for key, value in network.body.encoder.state_dict().items():
            assert torch.equal(value, expected[key])


def test_other_files_are_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("text")
    (tmp_path / "text.safetensors").write_text("text")
    for name, reason in (
        ("other.pth", "does not hold EfficientNet-Lite0's weights"),
        ("text.pth", "not a whole weights file"),
        ("text.safetensors", "not a whole weights file"),
        ("nowhere.pth", "no such file"),
    ):
        with pytest.raises(SettingError, match=reason):
            read_encoder_weights(tmp_path / name)
