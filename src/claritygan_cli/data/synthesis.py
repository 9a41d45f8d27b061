"""Haze made from clear photos and depth, at random, on whatever device the photos are on: ``I = J t + A (1 - t)``.

Ranges are :class:`HazeConfig`'s.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from claritygan_cli.data.black_point import without_veil
from claritygan_cli.data.haze_config import HazeConfig, Range
from claritygan_cli.data.jpeg import compressed
from claritygan_cli.engine.estimate import LEAST_TRANSMISSION
from claritygan_cli.engine.resampling import resize
from claritygan_cli.engine.scattering import add_haze, transmission

BOUNDED_DEPTH = 1.3
"""Depth beyond which land is no hazier in RESIDE's outdoor haze."""
LAND, FARTHEST_LAND = 0.85, 1.15
"""What a hazifier learns of relative depth: this times that of land, of which at most so much counts; 1 of the sky."""


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
class Scenes:
    """Clear pictures that haze can be put into, and pairs whose haze is real.

    Attributes:
        clear: (N, 3, H, W) in [0, 1]. hazy: the same scenes in real haze; the clear ones where there is none.
        depth: (N, 1, H, W) >= 0. If it was measured 1 is the farthest point; else 95 % of the land are nearer than 1.
        sky: (N, 1, H, W) in [0, 1], share of sky, where depth has no meaning.
        veil: (N, 1, 1, 1) in [0, 1], natural haze of the clear pictures, see :mod:`claritygan_cli.data.black_point`.
        measured: (N,) bool, whether the depth was measured. real: (N,) bool, whether the haze is real.
    """

    clear: Tensor
    hazy: Tensor
    depth: Tensor
    sky: Tensor
    veil: Tensor
    measured: Tensor
    real: Tensor


@dataclass
class HazyCrops:
    """A batch of hazy pictures with all that is true of them.

    Attributes:
        hazy, clear: (N, 3, H, W) in [0, 1].
        t: (N, 1, H, W). airlight: (N, 3, H, W).
        depth: (N, 1, H, W) in [0, 1], what a hazifier is to see.
        measured: (N,) bool, whether the depth was measured.
        known: (N,) bool, whether t, airlight and depth are known; they mean nothing where they are not.
    """

    hazy: Tensor
    clear: Tensor
    t: Tensor
    airlight: Tensor
    depth: Tensor
    measured: Tensor
    known: Tensor


Parts = TypeVar("Parts", Scenes, HazeParameters)


def concatenate(parts: Sequence[Parts]) -> Parts:
    """Several batches in one."""
    names = [field.name for field in fields(parts[0])]
    return type(parts[0])(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})


def real_pair(hazy: Tensor, clear: Tensor) -> Scenes:
    """Views (N, 3, H, W) whose haze nobody knows more of than it shows."""
    n, _, height, width = hazy.shape
    nothing, yes = torch.zeros(n, 1, height, width), torch.ones(n, dtype=torch.bool)
    return Scenes(clear, hazy, nothing, nothing, torch.zeros(n, 1, 1, 1), ~yes, yes)


class Dice:
    """Random numbers for ``count`` pictures, (N, 1, 1, 1) each, on a generator's device."""

    def __init__(self, count: int, random: torch.Generator) -> None:
        self.count, self.random = count, random

    def normal(self, *shape: int) -> Tensor:
        """Normal numbers, (N, \\*shape)."""
        return torch.randn((self.count, *shape), generator=self.random, device=self.random.device)

    def some(self, share: float) -> Tensor:
        """True for a share of the pictures."""
        return torch.rand((self.count, 1, 1, 1), generator=self.random, device=self.random.device) < share

    def between(self, low: float, high: float) -> Tensor:
        """Numbers evenly between two."""
        return low + (high - low) * torch.rand((self.count, 1, 1, 1), generator=self.random, device=self.random.device)

    def within(self, range: Range, otherwise: Tensor | float) -> Tensor:
        """Numbers of a range for the share of pictures that it is for, and ``otherwise`` for the others."""
        share, low, high = range
        return torch.where(self.some(share), self.between(low, high), otherwise)


def recoloured(image: Tensor, gamma: Tensor, gain: Tensor, saturation: Tensor) -> Tensor:
    """Exposure, gamma and saturation changed; (N, 3, H, W) in [0, 1], the others (N, 1, 1, 1)."""
    image = (image.clamp(0, 1) ** gamma * gain).clamp(0, 1)
    grey = image.mean(1, keepdim=True)
    return (grey + (image - grey) * saturation).clamp(0, 1)


