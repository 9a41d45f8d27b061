"""Applies a generator to photos of any size in little memory."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from claritygan_cli.engine.generators import Generator, working_shape
from claritygan_cli.engine.restoration import resize
from claritygan_cli.errors import UsageError

BAND_PIXELS = 1 << 17
"""Pixels of the photo that are translated at once; a band's floats fit in a core's cache."""


def choose_device(name: str) -> torch.device:
    """``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UsageError: the device asked for is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
    if name not in there:
        raise UsageError(f"--device {name}: choose auto, cpu, cuda or mps")
    if not there[name]:
        raise UsageError(f"--device {name}: no such device here; use --device cpu or auto")
    return torch.device(name)


class ImageTranslator:
    """A generator on a device, for numpy photos.

    The network predictions at the photo at the working size; the full-size photo is then translated in bands of rows,
    so that memory beyond the photo and its result stays small.

    Args:
        generator: in evaluation mode.
        device: where it runs.
        working_size: longest side at which the network predictions; None for the generator's own.
    """

    def __init__(self, generator: Generator, device: torch.device, working_size: int | None = None) -> None:
        self.generator = generator.to(device).eval()
        self.device = device
        self.working_size = working_size or generator.working_size

    def _small(self, pixels: np.ndarray, scale: float) -> Tensor:
        """The photo at the working size, (1, 3, h, w); one channel at a time, to keep the peak of memory low."""
        size = working_shape(pixels.shape[0], pixels.shape[1], self.working_size, self.generator.multiple)
        channels = (torch.from_numpy(pixels[None, None, ..., c].astype(np.float32)) for c in range(3))
        return torch.cat([resize(channel, size) for channel in channels], 1).to(self.device) / scale

    @torch.inference_mode()
    def __call__(self, pixels: np.ndarray, **parameters: Any) -> np.ndarray:
        """Translate a photo.

        Args:
            pixels: (H, W, 3), uint8 or uint16; not changed.
            parameters: what the generator's lift takes: ``strength``, or ``density`` and ``airlight``.

        Returns:
            (H, W, 3) of the same type.
        """
        height, width = pixels.shape[:2]
        scale = float(np.iinfo(pixels.dtype).max)
        result = np.empty_like(pixels)
        lift = self.generator.look(self._small(pixels, scale))
        step = max(1, BAND_PIXELS // width)
        for top in range(0, height, step):
            first, last = max(0, top - lift.margin), top + step + lift.margin
            band = torch.from_numpy(pixels[first:last].astype(np.float32)).to(self.device)
            rows = lift.rows(band.permute(2, 0, 1)[None] / scale, height, first, **parameters)
            rows = rows[0, :, top - first :][:, :step].mul_(scale).round_().permute(1, 2, 0)
            result[top : top + step] = rows.cpu().numpy().astype(pixels.dtype)
        return result
