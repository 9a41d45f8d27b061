"""Guided filter: explains one picture as a locally affine function of another, and so keeps the edges of the latter.

He, Sun, Tang, "Guided Image Filtering", ECCV 2010; He, Sun, "Fast Guided Filter", arXiv:1505.00996 (2015).
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def box_mean(x: Tensor, radius: int) -> Tensor:
    """Mean over the (2*radius+1)^2 window round each pixel, cut off at the picture's borders.

    Args:
        x: (N, C, H, W), any H, W >= 1.
        radius: window radius in pixels, >= 0.

    Returns:
        (N, C, H, W).
    """
    for dim, kernel in ((2, (2 * radius + 1, 1)), (3, (1, 2 * radius + 1))):
        padding = (radius, 0) if dim == 2 else (0, radius)
        x = F.avg_pool2d(x, kernel, stride=1, padding=padding, count_include_pad=False)
    return x


def box_rows(size: int, radius: int, like: Tensor) -> Tensor:
    """(size, size): each row takes the mean over the 2*radius+1 places round its own, cut off at the borders.

    For wide windows whose radius follows the picture's size, which pooling cannot have in a graph for any size.
    """
    at = torch.arange(size, device=like.device)
    rows = ((at[:, None] - at[None]).abs() <= radius).to(like.dtype)
    return rows / rows.sum(1, keepdim=True)


def guided_coefficients(guide: Tensor, target: Tensor, radius: int, eps: Tensor | float) -> tuple[Tensor, Tensor]:
    """Per-pixel coefficients of the locally affine model ``target = a * guide + b`` (He et al., eq. 5, 6, 8).

    Args:
        guide: (N, 1 or C, H, W); one channel guides all, C channels guide one each.
        target: (N, C, H, W), to be explained by the guide.
        radius: window radius in pixels.
        eps: regularisation, in units of the guide's variance; larger means smoother.

    Returns:
        ``a`` and ``b``, each (N, C, H, W), already averaged over the windows that cover a pixel.
    """
    mean_guide, mean_target = box_mean(guide, radius), box_mean(target, radius)
    variance = box_mean(guide * guide, radius) - mean_guide * mean_guide
    covariance = box_mean(guide * target, radius) - mean_guide * mean_target
    a = covariance / (variance.clamp_min(0) + eps)
    b = mean_target - a * mean_guide
    return box_mean(a, radius), box_mean(b, radius)
