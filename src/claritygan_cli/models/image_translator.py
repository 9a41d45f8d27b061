"""Applies a generator to photos of any size in little memory."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from torch import Tensor

from claritygan_cli.engine.amounts import Amount
from claritygan_cli.engine.estimate import LEAST_TRANSMISSION, Estimate, HazeEstimate, summary_of
from claritygan_cli.engine.generators import Generator, ResnetGenerator
from claritygan_cli.engine.haze_summary import HazeSummary
from claritygan_cli.engine.refinement import predict, refine
from claritygan_cli.engine.resampling import luma
from claritygan_cli.engine.restoration import Restoration, Scattering, prepare
from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.engine.upsampling import GuidedUpsampling
from claritygan_cli.errors import UsageError
from claritygan_cli.models.kinds import LEAST_TILE, TILE
from claritygan_cli.models.working_copy import working_copy
from claritygan_cli.processors import processors

logger = logging.getLogger(__name__)

BAND_PIXELS = 1 << 17
"""Pixels of the photo that torch translates at once, where the fused pass is not for it."""


class ImageTranslator:
    """A generator on a device, for numpy photos.

    The network sees a copy of the photo at the working size; the full-size photo is then translated in bands of rows,
    so that memory beyond the photo and its result stays small.

    Args:
        generator: its weights are not changed.
        device: where it runs.
        restoration: what is done with its estimates; None for the generator's own.
        working_size: longest side of the copy, in pixels; None for the generator's own.
    """

    def __init__(
        self,
        generator: Generator,
        device: torch.device,
        restoration: RestorationConfig | None = None,
        working_size: int | None = None,
    ) -> None:
        self.generator = generator.to(device).eval()
        self.device = device
        self.restoration = restoration or generator.restoration
        self.working_size = working_size or generator.working_size
        self.scatters = generator.scatters
        self._turn = nullcontext() if self._scatters_on_cpu else threading.Lock()

    @property
    def _scatters_on_cpu(self) -> bool:
        return self.device.type == "cpu" and self.generator.scatters

    @contextmanager
    def parallel(self) -> Iterator[None]:
        """In which threads that begin give photos, each its own.

        A small network on the CPU then takes one thread for each photo: torch's own threads would wait for one another
        at every layer, the longer the busier the machine is, and their number would change the last bits.
        """
        before = torch.get_num_threads()
        if self._scatters_on_cpu:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def small_copy(self, pixels: np.ndarray) -> Tensor:
        """A photo (H, W, 3), uint8 or uint16, at the working size: (1, 3, h, w) in [0, 1]."""
        return torch.from_numpy(working_copy(pixels, self.working_size, self.generator.multiple)).to(self.device)

    def _seen(self, pixels: np.ndarray) -> tuple[Tensor, Estimate]:
        """The photo at the working size, and the estimate of it, refined.

        Where a GPU's memory does not suffice, this is tried again in smaller tiles, then on the CPU, which stays so.
        """
        while True:
            try:
                small = self.small_copy(pixels)
                estimate = predict(self.generator.predict, small, self.restoration)
                return small, refine(small, estimate, self.restoration)
            except torch.cuda.OutOfMemoryError:
                if self.device.type == "cpu":
                    raise
                self._need_less_memory()

    def _need_less_memory(self) -> None:
        generator = self.generator
        if isinstance(generator, ResnetGenerator) and (generator.tile or TILE) // 2 >= LEAST_TILE:
            generator.tile = (generator.tile or TILE) // 2
            logger.warning("the GPU's memory is full; going on in tiles of %d pixels", generator.tile)
        else:
            self.device = torch.device("cpu")
            generator.to(self.device)
            logger.warning("the GPU's memory is full; going on without it")

    @torch.inference_mode()
    def estimate(self, pixels: np.ndarray) -> Estimate:
        """The estimate of a photo (H, W, 3), uint8 or uint16, refined, at the network's resolution."""
        return self._seen(pixels)[1]

    def transmission(self, pixels: np.ndarray) -> np.ndarray | None:
        """See :class:`claritygan_cli.models.photo_translator.PhotoTranslator`."""
        with self._turn:
            estimate = self.estimate(pixels)
        return estimate.transmission[0, 0].cpu().numpy() if isinstance(estimate, HazeEstimate) else None

    @torch.inference_mode()
    def full_size_transmission(self, pixels: np.ndarray) -> tuple[HazeEstimate, np.ndarray]:
        """The haze of a photo (H, W, 3), uint8 or uint16, and its transmission at full size, (H, W) float32 in (0, 1].

        Raises:
            UsageError: the generator estimates no haze.
        """
        small, estimate = self._seen(pixels)
        if not isinstance(estimate, HazeEstimate):
            raise UsageError("this model translates pictures, and has no estimate of their haze")
        height, width = pixels.shape[:2]
        result = np.empty((height, width), np.float32)
        step = max(1, BAND_PIXELS // width)
        upsampled = GuidedUpsampling(
            luma(small), estimate.transmission, self.restoration.upsampling_radius, self.restoration.upsampling_eps
        )
        for top in range(0, height, step):
            band = torch.from_numpy(pixels[top : top + step].astype(np.float32)).to(self.device)
            guide = luma(band.permute(2, 0, 1)[None] / np.iinfo(pixels.dtype).max)
            result[top : top + step] = upsampled.rows(guide, height, top).clamp(LEAST_TRANSMISSION, 1)[0, 0].cpu()
        return estimate, result

    def __call__(self, pixels: np.ndarray, amount: Amount | None = None, threads: int = 0) -> np.ndarray:
        """A photo translated, as :meth:`translate` does it."""
        return self.translate(pixels, amount, threads)[0]

    @torch.inference_mode()
    def translate(
        self, pixels: np.ndarray, amount: Amount | None = None, threads: int = 0
    ) -> tuple[np.ndarray, HazeSummary | None]:
        """See :meth:`claritygan_cli.models.photo_translator.PhotoTranslator.translate`. Threads take turns where that
        is faster or saves memory.

        Raises:
            TypeError: the generator cannot do that.
        """
        with self._turn:
            small, estimate = self._seen(pixels)
            prepared = prepare(small, estimate, self.restoration, amount)
            haze = summary_of(estimate) if isinstance(estimate, HazeEstimate) else None
            if not (isinstance(prepared, Scattering) and self._scatters_on_cpu):
                return self._in_bands(pixels, prepared), haze
        from claritygan_cli.engine.fused_pass import apply  # numba: not needed where there is a GPU

        return apply(pixels, prepared.maps(), threads or processors()), haze

    def _in_bands(self, pixels: np.ndarray, prepared: Restoration) -> np.ndarray:
        """The finished photo, by torch."""
        height, width = pixels.shape[:2]
        peak = float(np.iinfo(pixels.dtype).max)
        result = np.empty_like(pixels)
        step = max(1, BAND_PIXELS // width)
        for top in range(0, height, step):
            first, last = max(0, top - prepared.margin), top + step + prepared.margin
            band = torch.from_numpy(pixels[first:last].astype(np.float32)).to(self.device)
            rows = prepared.rows(band.permute(2, 0, 1)[None] / peak, height, first)
            rows = rows[0, :, top - first :][:, :step].mul_(peak).round_().permute(1, 2, 0)
            result[top : top + step] = rows.cpu().numpy().astype(pixels.dtype)
        return result
