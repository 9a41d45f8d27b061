"""A photo made smaller by averaging, in one look at its pixels."""

from typing import Any

import numpy as np

from claritygan_cli.engine.compiled import compiled


def area_average(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Each pixel of the result is the mean over its share of the photo, parts of pixels counted as such.

    Args:
        pixels: (H, W, 3), uint8 or uint16.
        size: (h, w), h <= H, w <= W.

    Returns:
        (3, h, w) float32, in the photo's levels.
    """
    result = np.empty((3, *size), np.float32)
    _average(pixels.reshape(len(pixels), -1), result)
    return result


@compiled
def _average(rows: Any, result: Any) -> None:
    """Of rows (H, 3 W), first down, then across."""
    height, width = result.shape[1], result.shape[2]
    down, across = rows.shape[0] / height, rows.shape[1] / 3 / width
    strip = np.empty(rows.shape[1], np.float32)
    for y in range(height):
        strip[:] = 0
        top, bottom = y * down, (y + 1) * down
        for i in range(int(top), min(int(np.ceil(bottom)), rows.shape[0])):
            _add(rows[i], np.float32((min(i + 1, bottom) - max(i, top)) / down), strip)
        for x in range(width):
            left, right = x * across, (x + 1) * across
            red = green = blue = np.float32(0)
            for i in range(int(left), min(int(np.ceil(right)), len(strip) // 3)):
                part = np.float32((min(i + 1, right) - max(i, left)) / across)
                red += part * strip[3 * i]
                green += part * strip[3 * i + 1]
                blue += part * strip[3 * i + 2]
            result[0, y, x], result[1, y, x], result[2, y, x] = red, green, blue


@compiled
def _add(row: Any, share: Any, strip: Any) -> None:
    for i in range(len(strip)):
        strip[i] += share * row[i]
