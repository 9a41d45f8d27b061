import math

import numpy as np
import pytest

from claritygan_cli.evaluation.metrics import METRICS, Scores, mean_scores, score


def test_psnr_by_hand() -> None:
    a = np.full((16, 16, 3), 100, np.uint8)
    b = a.copy()
    b[..., 0] += 10
    assert score(b, a)["psnr"] == pytest.approx(10 * math.log10(255**2 / (100 / 3)), abs=1e-6)


def test_identical_pictures(photo: np.ndarray) -> None:
    assert score(photo, photo) == {"psnr": 100.0, "ssim": pytest.approx(1.0), "ciede2000": 0.0}


def test_ssim_is_that_of_wang(photo: np.ndarray, random: np.random.Generator) -> None:
    """Wang et al. 2004 written out for one window: the middle of an 11x11 picture."""
    a = photo[40:51, 40:51]
    b = np.clip(a + random.normal(0, 12, a.shape), 0, 255).astype(np.uint8)
    axis = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    window = np.outer(axis, axis) / np.outer(axis, axis).sum()
    values = []
    for c in range(3):
        x, y = a[..., c].astype(float), b[..., c].astype(float)
        mx, my = (window * x).sum(), (window * y).sum()
        vx, vy = (window * x * x).sum() - mx**2, (window * y * y).sum() - my**2
        vxy = (window * x * y).sum() - mx * my
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        values.append((2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    assert score(b, a)["ssim"] == pytest.approx(np.mean(values), abs=1e-6)


def test_ciede2000_of_the_published_pair() -> None:
    """Black and white are 100 apart."""
    black, white = np.zeros((12, 12, 3), np.uint8), np.full((12, 12, 3), 255, np.uint8)
    assert score(black, white)["ciede2000"] == pytest.approx(100, abs=0.1)


def test_tiny_pictures_have_no_ssim() -> None:
    tiny = np.zeros((4, 4, 3), np.uint8)
    values = score(tiny, tiny + 1)
    assert values["ssim"] is None
    assert values["psnr"] == pytest.approx(48.13, abs=0.01)
    other: Scores = {"psnr": 20.0, "ssim": 0.5, "ciede2000": 1.0}
    assert mean_scores([values, other])["ssim"] == 0.5
    assert mean_scores([values])["ssim"] is None


def test_sizes_must_agree() -> None:
    with pytest.raises(ValueError, match="sizes differ"):
        score(np.zeros((12, 12, 3), np.uint8), np.zeros((12, 13, 3), np.uint8))


def test_mean_is_of_each_metric() -> None:
    rows = [dict.fromkeys(METRICS, 1.0), dict.fromkeys(METRICS, 3.0)]
    assert mean_scores(rows) == dict.fromkeys(METRICS, 2.0)
