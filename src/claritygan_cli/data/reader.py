"""Training pictures in memory, and the crops that are cut from them."""

import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from claritygan_cli.data.black_point import natural_veil
from claritygan_cli.data.depth import CAMVID_SKY, from_camvid_labels, from_logarithms, invent
from claritygan_cli.data.layouts import Source
from claritygan_cli.engine.resampling import resize
from claritygan_cli.errors import DataError, ImageError
from claritygan_cli.media.image_reader import picture_size, read_map, read_picture

DEPTHS_PER_PHOTO = 5
DEPTH_SIDE = 112
LEAST_OVERLAP = 0.9
"""A truth of another size is cut to the common middle (RESIDE's has a frame); beyond that, it is another picture."""


@dataclass(frozen=True)
class Box:
    """Part of a picture, in shares of its height and width; perhaps mirrored."""

    top: float
    left: float
    height: float
    width: float
    mirrored: bool


def random_box(height: int, width: int, shape: tuple[int, int], random: np.random.Generator) -> Box:
    """A random part of a picture with the shape's aspect, mostly nearly all of it: the aspect ratio is kept."""
    share = random.uniform(0.85, 1.0) if random.random() < 0.6 else random.uniform(0.45, 0.85)
    scale = min(height / shape[0], width / shape[1]) * share
    h, w = shape[0] * scale / height, shape[1] * scale / width
    return Box(random.uniform(0, 1 - h), random.uniform(0, 1 - w), h, w, bool(random.random() < 0.5))


def cut(picture: Tensor, box: Box, shape: tuple[int, int]) -> Tensor:
    """A crop of a picture or map.

    Args:
        picture: (C, H, W), uint8, or float >= 0.

    Returns:
        (C, h, w), float32; in [0, 1] if it was uint8.
    """
    height, width = picture.shape[1:]
    top, left = int(box.top * height), int(box.left * width)
    bottom = max(top + 1, int((box.top + box.height) * height))
    right = max(left + 1, int((box.left + box.width) * width))
    part = picture[None, :, top:bottom, left:right].float()
    crop = resize(part / 255 if picture.dtype == torch.uint8 else part, shape)[0].clamp_min(0)
    if picture.dtype == torch.uint8:
        crop = crop.clamp_max(1)
    return crop.flip(2) if box.mirrored else crop


