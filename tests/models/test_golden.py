"""What the bundled models make of three photographs of scikit-image's, as it was when they were released.

After a wanted change: ``python -m tests.models.test_golden`` writes the pictures anew.
"""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from claritygan_cli.engine.amounts import AddHaze
from claritygan_cli.models.loading import load_translator

GOLDEN = Path(__file__).with_name("golden.npz")
PHOTOS = ("astronaut", "coffee", "rocket")
SIDE = 32
TOLERANCE = 2
"""Levels of 255, of means over a few hundred pixels: processors and versions of PyTorch round differently."""


def results(name: str) -> dict[str, np.ndarray]:
    """A photo with haze, and without it again, in small."""
    photo = np.ascontiguousarray(getattr(skimage.data, name)()[:400, :500])
    hazy = load_translator("hazify")(photo, AddHaze(1.5, (0.8, 0.85, 0.9)))
    pictures = {"hazy": hazy, "dehazed": load_translator("dehaze")(hazy)}
    box = Image.Resampling.BOX
    return {kind: np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), box)) for kind, pixels in pictures.items()}


@pytest.mark.parametrize("name", PHOTOS)
def test_the_bundled_models_do_what_they_did(name: str) -> None:
    with np.load(GOLDEN) as golden:
        for kind, pixels in results(name).items():
            assert np.abs(pixels.astype(int) - golden[f"{name}_{kind}"]).max() <= TOLERANCE


if __name__ == "__main__":
    made = {f"{name}_{kind}": pixels for name in PHOTOS for kind, pixels in results(name).items()}
    np.savez_compressed(GOLDEN, **made)  # type: ignore[arg-type]
