"""Estimates made better before they meet the full-size picture: averaged, kept within bounds, smoothed."""

from collections.abc import Callable

import torch
from torch import Tensor

from claritygan_cli.engine.estimate import (
    DepthEstimate,
    Estimate,
    HazeEstimate,
    TranslationEstimate,
    mean_estimate,
    split,
    with_maps,
)
from claritygan_cli.engine.guided_filter import box_rows, guided_coefficients
from claritygan_cli.engine.resampling import in_float32, luma, resize, upsample_rows
from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.engine.working_size import larger

NEIGHBOURHOODS = 16
"""Of them, twice smoothed, as many lie side by side along the picture's longest side."""
DIM_AIRLIGHT = (0.86, 0.98)
"""Luma of the airlight up to which haze is fog, and from which on it is not."""


def predict(network: Callable[[Tensor], Estimate], small: Tensor, config: RestorationConfig) -> Estimate:
    """A network's estimate of a small picture, averaged with that of the mirror image if the config says so.

    Args:
        network: ``predict`` of a generator.
        small: (N, 3, h, w) in [0, 1], h and w such that the network can take them.
    """
    if not config.mirrored:
        return network(small)
    both = network(torch.cat([small, small.flip(3)]))  # at once, which takes three quarters of the time
    seen, mirrored = split(both, len(small))
    return mean_estimate([seen, with_maps(mirrored, lambda values: values.flip(3))])


def dimness(airlight: Tensor) -> Tensor:
    """How much an airlight (N, 3, h, w) is that of fog, and not of RESIDE's white haze: (N, 1, h, w) in [0, 1]."""
    dim, bright = DIM_AIRLIGHT
    return ((bright - luma(airlight)) / (bright - dim)).clamp(0, 1)


def shadow_bound(
    small: Tensor, airlight: Tensor, size: tuple[int, int], floor: float, fog_floor: float = -1.0
) -> Tensor:
    """Transmission below which the result would be darker than ``floor`` in some channel.

    Where a network sees more haze than there can be, this keeps shadows from being crushed (boundary constraint of Meng
    et al., "Efficient Image Dehazing with Boundary Constraint and Contextual Regularization", ICCV 2013).

    Args:
        small: (N, 3, h, w) in [0, 1].
        airlight: (N, 3, 1, 1) or (N, 3, h'', w''), in [0, 1].
        size: (h', w') of the result.
        fog_floor: what ``floor`` becomes where the airlight is dim; negative: it stays.

    Returns:
        (N, 1, h', w') in [0, 1].
    """
    seen = resize(small.float(), size)
    if airlight.shape[2:] != (1, 1):
        airlight = upsample_rows(airlight, size, 0, size[0])
    least = floor if fog_floor < 0 else floor + (fog_floor - floor) * dimness(airlight)
    return ((airlight - seen) / (airlight - least).clamp_min(0.01)).amax(1, keepdim=True).clamp(0, 1)


@in_float32
def brightness_bound(small: Tensor, airlight: Tensor, size: tuple[int, int], floor: float) -> Tensor:
    """Transmission below which a neighbourhood of the result would be darker than ``floor`` on average.

    Outdoors by day no large part of a scene is nearly black, and where a network sees too bright an airlight in front
    of it, dense fog would come out so. A room in white haze may have such parts: the bound fades out as airlight gets
    bright.

    Args: as of :func:`shadow_bound`.

    Returns:
        (N, 1, h', w') in [0, 1].
    """
    if airlight.shape[2:] != (1, 1):
        airlight = upsample_rows(airlight, size, 0, size[0])
    light, mean = luma(airlight).float(), luma(resize(small.float(), size))
    radius = larger(1, (larger(*size) + NEIGHBOURHOODS) // (2 * NEIGHBOURHOODS))
    down, across = (box_rows(side, radius, mean) for side in size)
    mean = down @ (down @ mean @ across.mT) @ across.mT
    wanted = floor * dimness(airlight)
    bound = ((light - mean) / (light - wanted).clamp_min(0.05)).clamp(0, 1)
    return torch.where(wanted > 0, bound, 0.0)


def smooth(guide: Tensor, values: Tensor, config: RestorationConfig) -> Tensor:
    """A map (N, 1, h, w) without noise, but with the edges of ``guide``, a luma of its size (guided filter)."""
    if not config.smoothing_radius:
        return values
    a, b = guided_coefficients(guide, values, config.smoothing_radius, config.smoothing_eps)
    return a * guide + b


def refine(small: Tensor, estimate: Estimate, config: RestorationConfig) -> Estimate:
    """An estimate within its bounds and smoothed, at its own size.

    Args:
        small: (N, 3, h, w) in [0, 1], the picture that the estimate is of.
    """
    if isinstance(estimate, TranslationEstimate):
        return estimate
    values = estimate.transmission if isinstance(estimate, HazeEstimate) else estimate.depth
    size = values.shape[2], values.shape[3]
    if isinstance(estimate, HazeEstimate) and config.shadow_floor >= 0:
        bound = shadow_bound(small, estimate.airlight, size, config.shadow_floor, config.fog_shadow_floor)
        values = torch.maximum(values, bound)
    if isinstance(estimate, HazeEstimate) and config.brightness_floor:
        values = torch.maximum(values, brightness_bound(small, estimate.airlight, size, config.brightness_floor))
    values = smooth(resize(luma(small).float(), size), values, config)
    return HazeEstimate(values, estimate.airlight) if isinstance(estimate, HazeEstimate) else DepthEstimate(values)