def vary_colours(image: Tensor, ranges: HazeConfig, dice: Dice) -> Tensor:
    """Some pictures in other light; (N, 3, H, W) in [0, 1]."""
    some = dice.some(ranges.varied_colours).float()
    return recoloured(
        image,
        torch.exp(some * dice.between(*ranges.varied_gamma)),
        1 + some * dice.between(*ranges.varied_gain),
        1 + some * dice.between(*ranges.varied_saturation),
    )


def dulled(image: Tensor, ranges: HazeConfig, dice: Dice) -> Tensor:
    """Pictures (N, 3, H, W) as on an overcast day."""
    gamma = torch.exp(dice.between(*ranges.dull_gamma))
    return recoloured(image, gamma, dice.between(*ranges.dull_gain), dice.between(*ranges.dull_saturation))


def indoor_density(ranges: HazeConfig, dice: Dice) -> Tensor:
    """Density (N, 1, 1, 1) per unit of the farthest depth."""
    return dice.within(ranges.indoor_density_wide, dice.between(*ranges.indoor_density))


def indoor_airlight(ranges: HazeConfig, dice: Dice) -> Tensor:
    """Airlight (N, 3, 1, 1) of haze indoors."""
    grey = dice.within(ranges.indoor_white, dice.between(*ranges.indoor_airlight))
    return tinted(dice.within(ranges.indoor_dim, grey), dice.within(ranges.tint, 0.0))


def tinted(grey: Tensor, warmth: Tensor) -> Tensor:
    """A colour (N, 3, 1, 1): real haze is bluish or yellowish, red and blue move against each other."""
    return grey + torch.cat([warmth, 0.3 * warmth, -warmth], 1)


def outdoor_transmission(scenes: Scenes, ranges: HazeConfig, dice: Dice) -> Tensor:
    """RESIDE's haze outdoors, (N, 1, H, W)."""
    sky = dice.between(*ranges.outdoor_sky)
    depth = torch.lerp(scenes.depth.clamp_max(BOUNDED_DEPTH), sky.expand_as(scenes.sky), scenes.sky)
    nearest = dice.within(ranges.outdoor_nearest, dice.within(ranges.outdoor_nearest_wide, 0.0))
    density = dice.within(ranges.outdoor_density_wide, dice.between(*ranges.outdoor_density))
    return transmission(nearest + (1 - nearest) * depth, density)


def fog_transmission(scenes: Scenes, ranges: HazeConfig, dice: Dice) -> Tensor:
    """Fog, (N, 1, H, W): exponential in depth, and the sky farther away than any land."""
    least, most = ranges.fog_transmission
    density = -dice.between(math.log(least), math.log(most))
    land = transmission(scenes.depth + dice.within(ranges.fog_nearest, 0.0), density)
    return torch.lerp(land, transmission(dice.between(*ranges.fog_sky), density).expand_as(land), scenes.sky)


def veil_transmission(scenes: Scenes, ranges: HazeConfig, dice: Dice) -> Tensor:
    """Even haze, (N, 1, H, W), a little of which may come with depth."""
    return dice.between(*ranges.veil_transmission) * transmission(scenes.depth, dice.between(*ranges.veil_density))


def fog_light(size: tuple[int, int], ranges: HazeConfig, dice: Dice) -> Tensor:
    """What fog's airlight is multiplied by, (N, 1, H, W): less at the ground and in the corners, more round the sun."""
    device = dice.random.device
    y = torch.linspace(-1, 1, size[0], device=device).reshape(1, 1, -1, 1)
    x = torch.linspace(-1, 1, size[1], device=device).reshape(1, 1, 1, -1)
    light = 1 - dice.within(ranges.gradient, 0.0) * (y + 1) / 2 + dice.within(ranges.slant, 0.0) * x
    light = light * (1 - dice.within(ranges.vignette, 0.0) * (x**2 + y**2) / 2)
    distance = (x - dice.between(-1, 1)) ** 2 + (y - dice.between(-1.2, 0.2)) ** 2
    return light + dice.within(ranges.sun, 0.0) * torch.exp(-distance / (2 * ranges.sun_radius**2))


