"""Applies a generator to the frames of a video, in the video's own coding of colours."""

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from claritygan_cli.engine.amounts import Amount
from claritygan_cli.engine.estimate import Estimate, with_maps
from claritygan_cli.engine.refinement import predict, refine
from claritygan_cli.engine.resampling import luma, resize, upsample_rows
from claritygan_cli.engine.restoration import Scattering, prepare
from claritygan_cli.engine.temporal_denoising import TemporalDenoiser
from claritygan_cli.engine.temporal_filter import TemporalFilter
from claritygan_cli.engine.working_size import working_shape
from claritygan_cli.errors import UsageError
from claritygan_cli.models.colour_coding import ColourCoding
from claritygan_cli.models.image_translator import BAND_PIXELS, ImageTranslator

PREDICT_EVERY = 3
"""Frames from one prediction of the network to the next, where nothing else asks for one."""
PREDICT_CHANGE = 0.02
"""Mean change of luma since the last prediction that asks for another."""


@dataclass(frozen=True)
class CodedFrame:
    """A frame as it is coded.

    Attributes:
        planes: Y, U, V: (H, W) and two times (h, w), uint8 or uint16.
        coding: of the planes.
        rotation: degrees, counter-clockwise, that the frame is turned for display; a multiple of 90.
    """

    planes: tuple[np.ndarray, np.ndarray, np.ndarray]
    coding: ColourCoding
    rotation: int = 0


def rows_of(field: Tensor, size: tuple[int, int], top: int, bottom: int) -> Tensor:
    """Rows of a field (1, 1, h, w) at another size; one value for all stays one."""
    return field if field.shape[2:] == (1, 1) else upsample_rows(field, size, top, bottom)


