"""Weights of a pretrained encoder from a file."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from claritygan_cli.engine.efficientnet import EfficientNetLite0, fold_batch_norms
from claritygan_cli.errors import ModelError, SettingError, UsageError
from claritygan_cli.models.importing import read_pickle


def read_encoder_weights(path: Path) -> dict[str, Tensor]:
    """EfficientNet-Lite0's public weights, with BatchNorms folded into convolutions.

    Args:
        path: a ``.safetensors`` or a PyTorch file.

    Raises:
        SettingError: it is missing, or not of that network.
    """
    if not path.is_file():
        raise SettingError("encoder_weights", path, "no such file")
    try:
        state = load_file(path) if path.suffix == ".safetensors" else read_pickle(path)
    except (SafetensorError, ModelError, UsageError) as error:
        raise SettingError("encoder_weights", path, "not a whole weights file; fetch it again") from error
    try:
        folded = fold_batch_norms(state)
        EfficientNetLite0().load_state_dict(folded)
    except (KeyError, RuntimeError) as error:
        raise SettingError("encoder_weights", path, "does not hold EfficientNet-Lite0's weights") from error
    return folded
