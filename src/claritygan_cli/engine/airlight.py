"""Airlight as a smooth field: the colours of what is hazy, near each place."""

import torch
from torch import Tensor

from claritygan_cli.engine.resampling import in_float32
from claritygan_cli.engine.working_size import larger

GRID = 24
"""Cells along the longest side, at most, over which colours are averaged first."""
SIGMA = 3.0
"""Of the Gaussian window, in cells: an eighth of the picture."""
SHARE_OF_ALL = 0.1
"""Weight of the whole picture's mean colour where nothing near is hazy."""
LEAST_WEIGHT = 1e-4
"""Of a place that is not hazy at all, beside 1 of the haziest."""


def gaussian_rows(count: int, like: Tensor) -> Tensor:
    """(count, count): each row a Gaussian window round its own cell, summing to 1."""
    at = torch.arange(count, dtype=like.dtype, device=like.device)
    kernel = torch.exp(-(((at[:, None] - at[None]) / SIGMA) ** 2) / 2)
    return kernel / kernel.sum(1, keepdim=True)


def cell_rows(size: int, cell: int, like: Tensor) -> Tensor:
    """(ceil(size / cell), size): each row takes the mean over a cell; the last one may be cut off."""
    at = torch.arange(size, device=like.device) // cell
    rows = (torch.arange((size + cell - 1) // cell, device=like.device)[:, None] == at[None]).to(like.dtype)
    return rows / rows.sum(1, keepdim=True)


@in_float32
def haze_colour(scores: Tensor, colours: Tensor) -> tuple[Tensor, Tensor]:
    """The mean colour of a picture's haze: near each place, and everywhere.

    As in He, Sun, Tang (CVPR 2009) airlight is the colour of the haziest part; here what is hazy is learned. Where haze
    hides everything, the field has the haze's own colour, so that dividing by a small transmission does no harm.

    Args:
        scores: (N, 1, h, w), high where haze is. colours: (N, 3, h, w) in [0, 1], the picture.

    Returns:
        (N, 3, h', w') and (N, 3, 1, 1), in [0, 1].
    """
    scores, colours = scores.float(), colours.float()
    weight = torch.exp(scores - scores.amax((2, 3), keepdim=True)) + LEAST_WEIGHT
    height, width = scores.shape[2:]
    cell = (larger(height, width) + GRID - 1) // GRID
    down, across = cell_rows(height, cell, weight), cell_rows(width, cell, weight).mT
    weights, weighted = down @ weight @ across, down @ (weight * colours) @ across
    whole = weighted.mean((2, 3), keepdim=True) / weights.mean((2, 3), keepdim=True)
    rows, columns = gaussian_rows(weights.shape[2], weights), gaussian_rows(weights.shape[3], weights)
    near, near_weighted = rows @ weights @ columns.mT, rows @ weighted @ columns.mT
    share = SHARE_OF_ALL * weights.mean((2, 3), keepdim=True)
    return (near_weighted + share * whole) / (near + share), whole
