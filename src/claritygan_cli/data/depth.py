"""Relative depth, 0 near to 1 far, for photos that come without a measured one.

Nothing here is true depth: the shapes are those that haze takes in street scenes and landscapes, so that a network sees
haze that follows objects, ground and sky.
"""

import numpy as np
from scipy import ndimage
from skimage.segmentation import felzenszwalb

CAMVID_SKY, CAMVID_UNLABELLED = 0, 11
CAMVID_GROUND = (3, 4)
LOGARITHM = 40
"""Steps of an 8-bit logarithm of depth in which it grows e-fold."""
FAR_QUANTILE, FARTHEST = 0.95, 2.0
"""Relative depth is 1 at this quantile of the land, and cut off at that."""


def ground_plane(height: int, width: int, horizon: float, tilt: float = 0.0, nearest: float = 0.06) -> np.ndarray:
    """Depth of a flat ground seen in perspective, 1 at and above the horizon.

    Args:
        horizon: its height as a share of the picture, from the top; may lie outside the picture.
        tilt: how far the horizon falls from left to right, as a share of the picture's height.
        nearest: depth at the bottom of a picture whose horizon lies at its top.

    Returns:
        (height, width), float32 in (0, 1].
    """
    rows = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height
    line = horizon + tilt * (np.linspace(-0.5, 0.5, width, dtype=np.float32)[None])
    return np.clip(nearest / np.maximum(rows - line, 1e-3), 0, 1).astype(np.float32)


def from_camvid_labels(labels: np.ndarray) -> np.ndarray:
    """Depth of a street scene from its class mask: ground is a plane, sky is farthest, what stands on the ground is as
    far away as the ground at its foot, column by column.

    Args:
        labels: (H, W) of CamVid's twelve classes.

    Returns:
        (H, W), float32 in (0, 1].
    """
    height, width = labels.shape
    ground = np.isin(labels, CAMVID_GROUND)
    columns_top = np.where(ground.any(0), ground.argmax(0), height)
    horizon = float(np.clip(np.percentile(columns_top, 5) / height - 0.02, 0.2, 0.6))
    depth = ground_plane(height, width, horizon, nearest=0.05)
    standing = ~ground & (labels != CAMVID_SKY)
    foot = depth.copy()
    for row in range(height - 2, -1, -1):
        same = standing[row] & standing[row + 1] & (labels[row] == labels[row + 1])
        foot[row] = np.where(same, foot[row + 1], foot[row])
    depth = np.where(standing, foot, depth)
    depth = ndimage.median_filter(depth, size=(1, 9))
    depth[labels == CAMVID_SKY] = 1
    return depth.astype(np.float32)


def from_logarithms(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Relative depth from 8-bit logarithms: ``exp(value / 40)``. Sky is 0 or 255, those that stand in the upper half.

    Args:
        values: (H, W), uint8.

    Returns:
        Depth, 1 where 95 % of the land are nearer, at most 2, and there too in the sky; and the share of sky, 0 or 1:
        (H, W) float32 each.
    """
    rows = np.arange(len(values))[:, None]
    sky = np.zeros(values.shape, bool)
    for value in (0, 255):
        there = values == value
        if there.any() and (rows * there).sum() / there.sum() < len(values) / 2:
            sky |= there
    depth = np.exp(values.astype(np.float32) / LOGARITHM)
    far = float(np.quantile(depth[~sky], FAR_QUANTILE)) if (~sky).any() else 1.0
    depth = np.where(sky, FARTHEST, np.clip(depth / far, 0, FARTHEST))
    return depth.astype(np.float32), sky.astype(np.float32)


def _looks_like_sky(image: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Segments that touch the top edge and are bright, smooth and not warm-coloured: (count,) of bool."""
    count = segments.max() + 1
    index = np.arange(count)
    grey = image.mean(2)
    edges = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1))
    top = np.isin(index, segments[:2])
    smooth = np.asarray(ndimage.mean(edges, segments, index)) < 0.12
    brightness = np.asarray(ndimage.mean(grey, segments, index))
    bright = brightness > max(0.35, float(np.percentile(grey, 40)))
    cool = np.asarray(ndimage.mean(image[..., 2] - image[..., 0], segments, index)) > -0.08
    return top & smooth & bright & cool


def invent(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A plausible depth for any photo, another one at every call.

    The photo is cut into segments (Felzenszwalb, Huttenlocher, IJCV 2004) that stand on a ground plane with a random
    horizon and lean on it in part; the sky, where there seems to be one, is far away; a smooth random relief is added.

    Args:
        image: (H, W, 3), float in [0, 1]; about 100 pixels a side is enough.

    Returns:
        (H, W), float32 in [0, 1].
    """
    height, width = image.shape[:2]
    scale = float(rng.choice([40, 120, 300]))
    segments = felzenszwalb(image, scale=scale, sigma=0.8, min_size=max(8, height * width // 300))
    index = np.arange(segments.max() + 1)
    ground = ground_plane(height, width, rng.uniform(-0.3, 0.55), rng.normal(0, 0.1), rng.uniform(0.04, 0.25))
    rows = np.repeat(np.arange(height)[:, None], width, 1)
    foot = np.clip(np.asarray(ndimage.maximum(rows, segments, index)).astype(int), 0, height - 1)
    stands = ground.mean(1)[foot] * np.exp(rng.normal(0, 0.25, len(index)))
    flat = rng.random(len(index)) < 0.4  # these lie on the ground instead of standing on it
    depth = np.where(flat[segments], ground, stands[segments])
    relief = ndimage.zoom(rng.random((3, 3)), (height / 3, width / 3), order=1, grid_mode=True, mode="nearest")
    depth = depth * (1 - 0.4 * rng.random()) + relief * 0.4 * rng.random()
    depth = np.clip(depth / max(float(np.percentile(depth, 98)), 1e-3), 0, 1)
    sky = _looks_like_sky(image, segments)[segments]
    if sky.any():
        depth = np.where(sky, rng.uniform(0.6, 1.0), depth * rng.uniform(0.5, 1.0))
    return ndimage.gaussian_filter(depth, 0.6).astype(np.float32)
