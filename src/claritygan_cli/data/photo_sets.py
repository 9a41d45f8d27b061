"""Folders of training photos, held in memory, and the views that are cut from them.

A training folder may hold any of these; each subfolder is recognised by what is in it:

    NAME/rgb + NAME/depth    photos with measured depth (PNG of any size, 8 or 16 bit, 0 = unknown)
    NAME/rgb + NAME/labels   street scenes with CamVid class masks, from which depth is made
    clear/                   clear photos; a few depths are invented for each
    hazy/                    real haze
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from claritygan_cli.data.depth import from_camvid_labels, invent
from claritygan_cli.data.folders import image_files
from claritygan_cli.engine.generators import resize
from claritygan_cli.errors import DataError

DEPTHS_PER_PHOTO = 5
DEPTH_SIDE = 112


@dataclass
class Photo:
    """A photo in memory.

    Attributes:
        image: (3, H, W) uint8.
        depth: (1, h, w) float16, relative, 1 the farthest; None where it has to be invented.
        measured: whether the depth was measured.
    """

    image: Tensor
    depth: Tensor | None = None
    measured: bool = False
    invented: list[Tensor] = field(default_factory=list)

    def some_depth(self, random: np.random.Generator) -> Tensor:
        """The photo's depth, or one of a few invented ones: (1, h, w) float32."""
        if self.depth is not None:
            return self.depth.float()
        if len(self.invented) < DEPTHS_PER_PHOTO:
            scale = DEPTH_SIDE / max(self.image.shape[1:])
            size = (max(8, round(self.image.shape[1] * scale)), max(8, round(self.image.shape[2] * scale)))
            small = resize(self.image[None].float() / 255, size)[0].permute(1, 2, 0).numpy()
            self.invented.append(torch.from_numpy(invent(small, random))[None].half())
            return self.invented[-1].float()
        return self.invented[int(random.integers(len(self.invented)))].float()


@dataclass
class PhotoSets:
    """All photos of a training folder.

    Attributes:
        indoor: photos with measured depth. street: with depth from masks. clear: without. hazy: real haze.
    """

    indoor: list[Photo] = field(default_factory=list)
    street: list[Photo] = field(default_factory=list)
    clear: list[Photo] = field(default_factory=list)
    hazy: list[Photo] = field(default_factory=list)


def _read(path: Path) -> Tensor:
    with Image.open(path) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).contiguous()


def _read_depth(path: Path) -> Tensor:
    """Depth divided by its maximum; unknown pixels take the value of the nearest known one."""
    with Image.open(path) as image:
        depth = np.array(image).astype(np.float32)
    unknown = depth == 0
    if unknown.all():
        raise DataError(f"{path}: holds no depth at all; leave it out")
    if unknown.any():
        nearest = ndimage.distance_transform_edt(unknown, return_distances=False, return_indices=True)
        depth = depth[tuple(nearest)]
    return torch.from_numpy(depth / depth.max())[None].half()


def _read_labels(path: Path) -> Tensor:
    with Image.open(path) as image:
        return torch.from_numpy(from_camvid_labels(np.array(image)))[None].half()


def _companion(photo: Path, folder: Path) -> Path:
    for suffix in (".png", photo.suffix):
        if (folder / (photo.stem + suffix)).is_file():
            return folder / (photo.stem + suffix)
    raise DataError(f"{photo}: has no partner in {folder}; every photo there needs one of the same name")


def load_photo_sets(root: Path) -> PhotoSets:
    """Read a training folder into memory.

    Raises:
        DataError: nothing usable is there, or a photo lacks its depth or mask.
    """
    sets = PhotoSets()
    for folder in sorted(p for p in root.iterdir() if p.is_dir()) if root.is_dir() else []:
        photos = image_files(folder / "rgb")
        if (folder / "depth").is_dir():
            sets.indoor += [Photo(_read(p), _read_depth(_companion(p, folder / "depth")), True) for p in photos]
        elif (folder / "labels").is_dir():
            sets.street += [Photo(_read(p), _read_labels(_companion(p, folder / "labels"))) for p in photos]
    sets.clear = [Photo(_read(p)) for p in image_files(root / "clear")]
    sets.hazy = [Photo(_read(p)) for p in image_files(root / "hazy")]
    if not (sets.indoor or sets.street or sets.clear):
        raise DataError(f"{root}: no training photos; expected NAME/rgb with NAME/depth or NAME/labels, or clear/")
    return sets


def random_box(
    height: int, width: int, shape: tuple[int, int], random: np.random.Generator
) -> tuple[int, int, int, int]:
    """A random part (top, left, height, width) of a picture with the shape's aspect, mostly nearly all of it."""
    share = random.uniform(0.85, 1.0) if random.random() < 0.6 else random.uniform(0.45, 0.85)
    scale = min(height / shape[0], width / shape[1]) * share
    h, w = max(1, int(shape[0] * scale)), max(1, int(shape[1] * scale))
    return int(random.integers(height - h + 1)), int(random.integers(width - w + 1)), h, w


def view(
    photo: Photo, shape: tuple[int, int], random: np.random.Generator, with_depth: bool = True
) -> tuple[Tensor, Tensor]:
    """A random, perhaps mirrored view of a photo and its depth: (3, h, w) and (1, h, w), float32 in [0, 1]."""
    height, width = photo.image.shape[1:]
    top, left, h, w = random_box(height, width, shape, random)
    image = resize(photo.image[None, :, top : top + h, left : left + w].float() / 255, shape)[0]
    depth = torch.zeros(1, *shape)
    if with_depth:
        whole = photo.some_depth(random)
        down, across = whole.shape[1] / height, whole.shape[2] / width
        rows = slice(int(top * down), max(int(top * down) + 1, int((top + h) * down)))
        columns = slice(int(left * across), max(int(left * across) + 1, int((left + w) * across)))
        depth = resize(whole[None, :, rows, columns], shape)[0]
    if random.random() < 0.5:
        image, depth = image.flip(2), depth.flip(2)
    return image.clamp(0, 1), depth.clamp(0, 1)
