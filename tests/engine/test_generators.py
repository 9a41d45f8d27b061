import pytest
import torch

from claritygan_cli.engine.denoising import denoise
from claritygan_cli.engine.generators import (
    SHADOW_FLOOR,
    Generator,
    ResnetGenerator,
    ScatteringDehazer,
    ScatteringHazifier,
    least_transmission,
    working_shape,
)
from claritygan_cli.engine.restoration import FULL_GAIN_TRANSMISSION, MIN_TRANSMISSION, grey, resize
from claritygan_cli.engine.scattering import remove_haze

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
    return scramble(kind(widths=(4, 8, 8), blocks=(1, 1, 1), working_size=64))


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


@pytest.mark.parametrize("name", ["dehazer", "hazifier", "resnet"])
@torch.no_grad()
def test_rows_make_the_whole(name: str) -> None:
    generator, image = make(name), torch.rand(1, 3, 90, 130)
    lift = generator.look(generator.shrink(image))
    parts = []
    for top in range(0, 90, 17):
        first = max(0, top - lift.margin)
        part = lift.rows(image[:, :, first : top + 17 + lift.margin], 90, first)
        parts.append(part[:, :, top - first :][:, :, :17])
    torch.testing.assert_close(torch.cat(parts, 2), generator(image), atol=1e-5, rtol=0)


def test_parameter_counts() -> None:
    def count(network: torch.nn.Module) -> int:
        return sum(p.numel() for p in network.parameters())

    assert count(ResnetGenerator()) == 11_378_179  # pytorch-CycleGAN's resnet_9blocks: 11.378 M
    assert count(ResnetGenerator(blocks=6)) == 7_837_699  # resnet_6blocks: 7.84 M
    assert count(ScatteringDehazer()) * 2 <= 8 * 2**20  # float16 file of at most 8 MiB


@torch.no_grad()
def test_dehazer_inverts_the_scattering_model() -> None:
    generator = make("dehazer")
    image = torch.rand(1, 3, 64, 64)
    lift = generator.look(generator.shrink(image))
    t = lift.map(image, 64, 0)
    t = t.clamp_min(FULL_GAIN_TRANSMISSION)
    expected = (image - lift.airlight) / t + lift.airlight - (image - denoise(image, grey(image))) * (1 / t - 1)
    torch.testing.assert_close(lift.rows(image, 64, 0), expected.clamp(0, 1), atol=1e-5, rtol=0)
    plain = remove_haze(image, t, lift.airlight).clamp(0, 1)
    torch.testing.assert_close(lift.rows(image, 64, 0), plain, atol=0.02, rtol=0)  # strong detail is hardly noise
    assert t.min() >= MIN_TRANSMISSION
    torch.testing.assert_close(lift.rows(image, 64, 0, strength=0.0), image)


@torch.no_grad()
def test_hazifier_applies_the_scattering_model() -> None:
    generator = make("hazifier")
    image, light = torch.rand(1, 3, 64, 64), torch.tensor([0.7, 0.8, 0.9]).reshape(1, 3, 1, 1)
    lift = generator.look(generator.shrink(image))
    t = torch.exp(-2.0 * lift.map(image, 64, 0))
    torch.testing.assert_close(lift.rows(image, 64, 0, 2.0, light), image * t + light * (1 - t), atol=1e-6, rtol=0)
    torch.testing.assert_close(lift.rows(image, 64, 0, 0.0, light), image)


