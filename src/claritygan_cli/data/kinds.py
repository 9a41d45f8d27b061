"""Names that settings and batches share. Light: no torch here."""

from typing import Literal

CropShapes = Literal["square", "varied"]
Part = Literal["hazy", "clear", "pairs"]
STRIDE = 32
"""Sides of crops are multiples of it, so that networks see a crop as it is."""
