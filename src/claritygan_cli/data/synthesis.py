"""Haze made from clear photos and depth, at random, for training.

RESIDE (Li et al., "Benchmarking Single-Image Dehazing and Beyond", TIP 2019) renders ``I = J t + A (1 - t)`` with
``t = exp(-beta d / max d)``; indoors beta is in [0.6, 1.8] and A a grey in [0.7, 1.0].
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from claritygan_cli.engine.scattering import add_haze, transmission


@dataclass(frozen=True)
class HazeRange:
    """What haze is drawn from.

    Attributes:
        density: lowest and highest density per unit of relative depth.
        airlight: darkest and brightest grey of the airlight.
        white: share of pictures whose airlight is nearly white; so it is throughout SOTS-indoor, and often in RESIDE's
            outdoor sets.
        distant: share of pictures with nothing near the camera, as in landscapes and aerial views, so that haze lies on
            everything.
        odd: share of pictures whose haze lies outside those ranges, is coloured, or patchy.
        hidden: whether the odd ones hide what is farthest, as haze does in the sky of real photos, not of RESIDE's.
        none: share of pictures with no haze at all.
    """

    density: tuple[float, float]
    airlight: tuple[float, float]
    white: float = 0.0
    distant: float = 0.0
    odd: float = 0.3
    hidden: bool = False
    none: float = 0.05


WHITE = (0.96, 1.0)
FARTHEST = 1.4
"""Relative depth at which there would be no end of haze, where it hides what is farthest."""
INDOOR = HazeRange(density=(0.6, 1.8), airlight=(0.7, 1.0), white=0.5)
OUTDOOR = HazeRange(density=(0.2, 2.2), airlight=(0.78, 1.0), white=0.35, distant=0.75, odd=0.4, hidden=True, none=0.07)
ANY = HazeRange(density=(0.3, 2.0), airlight=(0.7, 1.0), white=0.5)
"""For pictures of which nothing is known."""


@dataclass
class HazeParameters:
    """Haze to put in front of clear pictures, whose depth a hazifier guesses.

    Attributes:
        density: (N, 1, 1, 1), per unit of that depth.
        mist: (N, 1, H, W), optical thickness on top of that, wherever it comes from.
        airlight: (N, 3, 1, 1) in [0, 1].
    """

    density: Tensor
    mist: Tensor
    airlight: Tensor


@dataclass
class HazyCrops:
    """A batch of hazy pictures with all that is true of them.

    Attributes:
        hazy, clear: (N, 3, H, W) in [0, 1].
        t: (N, 1, H, W). airlight: (N, 3, 1, 1). depth: (N, 1, H, W), as given. density: (N, 1, 1, 1).
        measured: (N,) bool, whether the depth was measured and not invented.
        known: (N,) bool, whether t, airlight, depth and density are known; zero where they are not.
    """

    hazy: Tensor
    clear: Tensor
    t: Tensor
    airlight: Tensor
    depth: Tensor
    density: Tensor
    measured: Tensor
    known: Tensor


Parts = TypeVar("Parts", HazyCrops, HazeParameters)


def concatenate(parts: Sequence[Parts]) -> Parts:
    """Several batches in one."""
    names = [field.name for field in fields(parts[0])]
    return type(parts[0])(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})


def real_crops(hazy: Tensor, clear: Tensor) -> HazyCrops:
    """Views (N, 3, H, W) whose haze nobody knows more of than it shows."""
    n, _, height, width = hazy.shape
    nothing, no = torch.zeros(n, 1, height, width), torch.zeros(n, dtype=torch.bool)
    return HazyCrops(hazy, clear, nothing, torch.zeros(n, 3, 1, 1), nothing, torch.zeros(n, 1, 1, 1), no, no)


def uniform(low: float, high: float, shape: tuple[int, ...], random: torch.Generator) -> Tensor:
    """Uniform random numbers in [low, high)."""
    return low + (high - low) * torch.rand(shape, generator=random)


def vary_colours(image: Tensor, random: torch.Generator) -> Tensor:
    """Random exposure, gamma and saturation, half of the time; (N, 3, H, W) in [0, 1]."""
    n = (image.shape[0], 1, 1, 1)
    some = (torch.rand(n, generator=random) < 0.5).float()
    gamma = torch.exp(some * uniform(-0.35, 0.35, n, random))
    gain = 1 + some * uniform(-0.15, 0.1, n, random)
    saturation = 1 + some * uniform(-0.3, 0.3, n, random)
    image = (image.clamp(0, 1) ** gamma * gain).clamp(0, 1)
    luma = image.mean(1, keepdim=True)
    return (luma + (image - luma) * saturation).clamp(0, 1)


def compressed(image: Tensor, quality: int) -> Tensor:
    """What JPEG leaves of (3, H, W) in [0, 1]."""
    file = io.BytesIO()
    Image.fromarray((image.permute(1, 2, 0) * 255).round().byte().numpy()).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).float() / 255


def draw_haze(odd: Tensor, ranges: HazeRange, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random density (N, 1, 1, 1) and airlight (N, 3, 1, 1); ``odd``: (N, 1, 1, 1) of bool."""
    one = tuple(odd.shape)
    density = torch.where(
        odd,
        uniform(ranges.density[0] / 2, ranges.density[1] * 1.5, one, random),
        uniform(*ranges.density, one, random),
    )
    density = density * (torch.rand(one, generator=random) >= ranges.none)
    grey = uniform(*ranges.airlight, one, random)
    low, high = ranges.airlight
    grey = torch.where(odd, uniform(max(low - 0.25, 0.3), high, one, random), grey)
    white = torch.rand(one, generator=random) < ranges.white
    grey = torch.where(white & ~odd, uniform(*WHITE, one, random), grey)
    # real haze is bluish or yellowish: red and blue move against each other
    warm = odd * uniform(-0.08, 0.08, one, random)
    tint = torch.cat([warm, warm * 0.2 + odd * uniform(-0.02, 0.02, one, random), -warm], 1)
    return density, (grey + tint).clamp(0, 1)


