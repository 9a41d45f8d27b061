"""A page that shows pictures before and after, with their figures; one HTML file that asks nothing of any network."""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from claritygan_cli.atomic import written_whole
from claritygan_cli.evaluation.evaluate import Scored
from claritygan_cli.evaluation.metrics import Scores
from claritygan_cli.media.picture import to_8_bits

TEMPLATE = "report_page.html"
PLACE = "@@REPORT@@"
"""Where the template takes the rows."""
PICTURE_BYTES = 33_000_000
"""Of all pictures of a page together; in base64 they are 44 MB, which leaves room for the rows in 50 MB."""
MANY = 10_000
"""Pictures that are expected where their number is not known."""
SIDES = (1024, 768, 512, 384, 256, 192, 128, 96)
QUALITIES = (80, 60, 40, 20)
"""Longest sides in pixels and qualities in WebP that are tried, until a picture is small enough."""
FIGURES = {
    "haze": ("Haze", 3, "more"),
    "psnr": ("PSNR dB", 2, "less"),
    "ssim": ("SSIM", 4, "less"),
    "ciede2000": ("CIEDE2000", 2, "more"),
    "gain": ("Gain dB", 2, "less"),
    "megapixels": ("Megapixels", 2, ""),
    "seconds": ("Seconds", 2, ""),
}
"""Columns in their order: heading, decimals, and what of it is worse."""
COLUMN = ("name", "heading", "decimals", "worse")


@dataclass(frozen=True)
class Row:
    """One picture of the page.

    Attributes:
        status: a word.
        message: what was wrong.
        figures: by their names in :data:`FIGURES`; None for one that is not known.
        pictures: WebP files by their captions, in order; the first two are shown side by side.
    """

    name: str
    status: str
    message: str = ""
    figures: Mapping[str, float | None] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)


class Thumbnails:
    """Makes small copies of pictures, as large as a page with so many of them allows.

    Args:
        count: pictures on the page, see :meth:`share`.
    """

    def __init__(self, count: int = MANY) -> None:
        self.share(count)

    def share(self, count: int) -> None:
        """Say how many pictures there will be."""
        self.most = PICTURE_BYTES // max(1, count)

    def __call__(self, pixels: np.ndarray) -> bytes:
        """A WebP file of a picture, (H, W, 3) or (H, W), uint8 or uint16."""
        image = Image.fromarray(to_8_bits(pixels) if pixels.dtype == np.uint16 else np.ascontiguousarray(pixels))
        longest, data = max(image.size), b""
        for side in SIDES:
            scale = min(1.0, side / longest)
            if scale == 1 and side != SIDES[0] and side > longest:
                continue
            size = [max(1, round(length * scale)) for length in image.size]
            small = image if scale == 1 else image.resize((size[0], size[1]), Image.Resampling.BOX, reducing_gap=2)
            for quality in QUALITIES[: 2 if side > SIDES[-1] else None]:
                file = io.BytesIO()
                small.save(file, "WEBP", quality=quality, method=2)
                data = file.getvalue()
                if len(data) <= self.most:
                    return data
        return data


def rounded(scores: Scores) -> dict[str, float | None]:
    """Scores as figures of a row."""
    return {name: None if value is None else round(value, 5) for name, value in scores.items()}


def row_of(scored: Scored) -> Row:
    """The row of a picture that has been scored."""
    figures = rounded(scored.after)
    before, after = (scored.before or {}).get("psnr"), scored.after["psnr"]
    if before is not None and after is not None:
        figures["gain"] = round(after - before, 5)
    return Row(scored.name, "done", "", figures, scored.pictures)


def page(title: str, note: str, rows: list[Row]) -> str:
    """The page as HTML.

    Args:
        note: a line below the title.
    """
    known = [name for name in FIGURES if any(row.figures.get(name) is not None for row in rows)]
    columns = [dict(zip(COLUMN, (name, *FIGURES[name]), strict=True)) for name in known]
    document = {"title": title, "note": note, "columns": columns, "rows": [_row(row, known) for row in rows]}
    text = json.dumps(document, separators=(",", ":")).replace("<", "\\u003c")
    template = resources.files("claritygan_cli.evaluation").joinpath(TEMPLATE).read_text(encoding="utf-8")
    before, after = template.split(PLACE)
    return before + text + after


def _row(row: Row, known: list[str]) -> dict[str, Any]:
    name = row.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    pictures = [[caption, base64.b64encode(data).decode("ascii")] for caption, data in row.pictures.items()]
    figures = [row.figures.get(name) for name in known]
    return {"name": name, "status": row.status, "message": row.message, "figures": figures, "pictures": pictures}


def write_page(path: Path, title: str, note: str, rows: list[Row]) -> None:
    """Write the page, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    with written_whole(path) as file:
        file.write(page(title, note, rows).encode("utf-8", "replace"))
