"""The thin veil over clear photos that have no black: flare, scanned slides with grey shadows, a little real haze."""

import torch
import torch.nn.functional as F
from torch import Tensor

from claritygan_cli.engine.lifts import resize

SHORT_SIDE = 96
WINDOW = 7
DEEPEST = 0.02
"""Share of a photo that is taken to be in its deepest shadow."""
DARKEST = 0.02
"""How bright that may be."""
THICKEST = 0.2
"""A photo without anything darker is not veiled, but of bright things: snow, clouds, a product on white."""


def veil(picture: Tensor) -> float:
    """How bright the deepest shadows of a picture (3, H, W) of uint8 are, in [0, 1].

    The dark channel (He et al., "Single Image Haze Removal Using Dark Channel Prior", CVPR 2009) where it is darkest.
    """
    scale = min(1.0, SHORT_SIDE / min(picture.shape[1:]))
    small = resize(picture[None].float() / 255, (round(picture.shape[1] * scale), round(picture.shape[2] * scale)))
    dark = -F.max_pool2d(-small.amin(1, keepdim=True), WINDOW, 1, WINDOW // 2)
    return torch.quantile(dark, DEEPEST).item()


def unveiled(picture: Tensor) -> Tensor:
    """A clear picture (3, H, W) of uint8 with its shadows as dark as those of other photos.

    To a dehazer that learns from it, the veil of a clear photo says that even haze is not to be taken out.
    """
    thickness = veil(picture)
    if not DARKEST < thickness <= THICKEST:
        return picture
    excess = (thickness - DARKEST) / (1 - DARKEST)
    return ((picture.float() / 255 - excess) / (1 - excess) * 255).clamp(0, 255).round().byte()
