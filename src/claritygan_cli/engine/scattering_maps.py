"""A scattering estimate in numbers alone, ready for pixels."""

from dataclasses import dataclass

import numpy as np

GAINS = 2048
"""Entries of a table of gains; between them it is linear."""


@dataclass(frozen=True)
class ScatteringMaps:
    """What the pass needs to know of an estimate.

    A pixel's map value is ``slope * luma + offset``, its gain is looked up by that, and ``(gain - 1) * (picture -
    airlight)`` is added to the picture.

    Attributes:
        slope, offset: (h, w) float32, for luma in [0, 1].
        airlight: (3, h', w') float32 in [0, 1].
        gains: (GAINS,) float32, for map values evenly spaced from ``lowest`` to ``highest``; values beyond are clamped.
        most_chroma_gain: the most that what makes colours differ from their luma is multiplied by.
        noise_deviation: see :func:`claritygan_cli.engine.denoising.denoise`.
    """

    slope: np.ndarray
    offset: np.ndarray
    airlight: np.ndarray
    gains: np.ndarray
    lowest: float
    highest: float
    most_chroma_gain: float
    noise_deviation: float
