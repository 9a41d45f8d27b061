import numpy as np
import pytest
import torch
from torch import Tensor

from claritygan_cli.data.black_point import black_point, natural_veil, without_veil


@pytest.fixture
def picture(photo: np.ndarray) -> Tensor:
    dark = torch.from_numpy(photo).permute(2, 0, 1).clone()
    dark[:, 80:, 100:] = 5
    return dark


def test_black_shadows_have_no_veil(picture: Tensor) -> None:
    assert black_point(picture) == pytest.approx(5 / 255, abs=4e-3)
    assert natural_veil(picture) == 0


@pytest.mark.parametrize("thickness", [0.05, 0.12])
def test_a_veil_is_taken_away(picture: Tensor, thickness: float) -> None:
    veiled = (picture.float() * (1 - thickness) + 255 * thickness).round().byte()
    assert black_point(veiled) > thickness
    veil = natural_veil(veiled)
    assert veil == pytest.approx(thickness, abs=4e-3)
    clear = without_veil(veiled.float() / 255, veil)
    assert black_point((clear * 255).round().byte()) == pytest.approx(0.02, abs=4e-3)
    assert (clear - picture.float() / 255).abs().max() < 0.012
    assert clear.min() >= 0


def test_a_picture_of_bright_things_has_none(picture: Tensor) -> None:
    assert natural_veil((picture.float() * 0.7 + 255 * 0.3).round().byte()) == 0


def test_any_size() -> None:
    assert natural_veil(torch.full((3, 1, 1), 40, dtype=torch.uint8)) == pytest.approx(0.1397, abs=1e-3)