def common_middle(pixels: np.ndarray, size: tuple[int, int], path: Path) -> np.ndarray:
    """The part of a picture (H, W, 3) that it shares with one of another size (width, height) and the same centre.

    Raises:
        DataError: that is not nearly all of both.
    """
    own = pixels.shape[1], pixels.shape[0]
    sides = list(zip(own, size, strict=True))
    if min(min(a, b) / max(a, b) for a, b in sides) < LEAST_OVERLAP:
        raise DataError(f"{path}: is of {own} pixels, but the picture that it belongs to of {size}")
    (width, height), (left, top) = [min(a, b) for a, b in sides], [max(0, a - b) // 2 for a, b in sides]
    return pixels[top : top + height, left : left + width]


class Reader:
    """Reads pictures, depth and masks at a size that suits the crops, and keeps what fits into memory.

    Args:
        short_side: pictures are shrunk to this short side, in pixels, where they are larger.
        memory: bytes to keep.
    """

    def __init__(self, short_side: int, memory: int) -> None:
        self.short_side, self.memory, self.used = short_side, memory, 0
        self._kept: OrderedDict[tuple[object, ...], Tensor] = OrderedDict()

    def _keep(self, key: tuple[object, ...], read: Callable[[], Tensor]) -> Tensor:
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        value = read()
        self._kept[key] = value
        self.used += value.nbytes
        while self.used > self.memory and len(self._kept) > 1:
            self.used -= self._kept.popitem(last=False)[1].nbytes
        return value

    def picture(self, path: Path, size: tuple[int, int] | None = None) -> Tensor:
        """A picture, (3, H, W) uint8.

        Args:
            size: (width, height) of the picture that it belongs to; cut to their common middle if it differs.

        Raises:
            DataError: the file cannot be read, or has quite another size.
        """
        return self._keep((path, size), lambda: self._read(path, size))

    def natural_veil(self, path: Path) -> Tensor:
        """See :func:`claritygan_cli.data.black_point.natural_veil`; (1, 1, 1) float32.

        Raises:
            DataError: the file cannot be read.
        """
        return self._keep((path, "veil"), lambda: torch.tensor([[[natural_veil(self.picture(path))]]]))

    def pair(self, path: Path, truth: Path) -> tuple[Tensor, Tensor]:
        """A picture and its truth, cut to their common middle where their sizes differ.

        Raises:
            DataError: a file cannot be read, or they are of quite different sizes.
        """
        sizes = self.size(path), self.size(truth)
        if sizes[0] == sizes[1]:
            return self.picture(path), self.picture(truth)
        return self.picture(path, sizes[1]), self.picture(truth, sizes[0])

    def size(self, path: Path) -> tuple[int, int]:
        """(width, height) of a picture, from its header.

        Raises:
            DataError: the file cannot be read.
        """
        try:
            return picture_size(path)
        except ImageError as error:
            raise DataError(str(error)) from error

    def _read(self, path: Path, size: tuple[int, int] | None) -> Tensor:
        try:
            pixels = read_picture(path, self.short_side if size is None else None).at_8_bits().pixels
        except ImageError as error:
            raise DataError(str(error)) from error
        if size is not None:
            pixels = common_middle(pixels, size, path)
        scale = self.short_side / min(pixels.shape[:2])
        if scale < 1:
            wanted = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
            resized = Image.fromarray(pixels).resize(wanted, Image.Resampling.BICUBIC, reducing_gap=3.0)
            pixels = np.asarray(resized)
        return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).contiguous()

    def depth(self, source: Source, random: np.random.Generator) -> Tensor:
        """Depth and sky of a clear picture, (2, h, w) float16; see :class:`claritygan_cli.data.synthesis.Scenes`.

        Raises:
            DataError: a file cannot be read.
        """
        if source.partner is not None:
            path, read = source.partner, READ[source.haze]
            depth = self._keep((path,), lambda: read(path))
            picture = self.picture(source.picture)
            aspects = [map.shape[2] / map.shape[1] for map in (depth, picture)]
            if min(aspects) / max(aspects) < LEAST_OVERLAP:
                raise DataError(f"{path}: has another shape than {source.picture}, which it belongs to")
            return depth
        variant = int(random.integers(DEPTHS_PER_PHOTO))
        return self._keep((source.picture, variant), lambda: self._invent(source.picture, variant))

    def _invent(self, path: Path, variant: int) -> Tensor:
        """One of a few depths for a photo; the same one whoever asks, so that runs can be repeated."""
        image = self.picture(path)
        scale = DEPTH_SIDE / max(image.shape[1:])
        size = (max(8, round(image.shape[1] * scale)), max(8, round(image.shape[2] * scale)))
        small = resize(image[None].float() / 255, size)[0].permute(1, 2, 0).numpy()
        depth = invent(small, np.random.default_rng([zlib.crc32(path.name.encode()), variant]))
        return without_sky(depth)


def without_sky(depth: np.ndarray) -> Tensor:
    """Depth (h, w) with an empty map of sky: (2, h, w) float16."""
    return torch.from_numpy(np.stack([depth, np.zeros_like(depth)])).half()


def _read_map(path: Path) -> np.ndarray:
    try:
        return read_map(path)
    except ImageError as error:
        raise DataError(str(error)) from error


def read_depth(path: Path) -> Tensor:
    """Depth divided by its maximum, and no sky; unknown pixels take the value of the nearest known one: (2, h, w)
    float16.

    Raises:
        DataError: the file cannot be read, or holds no depth.
    """
    depth = _read_map(path).astype(np.float32)
    unknown = depth == 0
    if depth.ndim != 2 or unknown.all() or not np.isfinite(depth).all():
        raise DataError(f"{path}: holds no depth; leave it out")
    if unknown.any():
        nearest = ndimage.distance_transform_edt(unknown, return_distances=False, return_indices=True)
        depth = depth[tuple(nearest)]
    return without_sky(depth / depth.max())


def read_relative_depth(path: Path) -> Tensor:
    """Depth and sky of 8-bit logarithms, see :func:`claritygan_cli.data.depth.from_logarithms`: (2, h, w) float16.

    Raises:
        DataError: the file cannot be read, or is no such map.
    """
    values = _read_map(path)
    if values.ndim != 2 or values.dtype != np.uint8:
        raise DataError(f"{path}: holds no relative depth (8 bits, one channel)")
    return torch.from_numpy(np.stack(from_logarithms(values))).half()


def read_mask(path: Path) -> Tensor:
    """Depth and sky from a mask of CamVid's classes: (2, h, w) float16.

    Raises:
        DataError: the file cannot be read, or is no mask.
    """
    labels = _read_map(path)
    if labels.ndim != 2:
        raise DataError(f"{path}: is no mask of classes (one channel)")
    sky = (labels == CAMVID_SKY).astype(np.float32)
    return torch.from_numpy(np.stack([from_camvid_labels(labels), sky])).half()


READ: dict[str, Callable[[Path], Tensor]] = {
    "measured": read_depth,
    "relative": read_relative_depth,
    "masked": read_mask,
}
"""How the partner of a source is read, by where its haze comes from."""
