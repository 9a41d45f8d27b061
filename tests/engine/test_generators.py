import pytest
import torch

from claritygan_cli.engine.estimate import LEAST_TRANSMISSION
from claritygan_cli.engine.generators import (
    Generator,
    ResnetGenerator,
    ScatteringDehazer,
    ScatteringHazifier,
)
from claritygan_cli.engine.working_size import working_shape

SMALL = (4, 4, 8, 8, 8)
SIZES = [(1, 1), (1, 7), (5, 3), (33, 64), (64, 96), (50, 300)]


def scramble(generator: Generator, std: float = 0.1) -> Generator:
    torch.manual_seed(0)
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=std)
    return generator.eval()


def make(name: str) -> Generator:
    if name == "resnet":
        return scramble(ResnetGenerator(width=4, blocks=1, working_size=64))
    kind = {"dehazer": ScatteringDehazer, "hazifier": ScatteringHazifier}[name]
    return scramble(kind(widths=SMALL, working_size=64))


@pytest.mark.parametrize("name", ["dehazer", "hazifier", "resnet"])
@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_contract(name: str, size: tuple[int, int]) -> None:
    image = torch.rand(2, 3, *size)
    out = make(name)(image)
    assert out.shape == image.shape
    assert out.isfinite().all()
    assert out.min() >= 0
    assert out.max() <= 1


def test_parameter_counts() -> None:
    def count(network: torch.nn.Module) -> int:
        return sum(p.numel() for p in network.parameters())

    assert count(ResnetGenerator()) == 11_378_179  # pytorch-CycleGAN's resnet_9blocks: 11.378 M
    assert count(ResnetGenerator(blocks=6)) == 7_837_699  # resnet_6blocks: 7.84 M
    assert count(ScatteringDehazer()) * 2 <= 12 * 2**20  # float16 file of at most 12 MiB


def test_fresh_dehazer_starts_from_the_mean_colour_and_little_haze() -> None:
    generator = ScatteringDehazer(widths=SMALL, working_size=32)
    estimate = generator.predict(torch.full((1, 3, 32, 32), 0.6))
    torch.testing.assert_close(estimate.airlight, torch.full_like(estimate.airlight, 0.6), atol=1e-3, rtol=0)
    assert estimate.transmission.min() > 0.7


@torch.no_grad()
def test_estimates_have_their_shapes_and_ranges() -> None:
    small = torch.rand(2, 3, 64, 96)
    dehazer, hazifier = make("dehazer"), make("hazifier")
    assert isinstance(dehazer, ScatteringDehazer)
    assert isinstance(hazifier, ScatteringHazifier)
    estimate, depth = dehazer.predict(small), hazifier.predict(small).depth
    assert estimate.transmission.shape == depth.shape == (2, 1, 32, 48)
    assert estimate.airlight.shape == (2, 3, 16, 24)
    assert LEAST_TRANSMISSION <= estimate.transmission.min() <= estimate.transmission.max() <= 1
    assert 0 <= depth.min() <= depth.max() <= 1


@torch.no_grad()
@pytest.mark.parametrize("name", ["dehazer", "hazifier", "resnet"])
def test_training_mode_changes_no_estimate(name: str) -> None:
    generator, small = make(name), torch.rand(1, 3, 64, 96)
    before, after = vars(generator.eval().predict(small)), vars(generator.train().predict(small))
    for key, value in before.items():
        assert torch.equal(value, after[key])


@torch.no_grad()
def test_resnet_is_the_plain_network_where_sizes_allow() -> None:
    generator = make("resnet")
    image = torch.rand(1, 3, 48, 64)
    torch.testing.assert_close(generator(image), (generator.body(2 * image - 1) + 1) / 2)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((480, 640), (192, 256)), ((1, 1), (32, 32)), ((100, 100), (96, 96)), ((10, 4000), (32, 256))],
)
def test_working_shape(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert working_shape(*size, working_size=256, multiple=32) == expected


def test_gradients_reach_every_parameter() -> None:
    generator = ScatteringDehazer(widths=SMALL, working_size=32)
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    generator(torch.rand(2, 3, 32, 32)).square().mean().backward()
    without = [name for name, p in generator.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@torch.no_grad()
def test_a_mirror_image_is_dehazed_as_the_picture_is() -> None:
    image, dehazer = torch.rand(1, 3, 64, 96), make("dehazer")
    torch.testing.assert_close(dehazer(image.flip(3)).flip(3), dehazer(image), atol=1e-4, rtol=0)
