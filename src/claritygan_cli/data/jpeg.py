"""What JPEG leaves of pictures, on whatever device they are on."""

import math
from functools import cache

import torch
from torch import Tensor

LUMA_STEPS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""Quantisation of luma at quality 50 (ITU-R T.81, annex K.1); here for chroma too."""
TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""JFIF's."""


@cache
def cosines() -> Tensor:
    """The orthonormal matrix (8, 8) of the discrete cosine transform."""
    k = torch.arange(8.0)
    matrix = torch.cos((2 * k[None] + 1) * k[:, None] * math.pi / 16) / 2
    matrix[0] /= math.sqrt(2)
    return matrix


def compressed(image: Tensor, quality: Tensor) -> Tensor:
    """Pictures after JPEG, without subsampling of chroma.

    Args:
        image: (N, 3, H, W) in [0, 1], H and W multiples of 8.
        quality: (N, 1, 1, 1), 1 to 100, as libjpeg means it.

    Returns:
        (N, 3, H, W), hardly beyond [0, 1].
    """
    n, _, height, width = image.shape
    dct, colours = cosines().to(image), torch.tensor(TO_YCC).to(image)
    ycc = torch.einsum("ij,njhw->nihw", colours, image * 255 - 128)  # chroma rows sum to 0, and take no part in the 128
    blocks = ycc.reshape(n, 3, height // 8, 8, width // 8, 8).transpose(3, 4)
    scale = torch.where(quality < 50, 5000 / quality.clamp_min(1), 200 - 2 * quality).reshape(n, 1, 1, 1, 1, 1)
    steps = ((torch.tensor(LUMA_STEPS).to(image) * scale + 50) / 100).floor().clamp(1, 255)
    coded = (dct @ blocks @ dct.T / steps).round() * steps
    ycc = (dct.T @ coded @ dct).transpose(3, 4).reshape(n, 3, height, width)
    return (torch.einsum("ij,njhw->nihw", torch.linalg.inv(colours), ycc) + 128) / 255
