import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from claritygan_cli.engine.generators import ResnetGenerator
from claritygan_cli.errors import ModelError, UsageError
from claritygan_cli.models.importing import import_resnet
from claritygan_cli.models.weights import load_model


def public_resnet(blocks: int, dropout: bool, width: int = 4) -> nn.Module:
    """The generator as the public CycleGAN code builds it, written down again from its layer list."""

    def norm(channels: int) -> nn.Module:
        return nn.InstanceNorm2d(channels, affine=False, track_running_stats=False)

    class Block(nn.Module):
        def __init__(self, dim: int) -> None:
            super().__init__()
            layers: list[nn.Module] = [nn.ReflectionPad2d(1), nn.Conv2d(dim, dim, 3), norm(dim), nn.ReLU(True)]
            layers += [nn.Dropout(0.5)] if dropout else []
            layers += [nn.ReflectionPad2d(1), nn.Conv2d(dim, dim, 3), norm(dim)]
            self.conv_block = nn.Sequential(*layers)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.conv_block(x)

    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), norm(width), nn.ReLU(True)]
    for i in range(2):
        layers += [nn.Conv2d(width * 2**i, width * 2 ** (i + 1), 3, 2, 1), norm(width * 2 ** (i + 1)), nn.ReLU(True)]
    layers += [Block(width * 4) for _ in range(blocks)]
    for i in (2, 1):
        outputs = width * 2**i // 2
        layers += [nn.ConvTranspose2d(width * 2**i, outputs, 3, 2, 1, output_padding=1), norm(outputs), nn.ReLU(True)]
    layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh()]
    network = nn.Module()
    network.model = nn.Sequential(*layers)
    return network


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
@torch.no_grad()
def test_public_layout_key_for_key(tmp_path: Path, dropout: bool, wrapped: bool) -> None:
    torch.manual_seed(0)
    public = public_resnet(9, dropout).eval()
    state = {f"module.{k}": v for k, v in public.state_dict().items()} if wrapped else public.state_dict()
    torch.save({"state_dict": state} if wrapped else state, tmp_path / "latest_net_G_A.pth")
    card = import_resnet(tmp_path / "latest_net_G_A.pth", "dehaze", tmp_path / "m.safetensors")
    assert card.architecture == {"width": 4, "blocks": 9, "dropout": dropout, "variant": "paper"}
    ours, _ = load_model(tmp_path / "m.safetensors")
    assert isinstance(ours, ResnetGenerator)
    for name, value in public.state_dict().items():
        assert torch.equal(ours.state_dict()[f"body.{name}"], value)
    image = torch.rand(1, 3, 32, 40)
    torch.testing.assert_close(ours(image), (public.model(2 * image - 1) + 1) / 2)


class Trap:
    def __reduce__(self) -> tuple:
        return (print, ("code ran",))


def test_pickles_cannot_run_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"model.1.weight": Trap()}, path)
    with pytest.raises(ModelError, match="can run code"):
        import_resnet(path, "dehaze", tmp_path / "m.safetensors")
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "m.safetensors").exists()


def test_what_is_no_such_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    with pytest.raises(ModelError, match="no such file"):
        import_resnet(path, "dehaze", tmp_path / "m.safetensors")
    path.write_bytes(b"text")
    with pytest.raises(ModelError, match="not a checkpoint"):
        import_resnet(path, "dehaze", tmp_path / "m.safetensors")
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(ModelError, match=r"not a checkpoint|no named tensors"):
        import_resnet(path, "dehaze", tmp_path / "m.safetensors")
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match="not a generator of the public CycleGAN layout"):
        import_resnet(path, "dehaze", tmp_path / "m.safetensors")
    state = public_resnet(6, False).state_dict()
    state["model.1.weight"] = torch.zeros(8, 3, 7, 7)
    torch.save(state, path)
    with pytest.raises(ModelError, match="not a generator of the public CycleGAN layout"):
        import_resnet(path, "dehaze", tmp_path / "m.safetensors")


