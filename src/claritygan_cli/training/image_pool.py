"""History of generated pictures (Shrivastava et al., "Learning from Simulated and Unsupervised Images", CVPR 2017)."""

from typing import Any

import torch
from torch import Tensor


class ImagePool:
    """Shows discriminators old fakes along with new ones, so that they do not forget.

    Args:
        size: pictures kept of each shape; 0 passes everything through.
        seed: seed of the pool's own random numbers.
    """

    def __init__(self, size: int = 50, seed: int = 0) -> None:
        self.size = size
        self.images: dict[torch.Size, list[Tensor]] = {}
        self._random = torch.Generator().manual_seed(seed)

    def query(self, images: Tensor) -> Tensor:
        """Put in (N, C, H, W) and get as many out: each new one, or with probability 1/2 an old one in its place."""
        kept = self.images.setdefault(images.shape[1:], [])
        out = []
        for image in images.detach():
            chance, index = torch.rand(2, generator=self._random).tolist()
            slot = int(index * self.size)
            if len(kept) < self.size:
                kept.append(image.clone())
            elif self.size and chance > 0.5:
                image, kept[slot] = kept[slot], image.clone()
            out.append(image)
        return torch.stack(out)

    def state_dict(self) -> dict[str, Any]:
        """All that decides what comes out next."""
        return {
            "images": [[image.cpu() for image in kept] for kept in self.images.values()],
            "random": self._random.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        """Go on where :meth:`state_dict` was taken, with pictures on a device."""
        self.images = {kept[0].shape: [image.to(device) for image in kept] for kept in state["images"] if kept}
        self._random.set_state(state["random"])
