"""Captioned pictures on one sheet."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

CAPTION_HEIGHT = 26
TALLEST = 4
"""Of the pictures on a sheet, times their width; taller ones are squeezed."""


def contact_sheet(rows: list[list[tuple[str, np.ndarray]]], width: int = 320) -> np.ndarray:
    """A sheet of captioned pictures, (H, W, 3) uint8.

    Args:
        rows: captioned pictures (H, W, 3) uint8, of one shape in a row; rows may be of unequal length.
        width: of each picture on the sheet, in pixels.
    """
    font = ImageFont.load_default(14)
    sheet_width = width * max(len(cells) for cells in rows)
    strips = []
    for cells in rows:
        height = max(1, min(TALLEST * width, round(width * cells[0][1].shape[0] / cells[0][1].shape[1])))
        strip = Image.new("RGB", (sheet_width, height + CAPTION_HEIGHT), "white")
        draw = ImageDraw.Draw(strip)
        for column, (caption, pixels) in enumerate(cells):
            small = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
            strip.paste(small, (column * width, CAPTION_HEIGHT))
            draw.text((column * width + 6, 4), caption, fill="black", font=font)
        strips.append(np.asarray(strip))
    return np.concatenate(strips)
