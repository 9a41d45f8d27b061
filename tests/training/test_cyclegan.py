from pathlib import Path

import numpy as np
import pytest
import torch

from claritygan_cli.data.batches import Batch
from claritygan_cli.data.synthesis import HazeParameters, real_pair
from claritygan_cli.engine.generators import ScatteringDehazer
from claritygan_cli.errors import UsageError
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.cyclegan import CycleGAN, load_perceptual
from claritygan_cli.training.distributed import World
from claritygan_cli.training.ema import Average
from claritygan_cli.training.generator_pair import make_generator_pair

CPU = torch.device("cpu")


def system_of(config: TrainConfig) -> CycleGAN:
    return CycleGAN(config, make_generator_pair(config), CPU, World())


def unpaired() -> Batch:
    random = torch.Generator().manual_seed(0)
    hazy, clear = (torch.rand(2, 3, 64, 64, generator=random) for _ in range(2))
    haze = HazeParameters(
        torch.ones(2, 1, 1, 1), torch.rand(2, 1, 64, 64, generator=random), torch.full((2, 3, 1, 1), 0.8)
    )
    return Batch(0.5 + hazy / 2, clear, haze, None, 2)


@pytest.mark.parametrize("generator", ["scattering", "resnet"])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_step_changes_everything_in_any_precision(config: TrainConfig, generator: str, precision: str) -> None:
    system = system_of(config.changed(generator=generator, precision=precision))  # type: ignore[arg-type]
    modules = {**system.pair.networks, "discriminators": system.discriminators}
    before = {n: [p.detach().clone() for p in m.parameters()] for n, m in modules.items() if m is not None}
    length = len(system.schedule)
    for _ in range(4 if precision != "fp16" else 6 * length + 7):  # fp16 finds its scale first
        terms, finite = system.step(unpaired(), 1e-3)
    assert finite
    assert all(torch.isfinite(value) and value.dtype == torch.float32 for value in terms.values())
    for name, parameters in before.items():
        now = list(modules[name].parameters())  # type: ignore[union-attr, index]
        assert any(not torch.equal(a, b) for a, b in zip(parameters, now, strict=True))


@pytest.mark.parametrize("generator", ["scattering", "resnet"])
def test_training_lowers_the_loss(config: TrainConfig, photo: np.ndarray, generator: str) -> None:
    system = system_of(config.changed(generator=generator, objective="supervised"))  # type: ignore[arg-type]
    clear = torch.from_numpy(photo[:64, :128]).permute(2, 0, 1)[None].float() / 255
    crops = real_pair(0.5 * clear + 0.45, clear)
    lines = [system.step(Batch(None, None, None, crops, 1), 3e-3)[0] for _ in range(56)]
    taught = ["hazify" if "paired_hazy" in line else "dehaze" for line in lines]
    assert taught == 14 * ["dehaze", "dehaze", "dehaze", "hazify"]
    losses = [line["paired_clear"].item() for line in lines if "paired_clear" in line]
    assert np.mean(losses[-5:]) < 0.7 * losses[0]


def test_old_fakes_are_shown_to_the_discriminators(config: TrainConfig) -> None:
    system = system_of(config.changed(pool_size=4))
    for _ in range(len(system.schedule) + 1):  # discriminators are asked in the first and the last of these
        system.step(unpaired(), 1e-3)
    kept = system.pools["clear"].images[torch.Size([3, 64, 64])]
    assert len(kept) == 4
    assert not any(image.requires_grad for image in kept)


def test_perceptual_weights_and_layers_are_checked(config: TrainConfig, tmp_path: Path) -> None:
    assert load_perceptual(config, CPU) is None
    with pytest.raises(UsageError, match="vgg "):
        load_perceptual(config.changed(perceptual_weight=1.0, vgg=tmp_path / "none.safetensors"), CPU)


def test_average_follows(config: TrainConfig) -> None:
    network = make_generator_pair(config).dehaze
    assert isinstance(network, ScatteringDehazer)
    average = Average(network, decay=0.5)
    start = network.head.weight.detach().clone()
    with torch.no_grad():
        network.head.weight.add_(1)
    average.update(network, step=1000)
    torch.testing.assert_close(average.network.get_parameter("head.weight"), start + 0.5)
    assert not any(p.requires_grad for p in average.network.parameters())
