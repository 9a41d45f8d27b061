"""Video frames without their sensor noise, so that taking haze out does not amplify it."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from claritygan_cli.engine.resampling import upsample_rows

CELL = 8
"""Side, in pixels, of the squares over which changes are measured."""
STRIP = 64
"""Rows that are worked on at once, so that they stay in the processor's cache; a multiple of CELL."""
STILL_LEVEL, MOVING_LEVEL = 2.0, 3.5
"""Changes, in units of the video's noise, up to which a square counts as still, and from which on as moving."""
HIGHEST_NOISE = 4 / 255
"""Greatest mean change that is taken for noise."""
LOWEST_NOISE = 0.1 / 255
"""Mean change below which a square says nothing about noise: letterboxes, repeated frames, clipped skies."""


def still_share(change: Tensor) -> Tensor:
    """How surely nothing but noise has changed, 0 to 1.

    The noise is read from the quieter squares of the frame itself.

    Args:
        change: (1, 1, h, w), mean absolute change of luma in [0, 1].
    """
    telling = change[change > LOWEST_NOISE]
    if not len(telling):
        return torch.ones_like(change)
    noise = torch.quantile(telling, 0.2).clamp_max(HIGHEST_NOISE)
    most = F.max_pool2d(change, 3, stride=1, padding=1)  # what moves reaches into the squares round it
    return ((MOVING_LEVEL - most / noise) / (MOVING_LEVEL - STILL_LEVEL)).clamp(0, 1)


class TemporalDenoiser:
    """Recursive filter over time: what has not changed by more than noise is averaged, what moves is left as it is.

    Args:
        keep: share of the average that is kept from one frame to the next where nothing moves, 0 to 1.
    """

    def __init__(self, keep: float) -> None:
        self.keep = keep
        self._average: list[Tensor] | None = None

    def __call__(self, planes: Sequence[Tensor], scale: float) -> list[Tensor]:
        """A frame without its noise.

        Args:
            planes: luma (1, 1, H, W) and others (1, 1, h, w) of the same scene; not changed.
            scale: luma from black to white.

        Returns:
            Planes of these shapes, valid until the next call.
        """
        if not self.keep:
            return list(planes)
        old = self._average
        if old is None or [p.shape for p in old] != [p.shape for p in planes]:
            self._average = [plane.clone() for plane in planes]
            return self._average
        keep_on = self._fused if planes[0].device.type == "cpu" else self._in_strips
        keep_on(planes, old, scale)
        return old

    def _fused(self, planes: Sequence[Tensor], old: list[Tensor], scale: float) -> None:
        """Bring the averages on, on a CPU."""
        from claritygan_cli.engine.fused_denoising import cell_changes, keep_on  # numba

        news, averages = ([plane[0, 0].numpy() for plane in group] for group in (planes, old))
        change = torch.from_numpy(cell_changes(news[0], averages[0], CELL) / scale)
        share = (still_share(change[None, None]) * self.keep)[0, 0].numpy()
        for new, average in zip(news, averages, strict=True):
            keep_on(new, average, share)

    def _in_strips(self, planes: Sequence[Tensor], old: list[Tensor], scale: float) -> None:
        """The same by torch."""
        height = planes[0].shape[2]
        strips = [slice(top, top + STRIP) for top in range(0, height, STRIP)]
        changes = [
            F.avg_pool2d((planes[0][:, :, s] - old[0][:, :, s]).abs_(), CELL, ceil_mode=True, count_include_pad=False)
            for s in strips
        ]
        share = still_share(torch.cat(changes, 2) / scale) * self.keep
        for height, width in dict.fromkeys((plane.shape[2], plane.shape[3]) for plane in planes):
            alike = [pair for pair in zip(planes, old, strict=True) if pair[0].shape[2:] == (height, width)]
            for top in range(0, height, STRIP):
                bottom = min(height, top + STRIP)
                keep = upsample_rows(share, (height, width), top, bottom)
                for plane, average in alike:
                    new = plane[:, :, top:bottom]
                    average[:, :, top:bottom].sub_(new).mul_(keep).add_(new)
