"""How much haze, and of which colour: what the user writes, and what a photo gets."""

import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from claritygan_cli.errors import UsageError


@dataclass(frozen=True)
class Span:
    """A number, or a range that each photo draws its own number from."""

    low: float
    high: float

    def draw(self, random: np.random.Generator) -> float:
        """A number from the range."""
        return float(random.uniform(self.low, self.high))


def parse_span(text: str, option: str, highest: float) -> Span:
    """``"1.2"`` or ``"0.6:1.8"``.

    Raises:
        UsageError: not a number, or not within 0 and ``highest``.
    """
    try:
        low, high = (float(part) for part in (text.split(":") if ":" in text else (text, text)))
    except ValueError:
        raise UsageError(f"{option} {text}: write a number like 0.9, or a range like 0.6:1.8") from None
    if not 0 <= low <= high <= highest:
        raise UsageError(f"{option} {text}: must lie between 0 and {highest:g}, the lower number first")
    return Span(low, high)


def parse_airlight(text: str) -> tuple[Span, ...]:
    """One span for a grey, or three with commas between them for red, green and blue.

    Raises:
        UsageError: as :func:`parse_span`, or another count.
    """
    spans = tuple(parse_span(part, "--airlight", 1.0) for part in text.split(","))
    if len(spans) not in (1, 3):
        raise UsageError(f"--airlight {text}: write one number for grey, or three with commas for red, green, blue")
    return spans


def draw_parameters(density: Span, airlight: tuple[Span, ...], seed: int, name: str) -> tuple[float, list[float]]:
    """Density and airlight (3 numbers) of one photo; they depend on the seed and the photo's name alone."""
    random = np.random.default_rng([seed, zlib.crc32(os.fsencode(Path(name).as_posix()))])
    amount = density.draw(random)
    colour = [span.draw(random) for span in airlight]
    return amount, colour * 3 if len(colour) == 1 else colour
