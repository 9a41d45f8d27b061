"""The raised black point of clear photos that have no black: flare, scanned slides with grey shadows, a little real
haze."""

import torch
import torch.nn.functional as F
from torch import Tensor

from claritygan_cli.engine.resampling import resize

SHORT_SIDE = 96
WINDOW = 7
SHADOW_SHARE = 0.02
"""Share of a photo that is taken to be in its deepest shadow."""
BLACK_POINT = 0.02
"""How bright that may be."""
HIGHEST_BLACK_POINT = 0.2
"""A photo without anything darker is not veiled, but of bright things: snow, clouds, a product on white."""


def black_point(picture: Tensor) -> float:
    """How bright the deepest shadows of a picture (3, H, W) of uint8 are, in [0, 1].

    The dark channel (He et al., "Single Image Haze Removal Using Dark Channel Prior", CVPR 2009) where it is darkest.
    """
    scale = min(1.0, SHORT_SIDE / min(picture.shape[1:]))
    small = resize(picture[None].float() / 255, (round(picture.shape[1] * scale), round(picture.shape[2] * scale)))
    dark = -F.max_pool2d(-small.amin(1, keepdim=True), WINDOW, 1, WINDOW // 2)
    return torch.quantile(dark, SHADOW_SHARE).item()


def natural_veil(picture: Tensor) -> float:
    """How much white lies over all of a clear picture (3, H, W) of uint8 and makes its shadows grey, in [0, 1].

    To a dehazer that learns from it, such a photo says that thin even haze is not to be taken out.
    """
    thickness = black_point(picture)
    if not BLACK_POINT < thickness <= HIGHEST_BLACK_POINT:
        return 0.0
    return (thickness - BLACK_POINT) / (1 - BLACK_POINT)


def without_veil(picture: Tensor, veil: Tensor | float) -> Tensor:
    """Pictures (N, 3, H, W) in [0, 1] without that white, which :func:`natural_veil` tells."""
    return ((picture - veil) / (1 - veil)).clamp_min(0)
