import io

import numpy as np
import pytest
from PIL import Image

from claritygan_cli.media import png_encoder
from claritygan_cli.media.image_reader import decode_picture
from claritygan_cli.media.image_writer import encode_picture
from claritygan_cli.media.picture import Picture


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (3, 7), (130, 65)])
def test_8_bits_come_back(channels: int, size: tuple[int, int]) -> None:
    planes = np.random.default_rng(0).integers(0, 256, (*size, channels), dtype=np.uint8)
    planes = planes[..., 0] if channels == 1 else planes
    with Image.open(io.BytesIO(png_encoder.encode_png(planes))) as image:
        assert np.array_equal(np.asarray(image), planes)
        assert not image.info


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_either_way_of_encoding_gives_the_same_pixels(dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Picture(np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(dtype))
    for limit in (1, 1 << 28):
        monkeypatch.setattr(png_encoder, "LIMIT", limit)
        data, _ = encode_picture(picture, ".png")
        assert np.array_equal(decode_picture(data, "x").pixels, picture.pixels)
