"""Guided filter: an edge-preserving, locally affine lift of one picture onto another.

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


def upsample_rows(x: Tensor, size: tuple[int, int], top: int, bottom: int) -> Tensor:
    """Rows ``top`` to ``bottom`` of ``x`` enlarged bilinearly to ``size``, without making the other rows.

    Equals ``F.interpolate(x, size, mode="bilinear", align_corners=False)[:, :, top:bottom]``.

    Args:
        x: (N, C, h, w).
        size: (H, W) of the whole enlarged picture.
        top: first row, 0 <= top < bottom.
        bottom: row after the last, bottom <= H.

    Returns:
        (N, C, bottom - top, W).
    """
    height, width = size
    source = (torch.arange(top, bottom, dtype=torch.float64) + 0.5) * (x.shape[2] / height) - 0.5  # MPS has no float64
    source = source.clamp(0, x.shape[2] - 1)
    above = source.floor().long()
    below = (above + 1).clamp_max(x.shape[2] - 1)
    weight = (source - above).to(x.device, x.dtype)[:, None]
    above, below = above.to(x.device), below.to(x.device)
    rows = torch.lerp(x[:, :, above], x[:, :, below], weight)
    return F.interpolate(rows, size=(bottom - top, width), mode="bilinear", align_corners=False)
