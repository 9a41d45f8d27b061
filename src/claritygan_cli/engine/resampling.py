"""Luma, and pictures and maps at other sizes."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def luma(image: Tensor) -> Tensor:
    """Luma of (N, 3, H, W) as (N, 1, H, W), ITU-R BT.601 weights."""
    return image[:, 0:1] * 0.299 + image[:, 1:2] * 0.587 + image[:, 2:3] * 0.114


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, antialiased resize of (N, C, H, W) to ``size``; the picture itself where it has that size."""
    if tuple(image.shape[2:]) == tuple(size):
        return image
    return F.interpolate(image, size=size, mode="bilinear", align_corners=False, antialias=True)


def enlarged(field: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear enlargement of a smooth field (N, C, h, w) to ``size``."""
    return F.interpolate(field, size=size, mode="bilinear", align_corners=False)


def in_float32(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """A function of tensors whose matrix products autocast does not take in half precision."""

    @wraps(function)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        kind = args[0].device.type  # type: ignore[attr-defined]
        if not torch.is_autocast_enabled(kind):
            return function(*args, **kwargs)
        with torch.autocast(kind, enabled=False):
            return function(*args, **kwargs)

    return run


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
