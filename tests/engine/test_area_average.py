import numpy as np
import pytest
import torch

from claritygan_cli.engine.area_average import area_average


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_whole_blocks_are_averaged(dtype: type) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (12, 20, 3), dtype=dtype, endpoint=True)
    blocks = pixels.reshape(3, 4, 5, 4, 3).mean((1, 3)).transpose(2, 0, 1)
    assert area_average(pixels, (3, 5)) == pytest.approx(blocks, rel=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (11, 13), (12, 20)])
def test_parts_of_pixels_count_as_such(size: tuple[int, int]) -> None:
    """As torch averages where each pixel has been repeated often enough."""
    pixels = np.random.default_rng(1).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    fine = pixels.astype(np.float32).repeat(size[0], 0).repeat(size[1], 1)
    wanted = torch.nn.functional.avg_pool2d(torch.from_numpy(fine).permute(2, 0, 1), (12, 20))
    assert area_average(pixels, size) == pytest.approx(wanted.numpy(), rel=1e-4)
