"""A picture without its faintest detail, most of which is noise, so that taking haze out does not amplify it."""

import torch
import torch.nn.functional as F
from torch import Tensor

from claritygan_cli.engine.resampling import luma

WINDOW_RADIUS = 1
"""Rows and columns round a pixel that decide about it."""


def window_mean(x: Tensor) -> Tensor:
    """Mean over the 3x3 window round each pixel of (N, C, H, W); beyond the borders the last pixels go on.

    A sum of shifted views, several times as fast on a CPU as average pooling.
    """
    x = F.pad(x, (WINDOW_RADIUS, WINDOW_RADIUS, WINDOW_RADIUS, WINDOW_RADIUS), mode="replicate")
    rows = (x[:, :, :-2] + x[:, :, 1:-1]).add_(x[:, :, 2:])
    return (rows[..., :-2] + rows[..., 1:-1]).add_(rows[..., 2:]).div_(9)


def denoise(image: Tensor, deviation: float) -> Tensor:
    """The picture with its faint detail smoothed away and its edges kept.

    Local Wiener filter (Lee, "Digital Image Enhancement and Noise Filtering by Use of Local Statistics", TPAMI 1980);
    luma decides for all channels.

    Args:
        image: (N, 3, H, W) in [0, 1]; not changed.
        deviation: standard deviation of luma, over a window, at which half of what differs from its mean is taken for
            noise; 0 gives the picture itself.

    Returns:
        (N, 3, H, W).
    """
    if not deviation:
        return image
    light, mean = luma(image), window_mean(image)
    variance = (window_mean(light * light) - window_mean(light).square()).clamp_min(0)
    return torch.lerp(mean, image, variance / (variance + deviation**2))
