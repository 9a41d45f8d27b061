"""Full-size pixels on a CPU: guided upsampling, denoising, gain, airlight and rounding in one pass, without torch.

What :mod:`claritygan_cli.engine.restoration` does to a scattering estimate in steps over whole bands is done here row
by row, within a core's cache, by functions that numba makes machine code of when they are first called. The torch
restoration is the reference: results are the same to within 1/255. How many threads share the tiles changes no byte.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from claritygan_cli.engine.compiled import compiled
from claritygan_cli.engine.scattering_maps import GAINS, ScatteringMaps

TILE_ROWS, TILE_COLUMNS = 192, 768
"""Pixels that a thread works on at once; their rows of floats fit in a core's cache."""
LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601's weights, as :func:`claritygan_cli.engine.resampling.luma`."""

F = np.float32
Planes = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Y, U, V: (H, W) and two times (h, w)."""


def apply(pixels: np.ndarray, maps: ScatteringMaps, threads: int = 1) -> np.ndarray:
    """A photo with the change made to it.

    Args:
        pixels: (H, W, 3), uint8 or uint16; not changed.

    Returns:
        (H, W, 3) of the same type.
    """
    height, width = pixels.shape[:2]
    peak = float(np.iinfo(pixels.dtype).max)
    airlight = np.concatenate([maps.airlight, np.tensordot(np.array(LUMA), maps.airlight, 1)[None]]) * peak
    arguments = (
        sampled(np.stack([maps.slope / peak, maps.offset]), height, width),
        sampled(airlight, height, width),
        np.append(maps.gains, maps.gains[-1]).astype(F),
        F(maps.lowest),
        F((GAINS - 1) / max(maps.highest - maps.lowest, 1e-6)),
        F(maps.most_chroma_gain),
        F((maps.noise_deviation * peak) ** 2),
        F(peak),
    )
    result = np.empty_like(pixels)

    def work(tile: tuple[int, int, int, int]) -> None:
        _tile(pixels.reshape(height, -1), result.reshape(height, -1), *tile, *arguments)

    tiles = [
        (top, min(height, top + TILE_ROWS), left, min(width, left + TILE_COLUMNS))
        for top in range(0, height, TILE_ROWS)
        for left in range(0, width, TILE_COLUMNS)
    ]
    if min(threads, len(tiles)) <= 1:
        for tile in tiles:
            work(tile)
    else:
        with ThreadPoolExecutor(min(threads, len(tiles)), "pass") as pool:
            list(pool.map(work, tiles))
    return result


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
        np.append(maps.gains, maps.gains[-1]).astype(F),
        F(maps.lowest),
        F((GAINS - 1) / max(maps.highest - maps.lowest, 1e-6)),
        F(maps.most_chroma_gain),
        F(black),
        F(peak),
    )


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


@compiled
def _tile(
    pixels: Any,
    result: Any,
    top: int,
    bottom: int,
    left: int,
    right: int,
    maps: Any,
    airlight: Any,
    gains: Any,
    lowest: Any,
    steps: Any,
    most_chroma_gain: Any,
    noise: Any,
    peak: Any,
) -> None:
    """Rows ``top`` to ``bottom`` of columns ``left`` to ``right``, in the picture's levels.

    Loops are over single rows, with one result each, and pictures have the shape (H, 3 W), as compilers make vector
    instructions of such.
    """
    height, width, count = pixels.shape[0], pixels.shape[1] // 3, right - left
    small_maps, map_row, map_share, map_column, map_part = maps
    small_airlight, air_row, air_share, air_column, air_part = airlight
    rows = np.empty((33, count + 2), F)
    red, green, blue, light = rows[0:3], rows[3:6], rows[6:9], rows[9:12]  # of three rows, one column more each side
    reds, greens, blues, squares = rows[12:15], rows[15:18], rows[18:21], rows[21:24]  # sums over three columns
    mean_red, mean_green, mean_blue, mean_light = rows[24], rows[25], rows[26], rows[27]
    share, guide, place, gain, extra = rows[28], rows[29], rows[30], rows[31], rows[32]
    above, below = np.empty((6, count), F), np.empty((6, count), F)  # slope, offset, airlight and its luma
    map_at, air_at, last = -1, -1, top - 2
    for y in range(top, bottom):
        while last < y + 1:
            last += 1
            i, row = (last + 3) % 3, pixels[min(max(last, 0), height - 1)]
            _load(row, left, count, width, red[i], green[i], blue[i])
            _luma(red[i], green[i], blue[i], count + 2, light[i])
            _sum(red[i], count, reds[i])
            _sum(green[i], count, greens[i])
            _sum(blue[i], count, blues[i])
            _sum_squares(light[i], count, squares[i])
        if map_row[y] != map_at:
            map_at = map_row[y]
            for k in range(2):
                widen(small_maps[k, map_at], map_column, map_part, left, right, above[k])
                widen(small_maps[k, map_at + 1], map_column, map_part, left, right, below[k])
        if air_row[y] != air_at:
            air_at = air_row[y]
            for k in range(4):
                widen(small_airlight[k, air_at], air_column, air_part, left, right, above[2 + k])
                widen(small_airlight[k, air_at + 1], air_column, air_part, left, right, below[2 + k])

        _mean(reds[0], reds[1], reds[2], count, mean_red)
        _mean(greens[0], greens[1], greens[2], count, mean_green)
        _mean(blues[0], blues[1], blues[2], count, mean_blue)
        _luma(mean_red, mean_green, mean_blue, count, mean_light)
        if noise > 0:
            _share_of_detail(squares[0], squares[1], squares[2], mean_light, noise, count, share)
        else:
            share[:] = F(1)
        i = y % 3
        _even(light[i], mean_light, share, count, guide)
        _place(guide, above[0], below[0], above[1], below[1], map_share[y], lowest, steps, count, place)
        _look_up(place, gains, count, gain)
        down = air_share[y]
        _extra(guide, above[5], below[5], down, gain, most_chroma_gain, count, extra)
        _changed(red[i], mean_red, share, above[2], below[2], down, gain, most_chroma_gain, extra, count, place)
        _changed(green[i], mean_green, share, above[3], below[3], down, gain, most_chroma_gain, extra, count, mean_red)
        _changed(blue[i], mean_blue, share, above[4], below[4], down, gain, most_chroma_gain, extra, count, mean_green)
        _store(place, mean_red, mean_green, peak, left, count, result[y])


@compiled
def _load(row: Any, left: int, count: int, width: int, red: Any, green: Any, blue: Any) -> None:
    """Columns ``left - 1`` to ``left + count`` of a row (3 W); beyond the picture the last ones go on."""
    first = 1 if left == 0 else 0
    end = count + 1 if left + count == width else count + 2
    part = row[3 * (left - 1 + first) :]
    for x in range(end - first):
        red[first + x] = part[3 * x]
        green[first + x] = part[3 * x + 1]
        blue[first + x] = part[3 * x + 2]
    for channel in (red, green, blue):
        if first == 1:
            channel[0] = channel[1]
        if end == count + 1:
            channel[count + 1] = channel[count]


@compiled
def _luma(red: Any, green: Any, blue: Any, count: int, result: Any) -> None:
    for x in range(count):
        result[x] = F(LUMA[0]) * red[x] + F(LUMA[1]) * green[x] + F(LUMA[2]) * blue[x]


@compiled
def _sum(values: Any, count: int, result: Any) -> None:
    for x in range(count):
        result[x] = values[x] + values[x + 1] + values[x + 2]


@compiled
def _sum_squares(values: Any, count: int, result: Any) -> None:
    for x in range(count):
        result[x] = values[x] * values[x] + values[x + 1] * values[x + 1] + values[x + 2] * values[x + 2]


@compiled
def widen(row: Any, column: Any, part: Any, left: int, right: int, result: Any) -> None:
    """A row of a small map at the columns of the picture."""
    for x in range(left, right):
        i = column[x]
        result[x - left] = row[i] + part[x] * (row[i + 1] - row[i])


@compiled
def _mean(above: Any, here: Any, below: Any, count: int, result: Any) -> None:
    for x in range(count):
        result[x] = (above[x] + here[x] + below[x]) * F(1 / 9)


@compiled
def _share_of_detail(above: Any, here: Any, below: Any, mean: Any, noise: Any, count: int, result: Any) -> None:
    """How much of what differs from its window's mean is no noise (Lee, TPAMI 1980)."""
    for x in range(count):
        variance = max((above[x] + here[x] + below[x]) * F(1 / 9) - mean[x] * mean[x], F(0))
        result[x] = variance / (variance + noise)


