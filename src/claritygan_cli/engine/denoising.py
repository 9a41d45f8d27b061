"""A photo without its faintest detail, most of which is noise, so that taking haze out does not amplify it."""

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW_RADIUS = 1
"""Rows and columns round a pixel that decide about it."""
NOISE_DEVIATION = 2 / 255
"""Standard deviation of luma, over such a window, at which half of what differs from its mean is taken for noise."""


def window_mean(x: Tensor) -> Tensor:
    """Mean over the 3x3 window round each pixel of (N, C, H, W); beyond the borders the last pixels go on.

    A sum of shifted views, several times as fast on a CPU as average pooling.
    """
    x = F.pad(x, (WINDOW_RADIUS, WINDOW_RADIUS, WINDOW_RADIUS, WINDOW_RADIUS), mode="replicate")
    rows = (x[:, :, :-2] + x[:, :, 1:-1]).add_(x[:, :, 2:])
    return (rows[..., :-2] + rows[..., 1:-1]).add_(rows[..., 2:]).div_(9)


def denoise(image: Tensor, luma: Tensor) -> Tensor:
    """The picture with its faint detail smoothed away and its edges kept.

    Local Wiener filter (Lee, "Digital Image Enhancement and Noise Filtering by Use of Local Statistics", TPAMI 1980),
    or a guided filter that takes one window only; luma decides for all channels.

    Args:
        image: (N, 3, H, W) in [0, 1]; not changed.
        luma: (N, 1, H, W), of the image.

    Returns:
        (N, 3, H, W).
    """
    mean = window_mean(image)
    variance = (window_mean(luma * luma) - window_mean(luma).square()).clamp_min(0)
    return torch.lerp(mean, image, variance / (variance + NOISE_DEVIATION**2))