class ClarityGANGenerator(nn.Module):
    """The generator of the ClarityGAN notebooks, written down again from its layer list."""

    def __init__(self, width: int = 4, residuals: int = 9) -> None:
        super().__init__()

        def block(conv: nn.Module, channels: int, active: bool = True) -> nn.Module:
            holder = nn.Module()
            last = nn.ReLU() if active else nn.Identity()
            holder.conv_block = nn.Sequential(conv, nn.InstanceNorm2d(channels), last)
            return holder

        def same(active: bool) -> nn.Module:
            conv = nn.Conv2d(4 * width, 4 * width, 3, padding=1, padding_mode="reflect")
            return block(conv, 4 * width, active)

        def residual() -> nn.Module:
            holder = nn.Module()
            holder.residual_block = nn.Sequential(same(True), same(False))
            return holder

        wide = (width, 2 * width, 4 * width)
        self.base = nn.Sequential(nn.Conv2d(3, width, 7, padding=3, padding_mode="reflect"), nn.ReLU())
        self.down_blocks = nn.ModuleList(
            block(nn.Conv2d(a, 2 * a, 3, 2, 1, padding_mode="reflect"), 2 * a) for a in wide[:2]
        )
        self.residual_blocks = nn.Sequential(*(residual() for _ in range(residuals)))
        self.up_blocks = nn.ModuleList(
            block(nn.ConvTranspose2d(a, a // 2, 3, 2, 1, output_padding=1), a // 2) for a in (4 * width, 2 * width)
        )
        self.head = nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.base(x)
        for layer in self.down_blocks:
            x = layer.conv_block(x)
        for layer in self.residual_blocks:
            first, second = layer.residual_block
            x = x + second.conv_block(first.conv_block(x))
        for layer in self.up_blocks:
            x = layer.conv_block(x)
        return torch.tanh(self.head(x))


@pytest.mark.parametrize("container", ["plain", "state_dict", "several"])
def test_claritygan_checkpoints_come_in_key_for_key(tmp_path: Path, container: str) -> None:
    torch.manual_seed(0)
    theirs, other = ClarityGANGenerator(), ClarityGANGenerator()
    state = theirs.state_dict()
    content = {
        "plain": state,
        "state_dict": {"state_dict": state, "optimizer": {"lr": 1.0}},
        "several": {"model_gen_C_state_dict": state, "model_gen_H_state_dict": other.state_dict(), "epoch": 3},
    }[container]
    torch.save(content, tmp_path / "genC.pth.tar")
    network = "gen_C" if container == "several" else None
    import_resnet(tmp_path / "genC.pth.tar", "dehaze", tmp_path / "m.safetensors", network)
    ours, card = load_model(tmp_path / "m.safetensors")
    assert card.architecture == {"width": 4, "blocks": 9, "dropout": False, "variant": "claritygan"}
    assert len(ours.state_dict()) == len(state)
    for (name, value), (their_name, expected) in zip(ours.state_dict().items(), state.items(), strict=True):
        assert torch.equal(value, expected), (name, their_name)
    image = torch.rand(1, 3, 32, 48)
    with torch.no_grad():
        torch.testing.assert_close(ours(image), (theirs(2 * image - 1) + 1) / 2, atol=1e-5, rtol=1e-4)


def test_one_of_several_networks_must_be_named(tmp_path: Path) -> None:
    networks = {f"model_{name}_state_dict": public_resnet(6, False).state_dict() for name in "GF"}
    torch.save(networks, tmp_path / "x.pt")
    with pytest.raises(UsageError, match="choose one with --network: G, F"):
        import_resnet(tmp_path / "x.pt", "dehaze", tmp_path / "m.safetensors")


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "netG.", "generator.module."]
)
def test_prefixes_are_stripped(tmp_path: Path, prefix: str) -> None:
    state = {prefix + name: value for name, value in public_resnet(6, False).state_dict().items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "x.pth")
    assert import_resnet(tmp_path / "x.pth", "dehaze", tmp_path / "m.safetensors").architecture["blocks"] == 6


@pytest.mark.parametrize("container", ["folders", "lightning"])
def test_one_of_several_networks_is_chosen(tmp_path: Path, container: str) -> None:
    networks = {name: public_resnet(6, False).state_dict() for name in ("netG_A", "netG_B")}
    content: dict = networks
    if container == "lightning":
        content = {"state_dict": {f"{n}.{key}": value for n, state in networks.items() for key, value in state.items()}}
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(UsageError, match="--network: netG_A, netG_B"):
        import_resnet(tmp_path / "x.pth", "dehaze", tmp_path / "m.safetensors")
    with pytest.raises(UsageError, match="holds no network 'netD'"):
        import_resnet(tmp_path / "x.pth", "dehaze", tmp_path / "m.safetensors", "netD")
    import_resnet(tmp_path / "x.pth", "dehaze", tmp_path / "m.safetensors", "G_B")
    ours, _ = load_model(tmp_path / "m.safetensors")
    for name, value in networks["netG_B"].items():
        assert torch.equal(ours.state_dict()[f"body.{name}"], value)


def test_reasons_are_clear(tmp_path: Path) -> None:
    state = public_resnet(6, False).state_dict()
    batch_norm = {**state, "model.2.weight": torch.ones(4), "model.2.running_mean": torch.zeros(4)}
    spectral = {name.replace("weight", "weight_orig"): value for name, value in state.items()}
    unet = {"model.model.0.weight": torch.zeros(4, 3, 4, 4), "model.model.1.model.1.weight": torch.zeros(4, 4, 4, 4)}
    for content, reason in (
        (batch_norm, "batch normalisation"),
        (spectral, "spectrally"),
        (unet, "U-Net"),
        ({"model.0.weight": torch.zeros(8, 3, 4, 4)}, "discriminator"),
        ({**state, "model.1.weight": torch.zeros(4, 1, 7, 7)}, "1 channels"),
        (public_resnet(6, False), "whole pickled module"),
    ):
        torch.save(content if isinstance(content, dict) else Whole(), tmp_path / "x.pth")
        with pytest.raises(ModelError, match=reason):
            import_resnet(tmp_path / "x.pth", "dehaze", tmp_path / "m.safetensors")
    for data, reason in ((b"<!DOCTYPE html><html>", "web page"), (b"", "empty"), (b"PK\x03\x04cut", "truncated")):
        (tmp_path / "x.pth").write_bytes(data)
        with pytest.raises(ModelError, match=reason):
            import_resnet(tmp_path / "x.pth", "dehaze", tmp_path / "m.safetensors")


class Whole(nn.Conv2d):
    def __init__(self) -> None:
        super().__init__(1, 1, 1)
