"""The atmospheric scattering model, ``I = J * t + A * (1 - t)``.

Koschmieder 1924; Narasimhan, Nayar, "Vision and the Atmosphere", IJCV 2002; He, Sun, Tang, "Single Image Haze Removal
Using Dark Channel Prior", CVPR 2009. I: hazy, J: clear, t: transmission in (0, 1], A: airlight, all in [0, 1].
"""

import torch
from torch import Tensor


def transmission(depth: Tensor, density: Tensor | float) -> Tensor:
    """``t = exp(-density * depth)`` (Beer-Lambert).

    Args:
        depth: (N, 1, H, W), >= 0. Here depth is relative: 1 is the farthest point, as in RESIDE.
        density: scattering per unit of depth, >= 0; a number or something that broadcasts.
    """
    return torch.exp(-density * depth)


def add_haze(clear: Tensor, t: Tensor, airlight: Tensor) -> Tensor:
    """``I = J * t + A * (1 - t)``; all arguments broadcast to (N, 3, H, W)."""
    return airlight + (clear - airlight) * t


def remove_haze(hazy: Tensor, t: Tensor, airlight: Tensor, strength: Tensor | float = 1.0) -> Tensor:
    """``J = (I - A) / t**strength + A``: the inverse of :func:`add_haze`.

    Args:
        hazy: (N, 3, H, W).
        t: transmission, > 0.
        airlight: broadcasts to (N, 3, H, W).
        strength: scales the optical depth that is removed; 0 leaves the picture as it is, 1 removes all.

    Returns:
        (N, 3, H, W), not clamped: noise and dense haze may lead out of [0, 1].
    """
    return airlight + (hazy - airlight) * t.pow(-strength)


def haze_density(t: Tensor, quantile: float = 0.02) -> Tensor:
    """Density of a picture's haze when its farthest point has depth 1: ``-ln t`` there.

    The farthest point is taken as the ``quantile`` of t, so that single pixels do not decide.

    Args:
        t: (N, 1, H, W), > 0.

    Returns:
        (N, 1, 1, 1).
    """
    return -torch.quantile(t.flatten(1).float(), quantile, dim=1).log().reshape(-1, 1, 1, 1)
