"""A photo in memory, with all that has to survive a translation."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from claritygan_cli.media.metadata import Metadata


@dataclass(frozen=True)
class Compression:
    """How a file was compressed, so that its result can be as good and as large.

    Attributes:
        tables: a JPEG's quantization tables; None for other formats.
        subsampling: a JPEG's, as Pillow numbers it: 0 for none (4:4:4), 1 for 4:2:2, 2 for 4:2:0; -1 for another.
        progressive: whether a JPEG is.
        lossless: whether a WebP is.
    """

    tables: tuple[tuple[int, ...], ...] | None = None
    subsampling: int = -1
    progressive: bool = False
    lossless: bool = False


@dataclass(frozen=True)
class Picture:
    """A photo, upright, as pixels and what goes with them.

    Attributes:
        pixels: (H, W, 3), uint8 or uint16, in the colour space of the metadata's profile (sRGB where there is none).
        alpha: (H, W) of the same type, or None.
        grey: whether the file had no colour; it is written without any.
        metadata: what its file says beside the pixels.
        compression: how its file was compressed.
        pages: the file's further pages.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    grey: bool = False
    metadata: Metadata = field(default_factory=Metadata)
    compression: Compression = field(default_factory=Compression)
    pages: tuple["Picture", ...] = ()

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
        return replace(self, pixels=to_8_bits(self.pixels), alpha=alpha)

    def planes(self) -> np.ndarray:
        """Pixels as files hold them: grey or RGB, with alpha last where there is one; (H, W) or (H, W, 2 to 4)."""
        colour = to_grey(self.pixels)[..., None] if self.grey else self.pixels
        if self.alpha is not None:
            colour = np.concatenate([colour, self.alpha[..., None]], axis=2)
        return colour[..., 0] if colour.shape[2] == 1 else colour

    def translated(self, translate: Callable[[np.ndarray], np.ndarray]) -> "Picture":
        """The picture with its visible pixels, and those of its further pages, translated.

        Colours where nothing is seen (alpha 0) stay as they are, and what is seen does not depend on them.

        Args:
            translate: takes and gives (H, W, 3) of the pixels' type.
        """
        hidden = None if self.alpha is None else self.alpha == 0
        if hidden is None or not hidden.any():
            pixels = translate(self.pixels)
        elif hidden.all():
            pixels = self.pixels
        else:
            pixels = translate(filled(self.pixels, hidden))
            pixels = np.where(hidden[..., None], self.pixels, pixels)
        return replace(self, pixels=pixels, pages=tuple(page.translated(translate) for page in self.pages))

    def without_story(self) -> "Picture":
        """The picture and its pages without metadata that say more than what their colours mean."""
        pages = tuple(page.without_story() for page in self.pages)
        return replace(self, metadata=self.metadata.colour_alone(), pages=pages)


def filled(pixels: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Hidden pixels coloured like the visible ones around them: each takes the mean of the smallest square block (of 2,
    4, 8... pixels) that has any.

    Args:
        pixels: (H, W, 3) uint8 or uint16.
        hidden: (H, W) bool, somewhere false.
    """
    seen = (~hidden).astype(np.float32)[..., None]
    sums, counts, result, missing = pixels * seen, seen, pixels.copy(), hidden.copy()
    size = 1
    while missing.any():
        size *= 2
        sums, counts = (_halved(part) for part in (sums, counts))
        rows, columns = np.nonzero(missing)
        above = counts[rows // size, columns // size, 0] > 0
        rows, columns = rows[above], columns[above]
        block = rows // size, columns // size
        result[rows, columns] = (sums[block] / counts[block]).round().astype(pixels.dtype)
        missing[rows, columns] = False
    return result


def _halved(planes: np.ndarray) -> np.ndarray:
    """Sums over blocks of 2x2, zeros beyond the edges."""
    height, width = planes.shape[:2]
    padded = np.pad(planes, ((0, height % 2), (0, width % 2), (0, 0)))
    return padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2, -1).sum((1, 3))


def to_8_bits(samples: np.ndarray) -> np.ndarray:
    """16-bit samples as 8-bit ones, rounded to nearest (257 levels of 16 bits are one of 8)."""
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def to_grey(pixels: np.ndarray) -> np.ndarray:
    """Luma (ITU-R BT.601) of (H, W, 3), rounded; exact for pixels whose channels are equal."""
    weights = np.array([299, 587, 114], dtype=np.uint32)
    return ((pixels.astype(np.uint32) @ weights + 500) // 1000).astype(pixels.dtype)
