"""Real haze beside the dark channel prior: a contact sheet, and scores where the truth is known.

Run: ``python tests/benchmarks/bench_real_haze.py FOLDER SHEET.jpg [MODEL]`` for hazy | dehazed | DCP of all pictures
of a folder; a folder with pairs instead prints the DCP's scores, as ``claritygan eval`` prints the model's.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy import ndimage

from claritygan_cli.data.pairs import find_pairs
from claritygan_cli.engine.guided_filter import guided_coefficients
from claritygan_cli.errors import UsageError
from claritygan_cli.evaluation.metrics import mean_scores, score
from claritygan_cli.media.find import image_files
from claritygan_cli.media.image_reader import read_picture
from claritygan_cli.models.loading import load_translator

HEIGHT = 300


def dark_channel_prior(pixels: np.ndarray) -> np.ndarray:
    """He, Sun, Tang (CVPR 2009) with the guided filter (ECCV 2010) and their numbers: (H, W, 3) uint8 in and out."""
    image = pixels.astype(np.float32) / 255
    dark = ndimage.minimum_filter(image.min(2), 15)
    haziest = np.argsort(dark, axis=None)[-max(1, dark.size // 1000) :]
    candidates = image.reshape(-1, 3)[haziest]
    airlight = candidates[candidates.mean(1).argmax()]
    t = 1 - 0.95 * ndimage.minimum_filter((image / np.maximum(airlight, 1e-3)).min(2), 15)
    guide = torch.from_numpy(image.mean(2))[None, None]
    a, b = guided_coefficients(guide, torch.from_numpy(t)[None, None], radius=60, eps=1e-3)
    t = (a * guide + b).clamp(0.1, 1)[0, 0, :, :, None].numpy()
    return np.clip(((image - airlight) / t + airlight) * 255, 0, 255).round().astype(np.uint8)


def small(pixels: np.ndarray) -> np.ndarray:
    """At the sheet's height."""
    width = round(pixels.shape[1] * HEIGHT / pixels.shape[0])
    return np.asarray(Image.fromarray(pixels).resize((width, HEIGHT), Image.Resampling.LANCZOS))


def main() -> None:
    """Scores, or a sheet."""
    folder, *rest = sys.argv[1:]
    try:
        pairs = find_pairs(Path(folder))
    except UsageError:
        pairs = []
    if pairs:
        pictures = [(read_picture(pair.picture).pixels, read_picture(pair.truth).pixels) for pair in pairs]
        print("DCP:", mean_scores([score(dark_channel_prior(hazy), truth) for hazy, truth in pictures]))
        return
    translator = load_translator("dehaze", rest[1] if len(rest) > 1 else None)
    rows = []
    for path in image_files(Path(folder)):
        hazy = read_picture(path).at_8_bits().pixels
        rows.append(np.hstack([small(hazy), small(translator(hazy)), small(dark_channel_prior(hazy))]))
    width = max(row.shape[1] for row in rows)
    Image.fromarray(np.vstack([np.pad(r, ((0, 6), (0, width - r.shape[1]), (0, 0))) for r in rows])).save(rest[0])


if __name__ == "__main__":
    main()
