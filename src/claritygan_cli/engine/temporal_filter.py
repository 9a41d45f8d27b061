"""Estimates that stay steady from one frame of a video to the next."""

import torch
from torch import Tensor

from claritygan_cli.engine.estimate import DepthEstimate, Estimate, HazeEstimate, TranslationEstimate
from claritygan_cli.engine.guided_filter import box_mean
from claritygan_cli.engine.resampling import resize

CUT = 0.1
"""Mean change of luma between two frames that is taken as a cut to another scene."""
SLOWER = 4
"""How many times more slowly the haze as a whole may change than the map of a place."""
MEAN_SCATTER = 0.05
"""By how much a network's estimates of a map's mean may differ from frame to frame without anything having come."""
MAP_SCATTER = 0.1
"""The same for a map at any place."""
AIRLIGHT_SCATTER = 0.05
"""The same for the airlight."""
UNCHANGED_LUMA = 0.04
"""Local change of luma at which a map follows the new frame; sensor noise, averaged over a window, is far below."""


def near(values: Tensor, new: Tensor, scatter: float) -> Tensor:
    """``values``, but no further from the new ones than their scatter: what is further off is not scatter."""
    return torch.minimum(torch.maximum(values, new - scatter), new + scatter)


class TemporalFilter:
    """Recursive filter over time (Winnemöller et al., "Real-Time Video Abstraction", 2006, in spirit): what has not
    changed in the picture keeps its map, what has changed gets a new one, and a cut starts anew.

    The mean of the map and the airlight are filtered whatever moves, since a network's estimates of them scatter. The
    airlight follows the brightness of the frames at once, as it does where exposure changes; or else taking haze out
    would amplify their flicker. Nothing is ever further from the newest estimate than estimates scatter, so that a
    wrong one, of a dark frame of a fade, say, is forgotten within half a second.

    Args:
        keep: share of the old map that is kept from one frame to the next where nothing moves, 0 to below 1.
    """

    def __init__(self, keep: float) -> None:
        self.keep = keep
        self._guide: Tensor | None = None
        self._state: tuple[Tensor, Tensor, Tensor | None] | None = None

    def is_cut(self, guide: Tensor) -> bool:
        """Whether a frame, given by its small luma (1, 1, h, w), belongs to another scene than the last."""
        last = self._guide
        return last is None or last.shape != guide.shape or bool((guide - last).abs().mean() > CUT)

    def __call__(self, guide: Tensor, estimate: Estimate) -> Estimate:
        """The estimate to use for a frame.

        Args:
            guide: (1, 1, h, w), luma of the small frame.
            estimate: the newest one, refined, of haze or of depth.

        Raises:
            TypeError: the estimate is a translation, whose pixels cannot be kept while the picture moves.
        """
        if isinstance(estimate, TranslationEstimate):
            raise TypeError("a translation has no map to keep steady")
        new = estimate.transmission if isinstance(estimate, HazeEstimate) else estimate.depth
        airlight = estimate.airlight if isinstance(estimate, HazeEstimate) else None
        if self._state is None or self._guide is None or self.is_cut(guide):
            self._state = new, new.mean(), airlight
        else:
            change = resize(box_mean(guide - self._guide, 2), (new.shape[2], new.shape[3]))
            keep = self.keep * torch.exp(-((change / UNCHANGED_LUMA) ** 2))
            old, old_mean, old_airlight = self._state
            slowly = self.keep ** (1 / SLOWER)
            mean = near(torch.lerp(new.mean(), old_mean, slowly), new.mean(), MEAN_SCATTER)
            if airlight is not None and old_airlight is not None:
                brighter = (guide - self._guide).mean()
                airlight = near(torch.lerp(airlight, old_airlight + brighter, slowly), airlight, AIRLIGHT_SCATTER)
            shifted = new + (mean - new.mean())
            self._state = torch.lerp(shifted, near(old, shifted, MAP_SCATTER), keep), mean, airlight
        self._guide = guide
        values, _, airlight = self._state
        return DepthEstimate(values) if airlight is None else HazeEstimate(values, airlight)
