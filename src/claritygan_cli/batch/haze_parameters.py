"""How much haze, and of which colour: what the user writes, and what a photo gets."""

import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from claritygan_cli.errors import SettingError

HIGHEST_DENSITY = 20.0
"""Above it, everything but the nearest is gone."""


@dataclass(frozen=True)
class Span:
    """A number, or a range that each photo draws its own number from."""

    low: float
    high: float

    def draw(self, random: np.random.Generator) -> float:
        """A number from the range."""
        return float(random.uniform(self.low, self.high))


def parse_span(text: str, field: str, highest: float) -> Span:
    """``"1.2"`` or ``"0.6:1.8"``.

    Args:
        field: name of the setting, for the error.

    Raises:
        SettingError: not a number, or not within 0 and ``highest``.
    """
    try:
        low, high = (float(part) for part in (text.split(":") if ":" in text else (text, text)))
    except ValueError:
        raise SettingError(field, text, "write a number like 0.9, or a range like 0.6:1.8") from None
    if not 0 <= low <= high <= highest:
        raise SettingError(field, text, f"must lie between 0 and {highest:g}, the lower number first")
    return Span(low, high)


def parse_density(text: str) -> Span:
    """As :func:`parse_span`."""
    return parse_span(text, "density", HIGHEST_DENSITY)


def parse_airlight(text: str) -> tuple[Span, ...]:
    """One span for a grey, or three with commas between them for red, green and blue.

    Raises:
        SettingError: as :func:`parse_span`, or another count.
    """
    spans = tuple(parse_span(part, "airlight", 1.0) for part in text.split(","))
    if len(spans) not in (1, 3):
        raise SettingError("airlight", text, "write one number for grey, or three with commas for red, green, blue")
    return spans


def draw_parameters(density: Span, airlight: tuple[Span, ...], seed: int, name: str) -> tuple[float, list[float]]:
    """Density and airlight (3 numbers) of one photo; they depend on the seed and the photo's name alone."""
    random = np.random.default_rng([seed, zlib.crc32(os.fsencode(Path(name).as_posix()))])
    amount = density.draw(random)
    colour = [span.draw(random) for span in airlight]
    return amount, colour * 3 if len(colour) == 1 else colour
