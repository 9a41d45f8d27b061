import numpy as np
import pytest
import torch
from torch import Tensor

from claritygan_cli.data.black_point import black_point, with_black_point


@pytest.fixture
def picture(photo: np.ndarray) -> Tensor:
    dark = torch.from_numpy(photo).permute(2, 0, 1).clone()
    dark[:, 80:, 100:] = 5
    return dark


def test_black_shadows_stay(picture: Tensor) -> None:
    assert black_point(picture) == pytest.approx(5 / 255, abs=4e-3)
    assert with_black_point(picture) is picture


@pytest.mark.parametrize("thickness", [0.05, 0.12])
def test_a_veil_is_taken_away(picture: Tensor, thickness: float) -> None:
    veiled = (picture.float() * (1 - thickness) + 255 * thickness).round().byte()
    assert black_point(veiled) > thickness
    clear = with_black_point(veiled)
    assert clear.dtype == torch.uint8
    assert black_point(clear) == pytest.approx(0.02, abs=4e-3)
    assert (clear.float() - picture.float()).abs().max() < 3


def test_a_picture_of_bright_things_stays(picture: Tensor) -> None:
    bright = (picture.float() * 0.7 + 255 * 0.3).round().byte()
    assert with_black_point(bright) is bright


def test_any_size() -> None:
    assert with_black_point(torch.full((3, 1, 1), 40, dtype=torch.uint8)).tolist() == [[[5]], [[5]], [[5]]]
