"""The fused pass for frames of videos, in their own coding of colours; see :mod:`claritygan_cli.engine.fused_pass`."""

from typing import Any

import numpy as np

from claritygan_cli.engine.compiled import compiled
from claritygan_cli.engine.fused_rows import cell_means, look_up, place_of, sampled, table_of, widen
from claritygan_cli.engine.scattering_maps import ScatteringMaps

F = np.float32
Planes = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Y, U, V: (H, W) and two times (h, w)."""


def apply_to_planes(
    planes: Planes,
    even: Planes,
    results: Planes,
    maps: ScatteringMaps,
    black: float,
    white: float,
    peak: float,
) -> None:
    """The change made to a video frame in its own coding of colours.

    Args:
        planes: uint8 or uint16.
        even: the same without noise, float32; the change is made of these and added to the planes.
        results: to be written to, like ``planes``.
        maps: with the airlight in codes of Y, U, V.
        black, white: codes of luma 0 and 1. peak: greatest code.
    """
    (height, width), (low, narrow) = planes[0].shape, planes[1].shape
    _planes(
        *planes,
        *even,
        *results,
        sampled(np.stack([maps.slope / (white - black), maps.offset]), height, width),
        sampled(maps.airlight[:1], height, width),
        sampled(maps.airlight[1:], low, narrow),
        *table_of(maps),
        F(black),
        F(peak),
    )


@compiled
def _planes(
    luma: Any,
    blue: Any,
    red: Any,
    even_luma: Any,
    even_blue: Any,
    even_red: Any,
    new_luma: Any,
    new_blue: Any,
    new_red: Any,
    maps: Any,
    light: Any,
    tint: Any,
    gains: Any,
    lowest: Any,
    steps: Any,
    most_chroma_gain: Any,
    black: Any,
    peak: Any,
) -> None:
    """A frame, row of chroma by row of chroma, each with the one or two rows of luma that it covers.

    Chroma's gain is the mean over the luma that a sample covers, beyond the borders left out.
    """
    (height, width), (low, narrow) = luma.shape, blue.shape
    down, across = -(-height // low), -(-width // narrow)
    small_maps, map_row, map_share, map_column, map_part = maps
    small_light, light_row, light_share, light_column, light_part = light
    small_tint, tint_row, tint_share, tint_column, tint_part = tint
    above, below = np.empty((3, width), F), np.empty((3, width), F)  # slope, offset, airlight's luma
    tint_above, tint_below = np.empty((2, narrow), F), np.empty((2, narrow), F)
    guide, place, gain = np.empty(width, F), np.empty(width, F), np.empty(width, F)
    sums, chroma_gain = np.empty(width, F), np.empty(narrow, F)
    map_at, light_at, tint_at = -1, -1, -1
    for row in range(low):
        sums[:] = F(0)
        first, last = row * down, min(height, (row + 1) * down)
        for y in range(first, last):
            if map_row[y] != map_at:
                map_at = map_row[y]
                for k in range(2):
                    widen(small_maps[k, map_at], map_column, map_part, 0, width, above[k])
                    widen(small_maps[k, map_at + 1], map_column, map_part, 0, width, below[k])
            if light_row[y] != light_at:
                light_at = light_row[y]
                widen(small_light[0, light_at], light_column, light_part, 0, width, above[2])
                widen(small_light[0, light_at + 1], light_column, light_part, 0, width, below[2])
            _less(even_luma[y], black, width, guide)
            place_of(guide, above[0], below[0], above[1], below[1], map_share[y], lowest, steps, width, place)
            look_up(place, gains, width, gain)
            _code(luma[y], even_luma[y], above[2], below[2], light_share[y], gain, peak, width, new_luma[y])
            _add_at_most(gain, most_chroma_gain, width, sums)
        cell_means(sums, across, last - first, width, chroma_gain)
        if tint_row[row] != tint_at:
            tint_at = tint_row[row]
            for k in range(2):
                widen(small_tint[k, tint_at], tint_column, tint_part, 0, narrow, tint_above[k])
                widen(small_tint[k, tint_at + 1], tint_column, tint_part, 0, narrow, tint_below[k])
        share = tint_share[row]
        _code(blue[row], even_blue[row], tint_above[0], tint_below[0], share, chroma_gain, peak, narrow, new_blue[row])
        _code(red[row], even_red[row], tint_above[1], tint_below[1], share, chroma_gain, peak, narrow, new_red[row])


@compiled
def _less(values: Any, black: Any, count: int, result: Any) -> None:
    for x in range(count):
        result[x] = values[x] - black


@compiled
def _add_at_most(values: Any, most: Any, count: int, sums: Any) -> None:
    for x in range(count):
        sums[x] += min(values[x], most)


@compiled
def _code(
    codes: Any, even: Any, above: Any, below: Any, down: Any, gain: Any, peak: Any, count: int, result: Any
) -> None:
    """A row of a plane with its change, rounded."""
    for x in range(count):
        airlight = above[x] + down * (below[x] - above[x])
        value = codes[x] + (even[x] - airlight) * (gain[x] - F(1))
        result[x] = np.int32(min(max(value + F(0.5), F(0)), peak))
