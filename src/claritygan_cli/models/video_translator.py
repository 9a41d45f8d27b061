"""Applies a generator to the frames of a video, in the video's own coding of colours."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from claritygan_cli.engine.generators import ScatteringGenerator, working_shape
from claritygan_cli.engine.restoration import HazeEstimate, grey, resize
from claritygan_cli.engine.temporal_denoising import TemporalDenoiser
from claritygan_cli.engine.temporal_filter import EstimateFilter
from claritygan_cli.errors import UsageError
from claritygan_cli.models.image_translator import BAND_PIXELS, ImageTranslator

BT709, UNSPECIFIED, BT601 = 1, 2, 6
LUMA = {BT709: (0.2126, 0.0722), 4: (0.3, 0.11), BT601: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
"""Shares of red and blue in luma by the number of the matrix (ITU-T H.273, table 4); BT.601's for others."""
HD = 1080
"""Longest side from which a video without a tag is taken to be coded by BT.709; DVDs have up to 720."""
PREDICT_EVERY = 3
"""Frames from one look of the network to the next, where nothing else asks for one."""
PREDICT_CHANGE = 0.02
"""Mean change of luma since the last look that asks for another."""


@dataclass(frozen=True)
class Coding:
    """How a video codes colours: ``Y = offset + luma_range * (kr R + kg G + kb B)``, U and V the scaled B - Y, R - Y.

    ITU-T H.273, section 8.3. All in code values.

    Attributes:
        kr, kb: shares of red and blue in luma.
        offset: code of black.
        luma_range, chroma_range: codes from black to white, and from the least to the greatest chroma.
        peak: greatest code.
    """

    kr: float
    kb: float
    offset: float
    luma_range: float
    chroma_range: float
    peak: int

    def luma(self, rgb: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 1, H, W) in [0, 1]."""
        return self.kr * rgb[:, 0:1] + (1 - self.kr - self.kb) * rgb[:, 1:2] + self.kb * rgb[:, 2:3]

    def rgb(self, y: Tensor, u: Tensor, v: Tensor) -> Tensor:
        """Code values, (N, 1, H, W) each -> (N, 3, H, W) in [0, 1]."""
        luma = (y - self.offset) / self.luma_range
        middle = (self.peak + 1) / 2
        blue = luma + 2 * (1 - self.kb) * (u - middle) / self.chroma_range
        red = luma + 2 * (1 - self.kr) * (v - middle) / self.chroma_range
        green = (luma - self.kr * red - self.kb * blue) / (1 - self.kr - self.kb)
        return torch.cat([red, green, blue], 1).clamp(0, 1)

    def codes(self, rgb: Tensor) -> list[float]:
        """Y, U, V of one colour (1, 3, 1, 1) in [0, 1]."""
        y = float(self.luma(rgb))
        u = (float(rgb[0, 2]) - y) / (2 * (1 - self.kb))
        v = (float(rgb[0, 0]) - y) / (2 * (1 - self.kr))
        middle = (self.peak + 1) / 2
        return [self.offset + self.luma_range * y, middle + self.chroma_range * u, middle + self.chroma_range * v]


def settled_matrix(matrix: int, width: int, height: int) -> int:
    """The number of the matrix coefficients; without a tag, BT.709's for large videos and BT.601's for small ones."""
    if matrix != UNSPECIFIED:
        return matrix
    return BT709 if width >= HD or height >= HD else BT601


def coding_of(width: int, height: int, bits: int, matrix: int, full: bool) -> Coding:
    """How samples are to be understood (ITU-T H.273, equations 20 to 31).

    Args:
        width, height: of the video.
        bits: of a sample.
        matrix: number of the matrix coefficients (H.273, table 4), see :func:`settled_matrix`.
        full: whether samples use the full range.
    """
    kr, kb = LUMA.get(settled_matrix(matrix, width, height), LUMA[BT601])
    scale, peak = 2.0 ** (bits - 8), 2**bits - 1
    if full:
        return Coding(kr, kb, 0.0, peak, peak, peak)
    return Coding(kr, kb, 16 * scale, 219 * scale, 224 * scale, peak)


@dataclass(frozen=True)
class CodedFrame:
    """A frame as it is coded.

    Attributes:
        planes: Y, U, V: (H, W) and two times (h, w), uint8 or uint16.
        coding: of the planes.
        rotation: degrees, counter-clockwise, that the frame is turned for display; a multiple of 90.
    """

    planes: tuple[np.ndarray, np.ndarray, np.ndarray]
    coding: Coding
    rotation: int = 0


class VideoTranslator:
    """A scattering generator for the frames of one video, in order.

    The scattering model is linear in the colours, and so it is applied to luma and chroma as they are coded: nothing is
    converted, and the chroma is not resampled. What the model changes is a frame without its sensor noise, which is
    neither amplified nor faded.

    Args:
        translator: generator and device.
        temporal: share of the haze, and of what stands still, that is kept from one frame to the next, 0 to 1; 0 takes
            each frame by itself.
        parameters: what the generator's lift takes; ``airlight`` (3 numbers) replaces the lift's own.

    Raises:
        UsageError: the generator is of another kind.
    """

    def __init__(self, translator: ImageTranslator, temporal: float, **parameters: Any) -> None:
        if not isinstance(translator.generator, ScatteringGenerator):
            raise UsageError("videos need a scattering model; those of other generators translate photos alone")
        self.generator, self.device = translator.generator, translator.device
        self.working_size = translator.working_size
        airlight = parameters.pop("airlight", None)
        self.airlight = None if airlight is None else torch.as_tensor(airlight, device=self.device).reshape(1, 3, 1, 1)
        self.parameters, self.temporal = parameters, temporal
        self.denoiser, self.steady = TemporalDenoiser(temporal), EstimateFilter(temporal)
        self.predictions = 0
        self._lift: HazeEstimate | None = None
        self._predicted_at: Tensor | None = None
        self._age = 0

    def _small_size(self, height: int, width: int) -> tuple[int, int]:
        return working_shape(height, width, self.working_size, self.generator.multiple)

    def _predict(self, small: Tensor, guide: Tensor, rotation: int) -> HazeEstimate:
        """The newest map, which may be some frames old."""
        self._age += 1
        old = self._predicted_at
        if (
            self._lift is None
            or old is None
            or self._age >= PREDICT_EVERY
            or not self.temporal
            or self.steady.changes(guide)
            or (guide - old).abs().mean() > PREDICT_CHANGE
        ):
            turns = rotation // 90
            lift: HazeEstimate = self.generator.look(torch.rot90(small, turns, (2, 3)), single_view=self.temporal > 0)
            values = torch.rot90(lift.values, -turns, (2, 3))
            self._lift = lift.changed(guide, values, lift.airlight)
            self._predicted_at, self._age, self.predictions = guide, 0, self.predictions + 1
        return self._lift

    @torch.inference_mode()
    def __call__(self, frame: CodedFrame, results: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
        """Translate a frame.

        Args:
            results: planes to write to, of the frame's shapes and type.
        """
        planes = [self._floats(plane) for plane in frame.planes]
        calm = self.denoiser(planes, frame.coding.luma_range)
        size = self._small_size(*frame.planes[0].shape)
        small = frame.coding.rgb(*(resize(plane, size) for plane in calm))
        lift = self._filtered(small, frame.coding.luma(small), frame.rotation)
        self._apply(lift, frame.coding, planes, calm, results)

    def _filtered(self, small: Tensor, guide: Tensor, rotation: int) -> HazeEstimate:
        """The haze of a frame, given as it is small, steady over time; its airlight is (1, 3, 1, 1)."""
        seen = self._predict(small, guide, rotation)
        airlight = seen.airlight if self.airlight is None else self.airlight
        values, airlight = self.steady(guide, seen.values, airlight)
        return seen.changed(guide, values, airlight)

    @torch.inference_mode()
    def rgb(self, pixels: np.ndarray) -> np.ndarray:
        """Translate a frame of (H, W, 3) uint8, which is not changed."""
        red, green, blue = (self._floats(pixels[..., i]).div_(255) for i in range(3))
        calm_green, calm_red, calm_blue = self.denoiser([green, red, blue], 1.0)
        calm = torch.cat([calm_red, calm_green, calm_blue], 1)
        small = resize(calm, self._small_size(*pixels.shape[:2]))
        lift = self._filtered(small, grey(small), 0)
        change = lift.change(calm, grey(calm), len(pixels), 0, **self.parameters)
        result = change.add_(torch.cat([red, green, blue], 1))
        return result.clamp_(0, 1).mul_(255).round_()[0].permute(1, 2, 0).byte().cpu().numpy()

    def _apply(
        self,
        lift: HazeEstimate,
        coding: Coding,
        planes: list[Tensor],
        calm: list[Tensor],
        results: tuple[np.ndarray, ...],
    ) -> None:
        """Change the calm frame, and add the denoiser that the frame has beside it."""
        (height, width), (low, narrow) = planes[0].shape[2:], planes[1].shape[2:]
        down, across = -(-height // low), -(-width // narrow)
        airlight = coding.codes(lift.airlight)
        step = max(down, BAND_PIXELS // width // down * down)
        for top in range(0, height, step):
            luma = (calm[0][:, :, top : top + step] - coding.offset).div_(coding.luma_range)
            gain = lift.gain(luma, height, top, **self.parameters)
            for i, (plane, even, result, light) in enumerate(zip(planes, calm, results, airlight, strict=True)):
                rows = slice(top, top + step) if i == 0 else slice(top // down, -(-(top + step) // down))
                if i == 1:
                    gain = lift.chroma_gain(gain, **self.parameters)
                    if (down, across) != (1, 1):
                        gain = F.avg_pool2d(gain, (down, across), ceil_mode=True, count_include_pad=False)
                change = (even[:, :, rows] - light).mul_(gain - 1)
                new = change.add_(plane[:, :, rows]).add_(0.5).clamp_(0, coding.peak)  # 0.5: rounds where it is cut off
                result[rows] = new[0, 0].cpu().numpy()

    def _floats(self, plane: np.ndarray) -> Tensor:
        return torch.from_numpy(plane.astype(np.float32)).to(self.device)[None, None]
