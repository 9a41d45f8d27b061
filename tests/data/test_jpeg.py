import io

import numpy as np
import pytest
import torch
from PIL import Image

from claritygan_cli.data.jpeg import compressed


@pytest.mark.parametrize("quality", [30, 60, 90])
def test_it_loses_what_jpeg_loses(photo: np.ndarray, quality: int) -> None:
    pixels = photo[: photo.shape[0] // 8 * 8, : photo.shape[1] // 8 * 8]
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=0)
    real = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)[None].float() / 255
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
    ours = compressed(image, torch.full((1, 1, 1, 1), float(quality)))
    lost = (real - image).square().mean().sqrt()
    assert (ours - image).square().mean().sqrt() == pytest.approx(lost.item(), rel=0.25)
    assert (ours - real).square().mean().sqrt() < 0.8 * lost
