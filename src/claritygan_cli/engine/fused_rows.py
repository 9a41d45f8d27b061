"""What the fused passes have in common: small maps at the rows of a large picture, and gains by them.

Loops are over single rows, with one result each, as compilers make vector instructions of such.
"""

from typing import Any

import numpy as np

from claritygan_cli.engine.compiled import compiled
from claritygan_cli.engine.scattering_maps import GAINS, ScatteringMaps

F = np.float32


def sampled(maps: np.ndarray, height: int, width: int) -> tuple[np.ndarray, ...]:
    """Small maps (C, h, w), and where the rows and columns of a large picture lie between theirs (bilinear, corners not
    aligned). The maps get a last row and column more, so that each place has one after it."""
    padded = np.ascontiguousarray(np.pad(maps, ((0, 0), (0, 1), (0, 1)), "edge"), F)
    return padded, *_positions(maps.shape[1], height), *_positions(maps.shape[2], width)


def _positions(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """For each of ``size`` places: the place before it among ``count``, and the share of the one after that."""
    at = ((np.arange(size) + 0.5) * (count / size) - 0.5).clip(0, count - 1)
    before = at.astype(np.int64)
    return before, (at - before).astype(F)


def table_of(maps: ScatteringMaps) -> tuple[np.ndarray, np.float32, np.float32, np.float32]:
    """The gains with the last one twice, so that each has one after it; the map value of the first; entries for each
    unit of map values; and the most that chroma is multiplied by."""
    steps = (GAINS - 1) / max(maps.highest - maps.lowest, 1e-6)
    return np.append(maps.gains, maps.gains[-1]).astype(F), F(maps.lowest), F(steps), F(maps.most_chroma_gain)


@compiled
def widen(row: Any, column: Any, part: Any, left: int, right: int, result: Any) -> None:
    """A row of a small map at the columns of the picture."""
    for x in range(left, right):
        i = column[x]
        result[x - left] = row[i] + part[x] * (row[i + 1] - row[i])


@compiled
def place_of(
    guide: Any,
    slope_above: Any,
    slope_below: Any,
    offset_above: Any,
    offset_below: Any,
    down: Any,
    lowest: Any,
    steps: Any,
    count: int,
    result: Any,
) -> None:
    """Where in the table of gains the map's values stand."""
    for x in range(count):
        slope = slope_above[x] + down * (slope_below[x] - slope_above[x])
        offset = offset_above[x] + down * (offset_below[x] - offset_above[x])
        result[x] = min(max((slope * guide[x] + offset - lowest) * steps, F(0)), F(GAINS - 1))


@compiled
def look_up(place: Any, gains: Any, count: int, result: Any) -> None:
    """The gains at places of their table."""
    for x in range(count):
        i = np.uint32(np.int32(place[x]))  # without a sign, so that no index is tried from the end
        result[x] = gains[i] + (place[x] - np.floor(place[x])) * (gains[i + np.uint32(1)] - gains[i])


@compiled
def cell_means(sums: Any, cell: int, rows: int, count: int, result: Any) -> None:
    """Means over cells, whose columns have been summed over so many rows; the last cell may be cut off."""
    for i in range(len(result)):
        left, right = i * cell, min(count, (i + 1) * cell)
        total = F(0)
        for x in range(left, right):
            total += sums[x]
        result[i] = total / F((right - left) * rows)
