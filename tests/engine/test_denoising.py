import pytest
import torch
import torch.nn.functional as F

from claritygan_cli.engine.denoising import denoise, window_mean

DEVIATION = 2 / 255


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (7, 4)])
def test_window_mean_is_average_pooling(size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size)
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    torch.testing.assert_close(window_mean(x), F.avg_pool2d(padded, 3, stride=1))


def test_edges_stay_and_noise_goes() -> None:
    random = torch.Generator().manual_seed(0)
    edge = (torch.arange(32) < 16).float().expand(1, 3, 32, 32) * 0.5 + 0.2
    assert (denoise(edge, DEVIATION) - edge).abs().max() < 1e-3
    noise = torch.randn(1, 1, 64, 64, generator=random).expand(1, 3, 64, 64)
    for strength, kept in ((0.1, 1 / 3), (1.0, 0.6), (20.0, 1.0)):  # 1 / 3: the mean of nine
        image = 0.5 + strength * DEVIATION * noise
        assert denoise(image, DEVIATION).std() / image.std() == pytest.approx(kept, abs=0.03)
    assert denoise(image, 0.0) is image