def test_fresh_dehazer_starts_from_the_mean_colour_and_little_haze() -> None:
    generator = ScatteringDehazer(widths=(4, 8), blocks=(1, 1), working_size=32)
    lift = generator.look(torch.full((1, 3, 32, 32), 0.6))
    torch.testing.assert_close(lift.airlight.flatten(), torch.full((3,), 0.6), atol=1e-3, rtol=0)
    assert lift.values.min() > 0.7


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
    generator = ScatteringDehazer(widths=(4, 8), blocks=(1, 1), working_size=32)
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    generator(torch.rand(2, 3, 32, 32)).square().mean().backward()
    without = [name for name, p in generator.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@torch.no_grad()
def test_shadows_are_not_crushed() -> None:
    torch.manual_seed(0)
    small, airlight = torch.rand(2, 3, 32, 48), torch.tensor([0.9, 0.8, 0.7]).reshape(1, 3, 1, 1).expand(2, 3, 1, 1)
    t = least_transmission(small, airlight, (32, 48))
    assert t.shape == (2, 1, 32, 48)
    assert (t.min() >= 0, t.max() <= 1) == (True, True)
    dehazed = remove_haze(small, t.clamp_min(1e-3), airlight)
    darker = small.amin(1, keepdim=True) < SHADOW_FLOOR
    assert dehazed.amin(1, keepdim=True)[~darker].min() > SHADOW_FLOOR - 1e-4  # one channel just touches it
    dark = (dehazed.amin(1, keepdim=True) - SHADOW_FLOOR).abs() < 1e-4
    bright = (small >= airlight).all(1, keepdim=True)
    assert (dark | bright | darker).all()
    generator = scramble(ScatteringDehazer(widths=(4, 8), blocks=(1, 1), working_size=32))
    assert isinstance(generator, ScatteringDehazer)
    generator.head.bias.fill_(-9.0)  # sees nothing but haze
    lift = generator.train().look(small)  # as long as the map is not smoothed
    assert (lift.values >= least_transmission(small, lift.airlight, (16, 24)) - 1e-6).all()
    generator.eval()
    even = resize(resize(small, (2, 3)), (32, 48))
    lift = generator.look(even)
    assert (lift.values >= least_transmission(even, lift.airlight, (16, 24)) - 0.02).all()
    assert generator(torch.ones(1, 3, 32, 48)).min() > 0.9


@pytest.mark.parametrize("name", ["dehazer", "hazifier"])
@torch.no_grad()
def test_maps_are_smoothed_but_not_in_training(name: str) -> None:
    generator = make(name)
    assert isinstance(generator, ScatteringDehazer | ScatteringHazifier)
    guide, noise = torch.full((1, 1, 32, 32), 0.5), torch.rand(1, 1, 32, 32)
    assert generator.smoothed(guide, noise).std() < 0.3 * noise.std()
    edge = (torch.arange(32) < 16).float().expand(1, 1, 32, 32)
    steps = 0.2 + 0.6 * edge
    torch.testing.assert_close(generator.smoothed(edge, steps), steps, atol=0.05, rtol=0)
    assert generator.train().smoothed(guide, noise) is noise


@torch.no_grad()
def test_looks_are_averaged_but_not_in_training() -> None:
    image = torch.rand(1, 3, 64, 96)
    dehazer = make("dehazer")
    assert isinstance(dehazer, ScatteringDehazer)
    t, airlight = dehazer.read(image)
    mirrored_t, mirrored_airlight = dehazer.read(image.flip(3))
    guide = resize(grey(image), (32, 48))
    lift = dehazer.look(image)
    mean, light = (t + mirrored_t.flip(3)) / 2, (airlight + mirrored_airlight) / 2
    torch.testing.assert_close(lift.values, dehazer.smoothed(guide, dehazer.possible(image, mean, light)))
    torch.testing.assert_close(lift.airlight, light)
    t = dehazer.possible(image, t, airlight)
    torch.testing.assert_close(dehazer.look(image, single_view=True).values, dehazer.smoothed(guide, t))
    torch.testing.assert_close(dehazer.train().look(image).values, t)
    hazifier = make("hazifier")
    assert isinstance(hazifier, ScatteringHazifier)
    depth, layout = hazifier.read(image)[0], hazifier.read(resize(image, (32, 48)))[0]
    expected = hazifier.smoothed(guide, (depth + resize(layout, (32, 48))) / 2)
    torch.testing.assert_close(hazifier.look(image).values, expected)
    torch.testing.assert_close(hazifier.train().look(image).values, depth)


@torch.no_grad()
def test_a_mirror_image_is_dehazed_as_the_picture_is() -> None:
    image, dehazer = torch.rand(1, 3, 64, 96), make("dehazer")
    torch.testing.assert_close(dehazer(image.flip(3)).flip(3), dehazer(image), atol=1e-4, rtol=0)
