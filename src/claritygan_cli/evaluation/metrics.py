"""Image quality against a ground truth, computed by scikit-image."""

import numpy as np

METRICS = ("psnr", "ssim", "ciede2000")
PROTOCOL = (
    "sRGB, 8 bit, full size; PSNR over all channels (peak 255, identical pictures count as 100 dB); SSIM with Gaussian "
    "window (11x11, sigma 1.5, population covariance), mean of channels; CIEDE2000 mean over pixels (D65)"
)
IDENTICAL_PSNR = 100.0


Scores = dict[str, float | None]
"""Metric: value; None where a picture is too small for it."""


def psnr(picture: np.ndarray, truth: np.ndarray) -> float:
    """PSNR (dB) of two pictures (H, W, 3) uint8 of one size, under :data:`PROTOCOL`."""
    from skimage.metrics import peak_signal_noise_ratio  # slow to import, and most runs score nothing

    if np.array_equal(picture, truth):
        return IDENTICAL_PSNR
    return float(peak_signal_noise_ratio(truth, picture, data_range=255))


def score(picture: np.ndarray, truth: np.ndarray) -> Scores:
    """PSNR (dB), SSIM (-1..1) and CIEDE2000 (0 = same colours) of two pictures, under :data:`PROTOCOL`.

    Pictures with a side under 11 pixels hold no SSIM window; theirs is None.

    Args:
        picture: (H, W, 3) uint8.
        truth: (H, W, 3) uint8.

    Raises:
        ValueError: the sizes differ.
    """
    from skimage.color import deltaE_ciede2000, rgb2lab  # slow to import, and most runs score nothing
    from skimage.metrics import structural_similarity

    if picture.shape != truth.shape:
        raise ValueError(f"sizes differ: {picture.shape} and {truth.shape}")
    ssim = None
    if min(truth.shape[:2]) >= 11:
        ssim = structural_similarity(
            picture,
            truth,
            data_range=255,
            channel_axis=2,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    return {
        "psnr": psnr(picture, truth),
        "ssim": None if ssim is None else float(ssim),
        "ciede2000": float(deltaE_ciede2000(rgb2lab(picture), rgb2lab(truth)).mean()),
    }


def mean_scores(scores: list[Scores]) -> Scores:
    """Mean of each metric over the pictures that have it."""
    means: Scores = {}
    for name in METRICS:
        values = [value for row in scores if (value := row[name]) is not None]
        means[name] = sum(values) / len(values) if values else None
    return means
