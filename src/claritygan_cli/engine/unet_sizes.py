"""The size of a scattering generator's U-Net, level by level (weights/EXPERIMENTS.md). Light: no torch here."""

WIDTHS = (32, 64, 128, 144, 176)
"""Channels of the levels."""
BLOCKS = (0, 2, 3, 3, 1)
"""Residual blocks of the levels."""
