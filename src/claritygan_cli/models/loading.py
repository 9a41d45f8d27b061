"""Opens a model by name, on a device: what commands and the Python API begin with."""

import torch

from claritygan_cli.engine.generators import Generator, ResnetGenerator
from claritygan_cli.errors import SettingError
from claritygan_cli.models.card import ModelCard, check_direction, read_card
from claritygan_cli.models.finding import find_model
from claritygan_cli.models.image_translator import ImageTranslator
from claritygan_cli.models.kinds import TILE, Direction
from claritygan_cli.models.onnx_generator import OnnxGenerator
from claritygan_cli.models.onnx_network import load_network
from claritygan_cli.models.weights import load_model


def open_model(wanted: str | None, direction: Direction) -> tuple[Generator, ModelCard]:
    """Load a model for a direction.

    Raises:
        ModelError: as :func:`find_model` and :func:`claritygan_cli.models.weights.load_model`.
        UsageError: the model translates in the other direction.
    """
    path, sha256 = find_model(wanted, direction)
    if path.suffix == ".onnx":
        generator = OnnxGenerator(load_network(path, direction, sha256))
        return generator, generator.card
    check_direction(read_card(path), direction, path)
    return load_model(path, sha256)


def choose_device(name: str) -> torch.device:
    """``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        SettingError: the device asked for is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
    if name not in there:
        raise SettingError("device", name, "choose auto, cpu, cuda or mps")
    if not there[name]:
        raise SettingError("device", name, "no such device here; choose cpu or auto")
    return torch.device(name)


def load_translator(
    direction: Direction,
    model: str | None = None,
    device: str = "auto",
    threads: int = 0,
    working_size: int | None = None,
    tile: int = TILE,
) -> ImageTranslator:
    """A model on a device, ready for photos.

    Args:
        model: a bundled model's name, a file, a run folder, or None for the direction's default.
        device: see :func:`choose_device`.
        threads: CPU threads; 0 leaves torch's choice.
        working_size: longest side at which the network sees photos; None for the model's own.
        tile: side of the tiles that a resnet takes larger copies in; the result is the same.

    Raises:
        ModelError, UsageError: see :func:`open_model` and :func:`choose_device`.
    """
    if threads:
        torch.set_num_threads(threads)
    generator, _ = open_model(model, direction)
    if isinstance(generator, ResnetGenerator):
        generator.tile = tile
    where = torch.device("cpu") if isinstance(generator, OnnxGenerator) else choose_device(device)
    if where.type == "cpu":
        quicken(generator)
    return ImageTranslator(generator, where, working_size=working_size)


def quicken(generator: Generator) -> None:
    """Have oneDNN run all convolutions as it likes best, on a CPU: twice as fast with a single thread.

    Channels come last in memory. torch gives 1x1 convolutions to a slower routine where it has a single thread, unless
    they are dilated, which changes nothing in such a kernel.
    """
    generator.to(memory_format=torch.channels_last)
    for module in generator.modules():
        if isinstance(module, torch.nn.Conv2d) and module.kernel_size == (1, 1):
            module.dilation = (2, 2)
