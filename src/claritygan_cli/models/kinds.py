"""Names that settings and models share. Light: no torch here."""

from typing import Literal

Direction = Literal["dehaze", "hazify"]
Device = Literal["auto", "cpu", "cuda", "mps"]
