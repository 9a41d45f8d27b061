"""Batches of views for training."""

import numpy as np
import torch
from torch import Tensor

from claritygan_cli.data.photo_sets import Photo, PhotoSets, view
from claritygan_cli.data.synthesis import INDOOR, OUTDOOR, HazeRange, HazyViews, add_random_haze, vary_colours

# all are multiples of the networks' stride, so that a view is looked at as it is
SHAPES = ((96, 128), (128, 128), (128, 96), (128, 160), (192, 256), (256, 192))
SHAPE_WEIGHTS = (0.3, 0.15, 0.05, 0.15, 0.3, 0.05)
REFERENCE_AREA = 128 * 128
INDOOR_SHARE, STREET_SHARE = 0.5, 0.15


class ViewSampler:
    """Draws batches from photo sets; every random number comes from its two seeded generators.

    Args:
        batch: views of 128x128 pixels in a batch; larger views come in proportionally smaller batches.
    """

    def __init__(self, sets: PhotoSets, batch: int, seed: int) -> None:
        self.sets, self.batch = sets, batch
        self.reseed(seed, 0)

    def reseed(self, seed: int, step: int) -> None:
        """Start new random numbers, others for every step."""
        self.random = np.random.default_rng([seed, step])
        self.torch_random = torch.Generator().manual_seed(seed + step)

    def shape_and_count(self) -> tuple[tuple[int, int], int]:
        """A random view shape and how many views of it make a batch."""
        shape = SHAPES[int(self.random.choice(len(SHAPES), p=SHAPE_WEIGHTS))]
        return shape, max(4, round(self.batch * REFERENCE_AREA / (shape[0] * shape[1])))

    def _views(
        self, photos: list[Photo], count: int, shape: tuple[int, int], with_depth: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        chosen = [photos[int(i)] for i in self.random.integers(len(photos), size=count)]
        pairs = [view(photo, shape, self.random, with_depth) for photo in chosen]
        measured = torch.tensor([photo.measured for photo in chosen])
        return torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs]), measured

    def _synthetic(self, photos: list[Photo], count: int, shape: tuple[int, int], ranges: HazeRange) -> HazyViews:
        clear, depth, measured = self._views(photos, count, shape, with_depth=True)
        return add_random_haze(vary_colours(clear, self.torch_random), depth, measured, ranges, self.torch_random)

    def synthetic(self) -> HazyViews:
        """A batch of synthetic haze: half of it indoors where there are such photos, the rest outdoors."""
        shape, count = self.shape_and_count()
        groups = [
            (self.sets.indoor, INDOOR_SHARE, INDOOR),
            (self.sets.street, STREET_SHARE, OUTDOOR),
            (self.sets.clear, 1 - INDOOR_SHARE - STREET_SHARE, OUTDOOR),
        ]
        groups = [group for group in groups if group[0]]
        shares = np.array([share for _, share, _ in groups])
        counts = self.random.multinomial(count, shares / shares.sum())
        parts = [
            self._synthetic(photos, int(n), shape, ranges)
            for (photos, _, ranges), n in zip(groups, counts, strict=True)
            if n
        ]
        return HazyViews(
            **{name: torch.cat([getattr(part, name) for part in parts]) for name in HazyViews.__dataclass_fields__}
        )

    def unpaired(self, count: int, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Real hazy views and clear views of other scenes, (count, 3, h, w) each."""
        hazy, _, _ = self._views(self.sets.hazy, count, shape, with_depth=False)
        clear, _, _ = self._views(self.sets.street + self.sets.clear, count, shape, with_depth=False)
        return hazy, clear
