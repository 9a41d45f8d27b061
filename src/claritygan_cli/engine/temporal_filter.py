"""Maps that stay steady from one frame of a video to the next."""

import torch
from torch import Tensor

from claritygan_cli.engine.guided_filter import box_mean
from claritygan_cli.engine.restoration import resize

CUT = 0.1
"""Mean change of luma between two frames that is taken as a cut to another scene."""
SLOWER = 4
"""How many times more slowly the haze as a whole may change than the map of a place."""
SCATTER = 0.05
"""Change of a map's mean that is taken for scatter of the network's readings, and not for something that has come."""
UNCHANGED_LUMA = 0.04
"""Local change of luma at which a map follows the new frame; sensor noise, averaged over a window, is far below."""


class EstimateFilter:
    """Recursive filter over time (Winnemöller et al., "Real-Time Video Abstraction", 2006, in spirit): what has not
    changed in the picture keeps its map, what has changed gets a new one, and a cut starts anew.

    Two numbers are kept whatever moves, since a network's readings of them scatter: the mean of the map, and the
    airlight. The latter follows the brightness of the frames at once, as it does where exposure changes; or else taking
    haze out would amplify their flicker.

    Args:
        keep: share of the old map that is kept from one frame to the next where nothing moves, 0 to below 1.
    """

    def __init__(self, keep: float) -> None:
        self.keep = keep
        self._guide: Tensor | None = None
        self._state: tuple[Tensor, Tensor, Tensor] | None = None

    def changes(self, guide: Tensor) -> bool:
        """Whether a frame, given by its small luma (1, 1, h, w), belongs to another scene than the last."""
        last = self._guide
        return last is None or last.shape != guide.shape or bool((guide - last).abs().mean() > CUT)

    def __call__(self, guide: Tensor, values: Tensor, airlight: Tensor) -> tuple[Tensor, Tensor]:
        """The map and the airlight to use for a frame.

        Args:
            guide: (1, 1, h, w), luma of the small frame.
            values: (1, 1, h', w'), the newest map.
            airlight: (1, 3, 1, 1), the newest airlight.
        """
        if self._state is None or self._guide is None or self.changes(guide):
            self._state = values, values.mean(), airlight
        else:
            change = resize(box_mean(guide - self._guide, 2), (values.shape[2], values.shape[3]))
            keep = self.keep * torch.exp(-((change / UNCHANGED_LUMA) ** 2))
            old_values, old_mean, old_airlight = self._state
            whole = self.keep ** (1 / SLOWER)
            seen = values.mean()
            mean = torch.lerp(seen, old_mean, whole).clamp(seen - SCATTER, seen + SCATTER)
            airlight = torch.lerp(airlight, old_airlight + (guide - self._guide).mean(), whole)
            self._state = torch.lerp(values + (mean - seen), old_values, keep), mean, airlight
        self._guide = guide
        return self._state[0], self._state[2]
