"""The residual network in tiles."""

from typing import get_args

import pytest
import torch

from claritygan_cli.engine.generators import ResnetGenerator
from claritygan_cli.engine.resnet import ResnetBody, Variant
from claritygan_cli.engine.tiling import TiledResnet


@pytest.mark.parametrize("variant", get_args(Variant))
@pytest.mark.parametrize(("height", "width", "tile"), [(160, 212, 64), (300, 100, 64), (8, 200, 66), (96, 132, 40)])
@torch.inference_mode()
def test_tiles_give_what_the_whole_picture_gives(variant: Variant, height: int, width: int, tile: int) -> None:
    torch.manual_seed(height)
    body = ResnetBody(8, 3, variant=variant).eval()
    picture = torch.rand(1, 3, height, width) * 2 - 1
    torch.testing.assert_close(TiledResnet(body, tile)(picture), body(picture), atol=1e-4, rtol=0)


@torch.inference_mode()
def test_generators_take_tiles_where_pictures_are_larger() -> None:
    torch.manual_seed(0)
    generator = ResnetGenerator(8, 2).eval()
    pictures = torch.rand(2, 3, 72, 128)
    whole = generator.predict(pictures).image
    generator.tile = 64
    torch.testing.assert_close(generator.predict(pictures).image, whole, atol=1e-4, rtol=0)
