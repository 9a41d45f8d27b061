"""A photo in memory, with all that has to survive a translation."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Picture:
    """A photo, upright, as pixels and what goes with them.

    Attributes:
        pixels: (H, W, 3), uint8 or uint16, in the colour space of ``icc`` (sRGB where there is none).
        alpha: (H, W) of the same type, or None.
        grey: whether the file had no colour; it is written without any.
        icc: ICC profile, or None.
        exif: EXIF block without orientation, or None.
        dpi: resolution, or None.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    grey: bool = False
    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"pixels must be (H, W, 3) of 8 or 16 bits, not {self.pixels.shape} {self.pixels.dtype}")
        if self.alpha is not None and (
            self.alpha.shape != self.pixels.shape[:2] or self.alpha.dtype != self.pixels.dtype
        ):
            raise ValueError("alpha must have the size and type of the pixels")

    def at_8_bits(self) -> "Picture":
        """The same picture with 8 bits a sample, rounded to nearest."""
        if self.pixels.dtype == np.uint8:
            return self
        alpha = None if self.alpha is None else to_8_bits(self.alpha)
        return Picture(to_8_bits(self.pixels), alpha, self.grey, self.icc, self.exif, self.dpi)

    def planes(self) -> np.ndarray:
        """Pixels as files hold them: grey or RGB, with alpha last where there is one; (H, W) or (H, W, 2 to 4)."""
        colour = to_grey(self.pixels)[..., None] if self.grey else self.pixels
        if self.alpha is not None:
            colour = np.concatenate([colour, self.alpha[..., None]], axis=2)
        return colour[..., 0] if colour.shape[2] == 1 else colour


def to_8_bits(samples: np.ndarray) -> np.ndarray:
    """16-bit samples as 8-bit ones, rounded to nearest (257 levels of 16 bits are one of 8)."""
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def to_grey(pixels: np.ndarray) -> np.ndarray:
    """Luma (ITU-R BT.601) of (H, W, 3), rounded; exact for pixels whose channels are equal."""
    weights = np.array([299, 587, 114], dtype=np.uint32)
    return ((pixels.astype(np.uint32) @ weights + 500) // 1000).astype(pixels.dtype)
