"""A demonstration on real photographs that need no download."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from claritygan_cli.errors import UsageError
from claritygan_cli.evaluation.evaluate import Scored
from claritygan_cli.evaluation.examples import examples
from claritygan_cli.evaluation.metrics import score
from claritygan_cli.media.image_writer import save_picture
from claritygan_cli.media.picture import Picture
from claritygan_cli.models.photo_translator import PhotoTranslator

SHEET = "contact_sheet.png"
CELL_WIDTH, CAPTION_HEIGHT = 320, 26


def contact_sheet(rows: list[tuple[str, list[tuple[str, np.ndarray]]]]) -> np.ndarray:
    """A sheet of captioned pictures, (H, W, 3) uint8.

    Args:
        rows: a name and captioned pictures (H, W, 3) uint8, for each row.
    """
    font = ImageFont.load_default(14)
    strips = []
    for name, cells in rows:
        height = round(CELL_WIDTH * cells[0][1].shape[0] / cells[0][1].shape[1])
        strip = Image.new("RGB", (CELL_WIDTH * len(cells), height + CAPTION_HEIGHT), "white")
        draw = ImageDraw.Draw(strip)
        for column, (caption, pixels) in enumerate(cells):
            left = column * CELL_WIDTH
            strip.paste(
                Image.fromarray(pixels).resize((CELL_WIDTH, height), Image.Resampling.LANCZOS), (left, CAPTION_HEIGHT)
            )
            draw.text((left + 6, 4), f"{name}: {caption}" if column == 0 else caption, fill="black", font=font)
        strips.append(np.asarray(strip))
    return np.concatenate(strips)


def run_demo(out: Path, dehazer: PhotoTranslator, hazifier: PhotoTranslator) -> list[Scored]:
    """Hazify, dehaze and score the example photos.

    Writes ``clear/``, ``hazy/`` and ``dehazed/`` with a PNG of each photo, and a contact sheet.

    Raises:
        ImageError: a file cannot be written.
        UsageError: the folder holds other things than an earlier demonstration.
    """
    if out.is_dir() and any(out.iterdir()) and not (out / SHEET).exists():
        raise UsageError(f"{out}: holds other files; name a new folder")
    rows, scores = [], []
    for example in examples(hazifier):
        dehazed = dehazer(example.hazy)
        scored = Scored(example.name, score(dehazed, example.clear), score(example.hazy, example.clear))
        pictures = {"clear": example.clear, "hazy": example.hazy, "dehazed": dehazed}
        for folder, pixels in pictures.items():
            save_picture(out / folder / f"{example.name}.png", Picture(pixels))
        source = "measured depth" if example.measured else "predicted depth"
        captions = {
            f"hazy ({source}), {scored.before['psnr']:.1f} dB" if scored.before else "hazy": example.hazy,
            f"dehazed, {scored.after['psnr']:.1f} dB": dehazed,
            "the original": example.clear,
        }
        rows.append((example.name, list(captions.items())))
        scores.append(scored)
    save_picture(out / SHEET, Picture(contact_sheet(rows)))
    return scores
