"""What generators predict of a picture: its haze, its depth, or its translation. The pixels come later, in
restoration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from claritygan_cli.engine.haze_summary import HazeSummary
from claritygan_cli.engine.scattering import haze_density

LEAST_TRANSMISSION = 0.05
"""Transmission of the densest haze that a dehazer may predict; denser haze cannot be told from it."""


@dataclass(frozen=True)
class HazeEstimate:
    """The haze of a picture, by a dehazer.

    Attributes:
        transmission: (N, 1, h, w) in (0, 1], at the network's resolution.
        airlight: in [0, 1]: one colour for a picture, (N, 3, 1, 1), or a smooth field of colours, (N, 3, h', w').
    """

    transmission: Tensor
    airlight: Tensor

    @property
    def density(self) -> Tensor:
        """(N, 1, 1, 1), see :func:`haze_density`."""
        return haze_density(self.transmission)


def summary_of(estimate: HazeEstimate) -> HazeSummary:
    """The haze of the only picture of an estimate."""
    transmission, red, green, blue = mean_haze(estimate).tolist()
    return HazeSummary(transmission, (red, green, blue))


def mean_haze(estimate: HazeEstimate) -> Tensor:
    """The numbers of :class:`HazeSummary`, (4,): the mean transmission and the mean airlight."""
    return torch.cat([estimate.transmission.mean()[None], estimate.airlight.mean((0, 2, 3))])


@dataclass(frozen=True)
class DepthEstimate:
    """The relative depth of a picture, by a hazifier: (N, 1, h, w) in [0, 1], 1 the farthest."""

    depth: Tensor


@dataclass(frozen=True)
class TranslationEstimate:
    """A finished translation of the small picture, by a network that translates pixels: (N, 3, h, w) in [0, 1]."""

    image: Tensor


Estimate = HazeEstimate | DepthEstimate | TranslationEstimate


def with_maps(estimate: Estimate, change: Callable[[Tensor], Tensor]) -> Estimate:
    """The estimate with ``change`` made to each of its maps: a flip, say. One airlight for a whole picture is no
    map."""
    if isinstance(estimate, HazeEstimate):
        airlight = estimate.airlight if estimate.airlight.shape[2:] == (1, 1) else change(estimate.airlight)
        return HazeEstimate(change(estimate.transmission), airlight)
    if isinstance(estimate, DepthEstimate):
        return DepthEstimate(change(estimate.depth))
    return TranslationEstimate(change(estimate.image))


def split(estimate: Estimate, count: int) -> list[Estimate]:
    """The estimates of ``count`` pictures each that an estimate of more is made of."""
    parts = {field.name: getattr(estimate, field.name).split(count) for field in fields(estimate)}
    return [type(estimate)(*maps) for maps in zip(*parts.values(), strict=True)]


def mean_estimate(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of estimates of one kind, whose maps have one size."""
    first = estimates[0]
    names = [field.name for field in fields(first)]
    return type(first)(**{name: torch.stack([getattr(e, name) for e in estimates]).mean(0) for name in names})
