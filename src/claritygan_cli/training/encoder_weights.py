"""Weights of a pretrained encoder from a file."""

import pickle
import zipfile
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from claritygan_cli.engine.efficientnet import EfficientNetLite0, fold_batch_norms
from claritygan_cli.errors import SettingError


def read_encoder_weights(path: Path) -> dict[str, Tensor]:
    """EfficientNet-Lite0's public weights, with BatchNorms folded into convolutions.

    Args:
        path: a ``.safetensors`` or a PyTorch file.

    Raises:
        SettingError: it is missing, or not of that network.
    """
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
        folded = fold_batch_norms(state)
        EfficientNetLite0().load_state_dict(folded)
    except FileNotFoundError as error:
        raise SettingError("encoder_weights", path, "no such file") from error
    except (SafetensorError, pickle.UnpicklingError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise SettingError("encoder_weights", path, "not a whole weights file; fetch it again") from error
    except (AttributeError, KeyError, TypeError, RuntimeError) as error:
        raise SettingError("encoder_weights", path, "does not hold EfficientNet-Lite0's weights") from error
    return folded
