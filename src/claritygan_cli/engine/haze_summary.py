"""A picture's haze in a few numbers. Light: no torch here."""

from dataclasses import dataclass

HAZY_BELOW = 0.9
"""Mean transmission below which a picture is called hazy (weights/EXPERIMENTS.md)."""


@dataclass(frozen=True)
class HazeSummary:
    """A picture's haze in a few numbers.

    Attributes:
        transmission: its mean, in (0, 1].
        airlight: its mean colour, RGB in [0, 1].
    """

    transmission: float
    airlight: tuple[float, float, float]

    @property
    def hazy(self) -> bool:
        """Whether the picture is hazy at all."""
        return self.transmission < HAZY_BELOW
