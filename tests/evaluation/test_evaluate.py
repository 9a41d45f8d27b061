from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from claritygan_cli.data.pairs import ImagePair
from claritygan_cli.errors import DataError
from claritygan_cli.evaluation.evaluate import center_crop, evaluate_pictures
from claritygan_cli.evaluation.examples import add_exact_haze, motorcycle_depth
from claritygan_cli.evaluation.metrics import score


def save(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def test_center_crop_is_resides() -> None:
    """SOTS-indoor's ground truth of 640x480 becomes 620x460 by ten pixels on each side."""
    pixels = np.arange(480 * 640 * 3, dtype=np.int64).reshape(480, 640, 3)
    assert np.array_equal(center_crop(pixels, 460, 620), pixels[10:470, 10:630])


def test_sizes_are_compared_only_when_asked(tmp_path: Path, photo: np.ndarray) -> None:
    pair = ImagePair("x", save(tmp_path / "x.png", photo[10:-10, 10:-10]), save(tmp_path / "y.png", photo))
    with pytest.raises(DataError, match=r"x\.png: its ground truth .*y\.png has another size \(130x80 and 150x100\)"):
        list(evaluate_pictures([pair]))
    (scored,) = evaluate_pictures([pair], crop=True)
    assert scored.after["psnr"] == 100


def test_scores_are_those_of_the_files(tmp_path: Path, photo: np.ndarray) -> None:
    other = 255 - photo
    pair = ImagePair("x", save(tmp_path / "x.png", other), save(tmp_path / "y.png", photo))
    (scored,) = evaluate_pictures([pair])
    assert scored.after == score(other, photo)


def test_motorcycle_depth_is_inverse_disparity() -> None:
    depth = motorcycle_depth(np.array([[10.0, 20.0], [np.inf, 60.0]]))
    assert depth[0, 0] == 1
    assert depth[0, 1] == pytest.approx((10 + 31.086) / (20 + 31.086))
    assert depth[1, 0] in (depth[0, 0], depth[1, 1])


def test_exact_haze() -> None:
    clear = np.full((2, 2, 3), 100, np.uint8)
    hazy = add_exact_haze(clear, np.array([[0.0, 1.0], [0.5, 1.0]]), density=1.0, airlight=0.8)
    assert hazy[0, 0, 0] == 100
    assert hazy[0, 1, 0] == round(100 * np.exp(-1) + 204 * (1 - np.exp(-1)))
