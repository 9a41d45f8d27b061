"""History of generated pictures (Shrivastava et al., "Learning from Simulated and Unsupervised Images", CVPR 2017)."""

import torch
from torch import Tensor


class ImagePool:
    """Shows critics old fakes along with new ones, so that they do not forget.

    Args:
        size: pictures kept; 0 passes everything through.
        seed: seed of the pool's own random numbers.
    """

    def __init__(self, size: int = 50, seed: int = 0) -> None:
        self.size = size
        self.images: list[Tensor] = []
        self._random = torch.Generator().manual_seed(seed)

    def query(self, images: Tensor) -> Tensor:
        """Put in (N, C, H, W) and get as many out: each new picture, or with probability 1/2 an old one in its place.

        Pictures of another size than the new ones are never handed out.
        """
        out = []
        for image in images.detach():
            chance, index = torch.rand(2, generator=self._random).tolist()
            slot = int(index * self.size)
            if len(self.images) < self.size:
                self.images.append(image.clone())
            elif self.size and chance > 0.5:
                old, self.images[slot] = self.images[slot], image.clone()
                image = old if old.shape == image.shape else image
            out.append(image)
        return torch.stack(out)
