"""Full-size pixels on a CPU: guided upsampling, denoising, gain, airlight and rounding in one pass, without torch.

What :mod:`claritygan_cli.engine.restoration` does to a scattering estimate in steps over whole bands is done here row
by row, within a core's cache, by functions that numba makes machine code of when they are first called. The torch
restoration is the reference: results are the same to within 1/255. How many threads share the tiles changes no byte.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from claritygan_cli.engine.compiled import compiled
from claritygan_cli.engine.fused_rows import look_up, place_of, sampled, table_of, widen
from claritygan_cli.engine.scattering_maps import ScatteringMaps

TILE_ROWS, TILE_COLUMNS = 192, 768
"""Pixels that a thread works on at once; their rows of floats fit in a core's cache."""
LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601's weights, as :func:`claritygan_cli.engine.resampling.luma`."""

F = np.float32


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
        *table_of(maps),
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
        place_of(guide, above[0], below[0], above[1], below[1], map_share[y], lowest, steps, count, place)
        look_up(place, gains, count, gain)
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
