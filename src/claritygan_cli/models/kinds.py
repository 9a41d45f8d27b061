"""Names that settings and models share. Light: no torch here."""

from typing import Literal

Direction = Literal["dehaze", "hazify"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Runtime = Literal["auto", "torch", "onnx"]

TILE = 512
"""Side of the tiles in which a resnet takes what is larger, in pixels; they take some 300 MB."""
LEAST_TILE = 64
"""Smaller tiles would be margins for the most part."""
