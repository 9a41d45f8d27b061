"""Guided upsampling: small maps at full size, with the fine edges of the full-size picture."""

from torch import Tensor

from claritygan_cli.engine.guided_filter import guided_coefficients
from claritygan_cli.engine.resampling import resize, upsample_rows


class GuidedUpsampling:
    """Maps, upsampled with a picture as the guide (He, Sun, "Fast Guided Filter", arXiv:1505.00996).

    What the small maps show stays as it is: finer detail alone is the guide's, times the slope ``a`` of the guided
    filter. The filter's own offset ``b`` would blur the maps by its window (31.8 dB instead of 37.8 for the true
    transmission of SOTS-indoor, weights/EXPERIMENTS.md).

    Args:
        guide: (N, C, h, w), the small picture or its luma.
        maps: (N, C, h', w'), each guided by its own channel.
        radius: of the filter's window, in pixels of the maps; 0 upsamples bilinearly, without a guide.
        eps: see :func:`guided_coefficients`; where the guide varies by far less than its root, maps get no detail of
            it.
    """

    def __init__(self, guide: Tensor, maps: Tensor, radius: int, eps: float) -> None:
        self.slope: Tensor | None = None
        self.offset = maps
        if radius:
            guide = resize(guide.float(), (maps.shape[2], maps.shape[3]))
            self.slope, _ = guided_coefficients(guide, maps, radius, eps)
            self.offset = maps - self.slope * guide

    def rows(self, guide: Tensor, height: int, top: int) -> Tensor:
        """The maps for rows of the full-size picture.

        Args:
            guide: (N, C, h, W), rows ``top`` to ``top + h`` of the full-size picture, given as the small one was.
            height: rows of the whole picture.
            top: index of the first row given.

        Returns:
            (N, C, h, W).
        """
        size, bottom = (height, guide.shape[3]), top + guide.shape[2]
        offset = upsample_rows(self.offset, size, top, bottom)
        if self.slope is None:
            return offset
        return upsample_rows(self.slope, size, top, bottom) * guide + offset