class VideoTranslator:
    """A scattering generator for the frames of one video, in order.

    The scattering model is linear in the colours, and so it is applied to luma and chroma as they are coded: nothing is
    converted, and the chroma is not resampled. What the model changes is a frame without its sensor noise, which is
    neither amplified nor faded.

    Args:
        translator: generator, device and restoration, of which test-time augmentation by mirror images is left out
            where estimates are averaged over time.
        temporal: share of the haze, and of what stands still, that is kept from one frame to the next, 0 to 1; 0 takes
            each frame by itself.
        amount: of haze to take out or to put in.

    Attributes:
        predictions: how often the network ran.
        parallel: see :meth:`ImageTranslator.parallel`; for beside the decoder's and the encoder's threads.

    Raises:
        UsageError: the generator is no scattering one.
    """

    def __init__(self, translator: ImageTranslator, temporal: float, amount: Amount | None = None) -> None:
        if not translator.generator.scatters:
            raise UsageError("videos need a scattering model; those of other generators translate photos alone")
        self.generator, self.device = translator.generator, translator.device
        self.working_size, self.amount, self.temporal = translator.working_size, amount, temporal
        self.config = replace(translator.restoration, mirrored=translator.restoration.mirrored and not temporal)
        self.denoiser, self.filter = TemporalDenoiser(temporal), TemporalFilter(temporal)
        self.parallel = translator.parallel
        self.predictions = 0
        self._estimate: Estimate | None = None
        self._predicted_at: Tensor | None = None
        self._age = 0

    def _small_size(self, height: int, width: int) -> tuple[int, int]:
        return working_shape(height, width, self.working_size, self.generator.multiple)

    def _is_stale(self, guide: Tensor) -> bool:
        """Whether a frame, given by its small luma, needs a prediction of its own."""
        at = self._predicted_at
        return (
            at is None
            or self._age >= PREDICT_EVERY
            or not self.temporal
            or self.filter.is_cut(guide)
            or bool((guide - at).abs().mean() > PREDICT_CHANGE)
        )

    def _newest(self, small: Tensor, guide: Tensor, rotation: int) -> Estimate:
        """The newest estimate, which may be some frames old. The network sees the frame upright."""
        self._age += 1
        if self._estimate is None or self._is_stale(guide):
            turns = rotation // 90
            upright = torch.rot90(small, turns, (2, 3))
            estimate = predict(self.generator.predict, upright, self.config)
            estimate = refine(upright, estimate, self.config)
            self._estimate = with_maps(estimate, lambda values: torch.rot90(values, -turns, (2, 3)))
            self._predicted_at, self._age, self.predictions = guide, 0, self.predictions + 1
        return self._estimate

    def _prepared(self, small: Tensor, guide: Tensor, rotation: int) -> Scattering:
        """The haze of a frame, given as it is small, steady over time and ready for the frame's rows."""
        estimate = self.filter(guide, self._newest(small, guide, rotation))
        prepared = prepare(small, estimate, self.config, self.amount, guide)
        assert isinstance(prepared, Scattering)
        return prepared

    @torch.inference_mode()
    def __call__(self, frame: CodedFrame, results: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
        """Translate a frame.

        Args:
            results: planes to write to, of the frame's shapes and type.
        """
        planes = [self._floats(plane) for plane in frame.planes]
        denoised = self.denoiser(planes, frame.coding.luma_range)
        size = self._small_size(*frame.planes[0].shape)
        small = frame.coding.rgb(*(resize(plane, size) for plane in denoised))
        prepared = self._prepared(small, frame.coding.luma(small), frame.rotation)
        self._apply(prepared, frame, planes, denoised, results)

    @torch.inference_mode()
    def rgb(self, pixels: np.ndarray) -> np.ndarray:
        """Translate a frame of (H, W, 3) uint8, which is not changed."""
        red, green, blue = (self._floats(pixels[..., i]).div_(255) for i in range(3))
        green_denoised, red_denoised, blue_denoised = self.denoiser([green, red, blue], 1.0)
        denoised = torch.cat([red_denoised, green_denoised, blue_denoised], 1)
        small = resize(denoised, self._small_size(*pixels.shape[:2]))
        change = self._prepared(small, luma(small), 0).change(denoised, len(pixels), 0)
        result = change.add_(torch.cat([red, green, blue], 1))
        return result.clamp_(0, 1).mul_(255).round_()[0].permute(1, 2, 0).byte().cpu().numpy()

    def _apply(
        self,
        prepared: Scattering,
        frame: CodedFrame,
        planes: list[Tensor],
        denoised: list[Tensor],
        results: tuple[np.ndarray, np.ndarray, np.ndarray],
    ) -> None:
        """Change the denoised frame, and add the noise that the frame has beside it."""
        coding = frame.coding
        if self.device.type != "cpu":
            self._in_bands(prepared, coding, planes, denoised, results)
            return
        from claritygan_cli.engine.fused_planes import apply_to_planes  # numba: not needed where there is a GPU

        airlight = torch.cat(coding.codes(prepared.airlight), 1)[0].numpy()
        luma_plane, blue, red = (plane[0, 0].numpy() for plane in denoised)
        white = coding.offset + coding.luma_range
        maps = replace(prepared.maps(), airlight=airlight)
        apply_to_planes(frame.planes, (luma_plane, blue, red), results, maps, coding.offset, white, coding.peak)

    def _in_bands(
        self,
        prepared: Scattering,
        coding: ColourCoding,
        planes: list[Tensor],
        denoised: list[Tensor],
        results: tuple[np.ndarray, np.ndarray, np.ndarray],
    ) -> None:
        """The same by torch."""
        (height, width), (low, narrow) = planes[0].shape[2:], planes[1].shape[2:]
        down, across = -(-height // low), -(-width // narrow)
        airlight = coding.codes(prepared.airlight)
        step = max(down, BAND_PIXELS // width // down * down)
        for top in range(0, height, step):
            gain = prepared.gain(
                (denoised[0][:, :, top : top + step] - coding.offset).div_(coding.luma_range), height, top
            )
            for i, (plane, even, result, field) in enumerate(zip(planes, denoised, results, airlight, strict=True)):
                first, last = (top, top + step) if i == 0 else (top // down, -(-(top + step) // down))
                if i == 1:
                    gain = prepared.chroma_gain(gain)
                    if (down, across) != (1, 1):
                        gain = F.avg_pool2d(gain, (down, across), ceil_mode=True, count_include_pad=False)
                whole = plane.shape[2], plane.shape[3]
                last = min(last, whole[0])
                change = (even[:, :, first:last] - rows_of(field, whole, first, last)).mul_(gain - 1)
                new = change.add_(plane[:, :, first:last]).add_(0.5).clamp_(0, coding.peak)  # 0.5: rounds when cut off
                result[first:last] = new[0, 0].cpu().numpy()

    def _floats(self, plane: np.ndarray) -> Tensor:
        return torch.from_numpy(plane.astype(np.float32)).to(self.device)[None, None]
