import numpy as np
import pytest
import torch
import torch.nn.functional as F

from claritygan_cli.engine.guided_filter import box_mean, guided_coefficients
from claritygan_cli.engine.resampling import upsample_rows


def least_squares(guide: np.ndarray, target: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """Guided filter output by solving every window's ridge regression directly (He et al., eq. 4)."""
    height, width = guide.shape

    def window(y: int, x: int) -> tuple[slice, slice]:
        return (
            slice(max(0, y - radius), min(height, y + radius + 1)),
            slice(max(0, x - radius), min(width, x + radius + 1)),
        )

    a, b = np.zeros_like(guide), np.zeros_like(guide)
    for y in range(height):
        for x in range(width):
            i, p = guide[window(y, x)].ravel(), target[window(y, x)].ravel()
            # minimise sum((a i + b - p)^2) + n eps a^2
            rows = np.stack([i, np.ones_like(i)], 1)
            normal = rows.T @ rows + np.diag([len(i) * eps, 0])
            a[y, x], b[y, x] = np.linalg.solve(normal, rows.T @ p)
    out = np.zeros_like(guide)
    for y in range(height):
        for x in range(width):
            out[y, x] = a[window(y, x)].mean() * guide[y, x] + b[window(y, x)].mean()
    return out


@pytest.mark.parametrize("radius", [1, 2, 4])
@pytest.mark.parametrize("eps", [1e-3, 0.1])
def test_equals_least_squares_of_every_window(random: np.random.Generator, radius: int, eps: float) -> None:
    guide, target = random.random((9, 12)), random.random((9, 12))
    g, p = (torch.from_numpy(x)[None, None] for x in (guide, target))
    a, b = guided_coefficients(g, p, radius, eps)
    np.testing.assert_allclose((a * g + b)[0, 0].numpy(), least_squares(guide, target, radius, eps), atol=1e-9)


def test_one_guide_serves_all_channels(random: np.random.Generator) -> None:
    guide = torch.from_numpy(random.random((1, 1, 7, 8)))
    target = torch.from_numpy(random.random((1, 3, 7, 8)))
    a, b = guided_coefficients(guide, target, 2, 0.01)
    for c in range(3):
        one_a, one_b = guided_coefficients(guide, target[:, c : c + 1], 2, 0.01)
        assert torch.equal(a[:, c : c + 1], one_a)
        assert torch.equal(b[:, c : c + 1], one_b)


def test_box_mean_is_cut_off_at_borders() -> None:
    x = torch.arange(12.0).reshape(1, 1, 3, 4)
    assert box_mean(x, 1)[0, 0, 0, 0] == torch.tensor([0.0, 1, 4, 5]).mean()
    assert box_mean(x, 9).unique().tolist() == [5.5]


@pytest.mark.parametrize(
    ("small", "large"), [((5, 7), (23, 40)), ((1, 1), (9, 9)), ((8, 8), (8, 8)), ((16, 16), (5, 3))]
)
def test_rows_are_those_of_the_whole_enlargement(small: tuple[int, int], large: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *small)
    whole = F.interpolate(x, size=large, mode="bilinear", align_corners=False)
    cut = large[0] // 2
    rows = torch.cat([upsample_rows(x, large, 0, cut), upsample_rows(x, large, cut, large[0])], 2)
    torch.testing.assert_close(rows, whole, atol=1e-5, rtol=0)
