"""The trained first layers of VGG-19, for the perceptual loss."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from claritygan_cli.errors import SettingError
from claritygan_cli.training.losses import VGG19_PLAN


def vgg_layers(widths: list[int], padding_mode: Literal["zeros", "reflect"] = "zeros") -> nn.Sequential:
    """Layers of VGG-19, numbered as in ``torchvision.models.vgg19().features``, for the first ``len(widths)``
    convolutions with these output channels.
    """
    layers: list[nn.Module] = []
    inputs, remaining = 3, list(widths)
    for entry in VGG19_PLAN:
        if not remaining:
            break
        if entry == "M":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            outputs = remaining.pop(0)
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode=padding_mode), nn.ReLU()]
            inputs = outputs
    return nn.Sequential(*layers)


def _tensors(path: Path) -> dict[str, Tensor]:
    if path.suffix in (".pth", ".pt"):
        return torch.load(path, map_location="cpu", weights_only=True)
    return load_file(path)


def load_vgg(path: Path | None) -> nn.Sequential:
    """VGG-19's features, whole from torchvision (which downloads them once), or its first layers from a file.

    Args:
        path: safetensors with ``features.N.weight`` and ``features.N.bias``, or torchvision's own ``vgg19-*.pth``, of
            which nothing but tensors is loaded; narrower copies of the net are understood, and padded by reflection as
            those are.

    Raises:
        SettingError: the file is missing or not of that kind.
    """
    if path is None:
        from torchvision.models import VGG19_Weights, vgg19

        try:
            return vgg19(weights=VGG19_Weights.IMAGENET1K_V1).features
        except OSError as error:
            raise SettingError(
                "vgg", None, f"torchvision's weights cannot be fetched ({error}); name a file"
            ) from error
    try:
        tensors = {
            name.removeprefix("features."): value.float()
            for name, value in _tensors(path).items()
            if not name.startswith("classifier.")
        }
        convolutions = sorted(
            (int(name.split(".")[0]), len(value)) for name, value in tensors.items() if value.ndim == 4
        )
        widths = [width for _, width in convolutions]
        features = vgg_layers(widths, "zeros" if widths[0] == VGG19_PLAN[0] else "reflect")
        features.load_state_dict(tensors, strict=True)
    except (OSError, SafetensorError, UnpicklingError, RuntimeError, ValueError, IndexError, AttributeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise SettingError("vgg", path, f"holds no VGG-19 features ({reason})") from error
    return features