@compiled
def _even(values: Any, mean: Any, share: Any, count: int, result: Any) -> None:
    """Without noise; ``values`` begin one column earlier."""
    for x in range(count):
        result[x] = mean[x] + share[x] * (values[x + 1] - mean[x])


@compiled
def _place(
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
def _look_up(place: Any, gains: Any, count: int, result: Any) -> None:
    for x in range(count):
        i = np.uint32(np.int32(place[x]))  # without a sign, so that no index is tried from the end
        result[x] = gains[i] + (place[x] - np.floor(place[x])) * (gains[i + np.uint32(1)] - gains[i])


@compiled
def _extra(guide: Any, above: Any, below: Any, down: Any, gain: Any, most: Any, count: int, result: Any) -> None:
    """What luma changes by beyond what chroma does."""
    for x in range(count):
        airlight = above[x] + down * (below[x] - above[x])
        result[x] = (guide[x] - airlight) * max(gain[x] - most, F(0))


@compiled
def _changed(
    values: Any,
    mean: Any,
    share: Any,
    above: Any,
    below: Any,
    down: Any,
    gain: Any,
    most: Any,
    extra: Any,
    count: int,
    result: Any,
) -> None:
    """A colour channel with its change; ``values`` begin one column earlier."""
    for x in range(count):
        even = mean[x] + share[x] * (values[x + 1] - mean[x])
        airlight = above[x] + down * (below[x] - above[x])
        result[x] = values[x + 1] + (even - airlight) * (min(gain[x], most) - F(1)) + extra[x]


@compiled
def _store(red: Any, green: Any, blue: Any, peak: Any, left: int, count: int, row: Any) -> None:
    """Rounded, into columns ``left`` to ``left + count`` of a row (3 W)."""
    part = row[3 * left :]
    for x in range(count):
        part[3 * x] = np.int32(min(max(red[x] + F(0.5), F(0)), peak))
        part[3 * x + 1] = np.int32(min(max(green[x] + F(0.5), F(0)), peak))
        part[3 * x + 2] = np.int32(min(max(blue[x] + F(0.5), F(0)), peak))


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
            _place(guide, above[0], below[0], above[1], below[1], map_share[y], lowest, steps, width, place)
            _look_up(place, gains, width, gain)
            _code(luma[y], even_luma[y], above[2], below[2], light_share[y], gain, peak, width, new_luma[y])
            _add_at_most(gain, most_chroma_gain, width, sums)
        for x in range(narrow):
            left, right = x * across, min(width, (x + 1) * across)
            total = F(0)
            for i in range(left, right):
                total += sums[i]
            chroma_gain[x] = total / F((right - left) * (last - first))
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