def as_photographed(image: Tensor, ranges: HazeConfig, dice: Dice) -> Tensor:
    """What cameras and phones do to a picture (N, 3, H, W): sharpening, resampling, noise, JPEG, and 8 bits."""
    size = image.shape[2], image.shape[3]
    blurred = F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), 3, 1)
    image = image + dice.within(ranges.sharpening, 0.0) * (image - blurred)
    share, least, most = ranges.resampling
    scale = least + (most - least) * torch.rand((), generator=dice.random, device=dice.random.device).item()
    small = resize(image, (max(1, round(size[0] * scale)), max(1, round(size[1] * scale))))
    image = torch.where(dice.some(share), resize(small, size), image)
    image = (image + dice.within(ranges.noise, 0.0) * dice.normal(*image.shape[1:])).clamp(0, 1)
    share, least, most = ranges.jpeg
    if size[0] % 8 == size[1] % 8 == 0:
        image = torch.where(dice.some(share), compressed(image, dice.between(least, most)), image)
    return (image.clamp(0, 1) * 255).round() / 255


def draw_any_haze(relief: Tensor, ranges: HazeConfig, random: torch.Generator) -> HazeParameters:
    """Haze for clear pictures whose depth a hazifier guesses; a random part of it follows ``relief`` instead.

    Args:
        relief: (N, 1, H, W) in [0, 1], a depth that they could have.
    """
    dice = Dice(len(relief), random)
    density = indoor_density(ranges, dice) * ~dice.some(ranges.no_haze)
    share = dice.between(0, 1)
    return HazeParameters((1 - share) * density, share * density * relief, indoor_airlight(ranges, dice).clamp(0, 1))


def add_random_haze(scenes: Scenes, ranges: HazeConfig, random: torch.Generator) -> HazyCrops:
    """Hazy pictures, of real pairs as they are and of clear pictures by random haze.

    Args:
        random: of the scenes' device.
    """
    count, _, height, width = scenes.clear.shape
    dice = Dice(count, random)
    indoors = scenes.measured.reshape(-1, 1, 1, 1)
    weather = dice.between(0, 1)
    fog = ~indoors & (weather < ranges.fog)
    veil = ~indoors & ~fog & (weather < ranges.fog + ranges.veil)
    natural = ~(fog | veil) & dice.some(ranges.natural_haze)
    clear = vary_colours(without_veil(scenes.clear, torch.where(natural, 0.0, scenes.veil)), ranges, dice)
    clear = torch.where(fog | (veil & dice.some(0.5)), dulled(clear, ranges, dice), clear)

    t = torch.where(
        indoors,
        transmission(scenes.depth, indoor_density(ranges, dice)),
        outdoor_transmission(scenes, ranges, dice),
    )
    t = torch.where(fog, fog_transmission(scenes, ranges, dice), t)
    t = torch.where(veil, veil_transmission(scenes, ranges, dice), t).clamp(LEAST_TRANSMISSION, 1)
    patches = F.interpolate(dice.normal(1, 4, 5), (height, width), mode="bicubic", align_corners=False)
    t = t ** torch.exp(dice.within(ranges.patches, 0.0) * patches)
    t = torch.where(dice.some(ranges.no_haze), 1.0, t).clamp(LEAST_TRANSMISSION, 1)

    outdoors = dice.within(ranges.outdoor_white, dice.between(*ranges.outdoor_airlight))
    airlight = torch.where(indoors, indoor_airlight(ranges, dice), tinted(outdoors, dice.within(ranges.tint, 0.0)))
    foggy = dice.within(ranges.fog_white, dice.between(*ranges.fog_airlight))
    airlight = torch.where(fog | veil, tinted(foggy, dice.within(ranges.fog_tint, 0.0)), airlight)
    light = torch.where(fog, fog_light((height, width), ranges, dice), 1.0)
    airlight = (airlight * light).clamp(0.05, 1).expand_as(clear)

    hazy = as_photographed(add_haze(clear, t, airlight), ranges, dice)
    real = scenes.real.reshape(-1, 1, 1, 1)
    land = (LAND * scenes.depth.clamp_max(FARTHEST_LAND)).clamp_max(1)
    return HazyCrops(
        torch.where(real, scenes.hazy, hazy),
        torch.where(real, scenes.clear, clear),
        t,
        airlight,
        torch.where(indoors, scenes.depth, torch.lerp(land, torch.ones_like(land), scenes.sky)),
        scenes.measured,
        ~scenes.real,
    )
