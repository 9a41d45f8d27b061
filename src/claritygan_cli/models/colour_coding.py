"""How videos code colours as luma and chroma, ITU-T H.273."""

from dataclasses import dataclass

import torch
from torch import Tensor

BT709, UNSPECIFIED, BT601 = 1, 2, 6
LUMA = {BT709: (0.2126, 0.0722), 4: (0.3, 0.11), BT601: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
"""Shares of red and blue in luma by the number of the matrix (ITU-T H.273, table 4); BT.601's for others."""
HD = 1080
"""Longest side from which a video without a tag is taken to be coded by BT.709; DVDs have up to 720."""


@dataclass(frozen=True)
class ColourCoding:
    """How a video codes colours: ``Y = offset + luma_range * (kr R + kg G + kb B)``, U and V the scaled B - Y, R - Y.

    ITU-T H.273, section 8.3. All in code values.

    Attributes:
        kr, kb: shares of red and blue in luma.
        offset: code of black.
        luma_range, chroma_range: codes from black to white, and from the least to the greatest chroma.
        peak: greatest code.
    """

    kr: float
    kb: float
    offset: float
    luma_range: float
    chroma_range: float
    peak: int

    def luma(self, rgb: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 1, H, W) in [0, 1]."""
        return self.kr * rgb[:, 0:1] + (1 - self.kr - self.kb) * rgb[:, 1:2] + self.kb * rgb[:, 2:3]

    def rgb(self, y: Tensor, u: Tensor, v: Tensor) -> Tensor:
        """Code values, (N, 1, H, W) each -> (N, 3, H, W) in [0, 1]."""
        luma = (y - self.offset) / self.luma_range
        middle = (self.peak + 1) / 2
        blue = luma + 2 * (1 - self.kb) * (u - middle) / self.chroma_range
        red = luma + 2 * (1 - self.kr) * (v - middle) / self.chroma_range
        green = (luma - self.kr * red - self.kb * blue) / (1 - self.kr - self.kb)
        return torch.cat([red, green, blue], 1).clamp(0, 1)

    def codes(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, 3, H, W) in [0, 1] -> Y, U, V in code values, (N, 1, H, W) each."""
        y = self.luma(rgb)
        u = (rgb[:, 2:3] - y) / (2 * (1 - self.kb))
        v = (rgb[:, 0:1] - y) / (2 * (1 - self.kr))
        middle = (self.peak + 1) / 2
        return self.offset + self.luma_range * y, middle + self.chroma_range * u, middle + self.chroma_range * v


def settled_matrix(matrix: int, width: int, height: int) -> int:
    """The number of the matrix coefficients; without a tag, BT.709's for large videos and BT.601's for small ones."""
    if matrix != UNSPECIFIED:
        return matrix
    return BT709 if width >= HD or height >= HD else BT601


def coding_of(width: int, height: int, bits: int, matrix: int, full: bool) -> ColourCoding:
    """How samples are to be understood (ITU-T H.273, equations 20 to 31).

    Args:
        width, height: of the video.
        bits: of a sample.
        matrix: number of the matrix coefficients (H.273, table 4), see :func:`settled_matrix`.
        full: whether samples use the full range.
    """
    kr, kb = LUMA.get(settled_matrix(matrix, width, height), LUMA[BT601])
    scale, peak = 2.0 ** (bits - 8), 2**bits - 1
    if full:
        return ColourCoding(kr, kb, 0.0, peak, peak, peak)
    return ColourCoding(kr, kb, 16 * scale, 219 * scale, 224 * scale, peak)
