"""Training speed and memory of the resnet CycleGAN beside a textbook step: ``python tests/benchmarks/bench_train.py``.

The textbook step is written below from the paper (Zhu et al., ICCV 2017) in the order in which it explains things: six
passes through the generators, one at a time, a history of 50 pictures, PyTorch's own layers and optimisers, float32.
Its discriminators are frozen while the generators learn, as in the authors' own code. Both take the same pictures, from
memory, so that only steps are compared. Each variant runs in a process of its own, in turns; the figures are the median
of all steps.
"""

import argparse
import itertools
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from claritygan_cli.data.batches import Batch
from claritygan_cli.data.synthesis import HazeParameters
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.cyclegan import CycleGAN
from claritygan_cli.training.distributed import World
from claritygan_cli.training.generator_pair import make_generator_pair
from claritygan_cli.training.hardware import peak_memory

VARIANTS = {
    "textbook fp32": None,
    "claritygan fp32": {"precision": "fp32"},
    "claritygan bf16": {"precision": "bf16"},
    "claritygan bf16, checkpointing": {"precision": "bf16", "gradient_checkpointing": True},
}
CPU = torch.device("cpu")


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        half = [nn.ReflectionPad2d(1), nn.Conv2d(256, 256, 3), nn.InstanceNorm2d(256)]
        again = [nn.ReflectionPad2d(1), nn.Conv2d(256, 256, 3), nn.InstanceNorm2d(256)]
        self.body = nn.Sequential(*half, nn.ReLU(), *again)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def textbook_generator() -> nn.Module:
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, 64, 7), nn.InstanceNorm2d(64), nn.ReLU()]
    for width in (64, 128):
        layers += [nn.Conv2d(width, 2 * width, 3, 2, 1), nn.InstanceNorm2d(2 * width), nn.ReLU()]
    layers += [Residual() for _ in range(9)]
    for width in (128, 64):
        layers += [nn.ConvTranspose2d(2 * width, width, 3, 2, 1, 1), nn.InstanceNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(64, 3, 7), nn.Tanh())


def textbook_critic() -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 4, 2, 1), nn.LeakyReLU(0.2)]
    for width, stride in ((64, 2), (128, 2), (256, 1)):
        layers += [nn.Conv2d(width, 2 * width, 4, stride, 1), nn.InstanceNorm2d(2 * width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(512, 1, 4, 1, 1))


def history(size: int = 50) -> Callable[[Tensor], Tensor]:
    kept: list[Tensor] = []

    def query(images: Tensor) -> Tensor:
        shown = []
        for image in images.detach():
            if len(kept) < size:
                kept.append(image)
            elif random.random() < 0.5:
                place = random.randrange(size)
                image, kept[place] = kept[place], image
            shown.append(image)
        return torch.stack(shown)

    return query


def textbook_step() -> Callable[[Tensor, Tensor], None]:
    g, f, d_clear, d_hazy = textbook_generator(), textbook_generator(), textbook_critic(), textbook_critic()
    adam_g = torch.optim.Adam(itertools.chain(g.parameters(), f.parameters()), 2e-4, (0.5, 0.999))
    adam_d = torch.optim.Adam(itertools.chain(d_clear.parameters(), d_hazy.parameters()), 2e-4, (0.5, 0.999))
    l1, mse, old_clear, old_hazy = nn.L1Loss(), nn.MSELoss(), history(), history()

    def verdict(scores: Tensor, real: bool) -> Tensor:
        return mse(scores, torch.ones_like(scores) if real else torch.zeros_like(scores))

    def step(hazy: Tensor, clear: Tensor) -> None:
        hazy, clear = 2 * hazy - 1, 2 * clear - 1
        for discriminator in (d_clear, d_hazy):
            discriminator.requires_grad_(False)
        fake_clear, fake_hazy = g(hazy), f(clear)
        loss = verdict(d_clear(fake_clear), True) + verdict(d_hazy(fake_hazy), True)
        loss = loss + 10 * l1(f(fake_clear), hazy) + 10 * l1(g(fake_hazy), clear)
        loss = loss + 5 * l1(g(clear), clear) + 5 * l1(f(hazy), hazy)
        adam_g.zero_grad()
        loss.backward()
        adam_g.step()
        adam_d.zero_grad()
        for discriminator, real, fake in ((d_clear, clear, old_clear(fake_clear)), (d_hazy, hazy, old_hazy(fake_hazy))):
            discriminator.requires_grad_(True)
            (0.5 * (verdict(discriminator(real), True) + verdict(discriminator(fake), False))).backward()
        adam_d.step()
        loss.item()

    return step


def our_step(settings: dict[str, object]) -> Callable[[Tensor, Tensor], None]:
    config = TrainConfig().changed(out=Path("unused"), generator="resnet", **settings)  # type: ignore[arg-type]
    system = CycleGAN(config, make_generator_pair(config), CPU, World())

    def step(hazy: Tensor, clear: Tensor) -> None:
        haze = HazeParameters(*torch.ones(3, len(hazy), 1, 1, 1))  # which this kind has no use for
        system.step(Batch(hazy, clear, haze, None, len(hazy)), 2e-4)

    return step


def measure(variant: str, batch: int, size: int, steps: int) -> dict[str, object]:
    """Seconds of each step but the first two, and the process' peak memory in MiB."""
    torch.manual_seed(0)
    pictures = torch.rand(2, batch, 3, size, size)
    settings = VARIANTS[variant]
    step = textbook_step() if settings is None else our_step(settings)
    seconds = []
    for _ in range(steps + 2):
        started = time.perf_counter()
        step(*pictures)
        seconds.append(time.perf_counter() - started)
    return {"seconds": seconds[2:], "memory": peak_memory(CPU)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    numbers = (options.batch, options.size, options.steps)
    if options.variant:
        print(json.dumps(measure(options.variant, *numbers)))
        return
    seconds: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    memory: dict[str, float] = {}
    shape = [f"--{name}={getattr(options, name)}" for name in ("batch", "size", "steps")]
    for variant in list(VARIANTS) * options.rounds:
        command = [sys.executable, __file__, *shape, "--variant", variant]
        result = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
        seconds[variant] += result["seconds"]
        memory[variant] = max(memory.get(variant, 0.0), result["memory"])
    reference = statistics.median(seconds["textbook fp32"])
    print(f"resnet, batch {options.batch} of {options.size} px, {torch.get_num_threads()} threads")
    for variant in VARIANTS:
        median = statistics.median(seconds[variant])
        rate = f"{options.batch / median:6.3f} images/s"
        print(f"{variant:<31} {rate}  {reference / median:5.2f} x textbook  {memory[variant]:6.0f} MiB at most")


if __name__ == "__main__":
    main()