def draw_any_haze(relief: Tensor, random: torch.Generator) -> HazeParameters:
    """Haze for clear pictures whose depth a hazifier guesses; a random part of it follows ``relief`` instead.

    Args:
        relief: (N, 1, H, W) in [0, 1], a depth that they could have.
    """
    one = (len(relief), 1, 1, 1)
    density, airlight = draw_haze(torch.rand(one, generator=random) < ANY.odd, ANY, random)
    share = uniform(0, 1, one, random)
    return HazeParameters((1 - share) * density, share * density * relief, airlight)


def add_random_haze(
    clear: Tensor, depth: Tensor, measured: Tensor, ranges: HazeRange, random: torch.Generator
) -> HazyCrops:
    """Hazy pictures from clear ones.

    A few are made patchy (density varies smoothly over the picture), noisy (sensor noise after the haze), or compressed
    (JPEG after all that).

    Args:
        clear: (N, 3, H, W) in [0, 1].
        depth: (N, 1, H, W) in [0, 1], 1 the farthest point of the whole photo.
        measured: (N,) bool.
    """
    n, _, height, width = clear.shape
    odd = torch.rand((n, 1, 1, 1), generator=random) < ranges.odd
    distant = (torch.rand((n, 1, 1, 1), generator=random) < ranges.distant).float()
    nearest = distant * uniform(0.1, 0.9, (n, 1, 1, 1), random)
    thickness = nearest + (1 - nearest) * torch.where(odd & ranges.hidden, depth / (FARTHEST - depth), depth)
    density, airlight = draw_haze(odd, ranges, random)
    patchy = torch.rand((n, 1, 1, 1), generator=random) < ranges.odd / 3
    if patchy.any():
        patches = F.interpolate(torch.randn((n, 1, 4, 4), generator=random), (height, width), mode="bicubic")
        thickness = thickness * torch.exp(0.35 * patchy * patches)
    t = transmission(thickness, density)
    hazy = add_haze(clear, t, airlight)
    noisy = torch.rand((n, 1, 1, 1), generator=random) < ranges.odd / 2
    if noisy.any():
        sigma = noisy * uniform(0, 0.02, (n, 1, 1, 1), random)
        hazy = hazy + sigma * torch.randn(hazy.shape, generator=random)
    hazy = (hazy.clamp(0, 1) * 255).round() / 255
    for i in torch.nonzero(torch.rand(n, generator=random) < ranges.odd / 3).flatten().tolist():
        hazy[i] = compressed(hazy[i], int(torch.randint(60, 96, (1,), generator=random)))
    return HazyCrops(hazy, clear, t, airlight, depth, density, measured, torch.ones(n, dtype=torch.bool))
