"""What :class:`claritygan_cli.engine.temporal_denoising.TemporalDenoiser` does to full-size frames on a CPU, in two
passes, without torch."""

from typing import Any

import numpy as np

from claritygan_cli.engine.compiled import compiled
from claritygan_cli.engine.fused_rows import cell_means, sampled, widen

F = np.float32


def cell_changes(new: np.ndarray, average: np.ndarray, cell: int) -> np.ndarray:
    """Mean absolute difference of two planes (H, W) float32 over squares of ``cell`` pixels; those at the lower and the
    right border may be cut off. (ceil(H / cell), ceil(W / cell)) float32."""
    result = np.zeros((-(-new.shape[0] // cell), -(-new.shape[1] // cell)), F)
    _cell_changes(new, average, cell, result)
    return result


def keep_on(new: np.ndarray, average: np.ndarray, share: np.ndarray) -> None:
    """Move an average (H, W) float32 to a new plane, but for a share (h, w) of the difference, enlarged bilinearly."""
    _keep_on(new, average, *sampled(share[None], *new.shape))


@compiled
def _cell_changes(new: Any, average: Any, cell: int, result: Any) -> None:
    height, width = new.shape
    sums = np.empty(width, F)
    for row in range(result.shape[0]):
        sums[:] = F(0)
        first, last = row * cell, min(height, (row + 1) * cell)
        for y in range(first, last):
            _add_change(new[y], average[y], width, sums)
        cell_means(sums, cell, last - first, width, result[row])


@compiled
def _add_change(new: Any, average: Any, count: int, sums: Any) -> None:
    for x in range(count):
        sums[x] += abs(new[x] - average[x])


@compiled
def _keep_on(new: Any, average: Any, share: Any, rows: Any, parts: Any, columns: Any, column_parts: Any) -> None:
    height, width = new.shape
    above, below, at = np.empty(width, F), np.empty(width, F), -1
    for y in range(height):
        if rows[y] != at:
            at = rows[y]
            widen(share[0, at], columns, column_parts, 0, width, above)
            widen(share[0, at + 1], columns, column_parts, 0, width, below)
        _keep_row(new[y], average[y], above, below, parts[y], width)


@compiled
def _keep_row(new: Any, average: Any, above: Any, below: Any, down: Any, count: int) -> None:
    for x in range(count):
        average[x] = new[x] + (average[x] - new[x]) * (above[x] + down * (below[x] - above[x]))
