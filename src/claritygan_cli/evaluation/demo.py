"""A demonstration on real photographs that need no download."""

from pathlib import Path

from claritygan_cli.errors import UsageError
from claritygan_cli.evaluation.contact_sheet import contact_sheet
from claritygan_cli.evaluation.evaluate import Scored
from claritygan_cli.evaluation.examples import examples
from claritygan_cli.evaluation.metrics import score
from claritygan_cli.media.image_writer import save_picture
from claritygan_cli.media.picture import Picture
from claritygan_cli.models.photo_translator import PhotoTranslator

SHEET = "contact_sheet.png"


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
        before = f", {scored.before['psnr']:.1f} dB" if scored.before else ""
        rows.append(
            [
                (f"{example.name}: hazy ({source}){before}", example.hazy),
                (f"dehazed, {scored.after['psnr']:.1f} dB", dehazed),
                ("the original", example.clear),
            ]
        )
        scores.append(scored)
    save_picture(out / SHEET, Picture(contact_sheet(rows)))
    return scores
