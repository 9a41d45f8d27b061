import numpy as np
import pytest
import torch
from torch import Tensor

from claritygan_cli.data.veil import unveiled, veil


@pytest.fixture
def picture(photo: np.ndarray) -> Tensor:
    dark = torch.from_numpy(photo).permute(2, 0, 1).clone()
    dark[:, 80:, 100:] = 5
    return dark


def test_black_shadows_stay(picture: Tensor) -> None:
    assert veil(picture) == pytest.approx(5 / 255, abs=4e-3)
    assert unveiled(picture) is picture


@pytest.mark.parametrize("thickness", [0.05, 0.12])
def test_a_veil_is_taken_away(picture: Tensor, thickness: float) -> None:
    veiled = (picture.float() * (1 - thickness) + 255 * thickness).round().byte()
    assert veil(veiled) > thickness
    clear = unveiled(veiled)
    assert clear.dtype == torch.uint8
    assert veil(clear) == pytest.approx(0.02, abs=4e-3)
    assert (clear.float() - picture.float()).abs().max() < 3


def test_a_picture_of_bright_things_stays(picture: Tensor) -> None:
    bright = (picture.float() * 0.7 + 255 * 0.3).round().byte()
    assert unveiled(bright) is bright


def test_any_size() -> None:
    assert unveiled(torch.full((3, 1, 1), 40, dtype=torch.uint8)).tolist() == [[[5]], [[5]], [[5]]]
