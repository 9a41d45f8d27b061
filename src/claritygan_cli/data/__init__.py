"""Data sets, folder layouts and haze synthesis."""
