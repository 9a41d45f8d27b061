from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from claritygan_cli.errors import UsageError
from claritygan_cli.training.vgg import load_vgg, vgg_layers


def write(path: Path, layers: nn.Sequential) -> None:
    save_file({f"features.{name}": value for name, value in layers.state_dict().items()}, path)


def test_layers_are_torchvisions() -> None:
    from torchvision.models import vgg19

    ours = vgg_layers([64, 64, 128, 128, 256, 256, 256, 256])
    with torch.device("meta"):
        theirs = vgg19(weights=None).features[: len(ours)]
    assert [type(layer) for layer in ours] == [type(layer) for layer in theirs]
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in theirs.state_dict().items()}


@torch.no_grad()
def test_narrow_copies_load(tmp_path: Path) -> None:
    layers = vgg_layers([4, 4, 8], "reflect")
    write(tmp_path / "v.safetensors", layers)
    loaded = load_vgg(tmp_path / "v.safetensors")
    image = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(loaded(image), layers(image))


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no VGG-19 features"):
        load_vgg(tmp_path / "nowhere.safetensors")
    save_file({"features.1.weight": torch.zeros(4, 3, 3, 3)}, tmp_path / "x.safetensors")
    with pytest.raises(UsageError, match="holds no VGG-19 features"):
        load_vgg(tmp_path / "x.safetensors")


@torch.no_grad()
def test_torchvisions_own_file_is_read(tmp_path: Path) -> None:
    layers = vgg_layers([4, 4, 8], "reflect")
    tensors = {f"features.{name}": value for name, value in layers.state_dict().items()}
    torch.save({**tensors, "classifier.0.weight": torch.zeros(2, 2)}, tmp_path / "vgg19-dcbb9e9d.pth")
    image = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(load_vgg(tmp_path / "vgg19-dcbb9e9d.pth")(image), layers(image))
    (tmp_path / "x.pth").write_bytes(b"text")
    with pytest.raises(UsageError, match="holds no VGG-19 features"):
        load_vgg(tmp_path / "x.pth")
