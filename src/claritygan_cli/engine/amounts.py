"""How much haze to take out or to put in. Light: no torch here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RemoveHaze:
    """How much haze to take out: 0 none, 1 what was estimated, above that more."""

    strength: float = 1.0


@dataclass(frozen=True)
class AddHaze:
    """The haze to put in.

    Attributes:
        density: haze up to the farthest point, >= 0 (RESIDE indoors: 0.6 to 1.8).
        airlight: its colour, RGB in [0, 1].
    """

    density: float = 1.2
    airlight: tuple[float, float, float] = (0.9, 0.9, 0.9)


Amount = RemoveHaze | AddHaze
