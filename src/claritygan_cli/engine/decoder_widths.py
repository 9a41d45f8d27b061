"""The size of a scattering generator's decoder. Light: no torch here."""

DECODER_WIDTHS = (40, 64, 96, 160, 256)
"""Channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture's size (weights/EXPERIMENTS.md)."""
