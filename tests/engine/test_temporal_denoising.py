import pytest
import torch
from torch import Tensor

from claritygan_cli.engine.temporal_denoising import CELL, TemporalDenoiser

SIGMA = 0.015


def scene() -> Tensor:
    torch.manual_seed(9)
    return torch.nn.functional.interpolate(0.2 + 0.6 * torch.rand(1, 1, 6, 9), (100, 150), mode="bicubic")


def noisy(clean: Tensor, seed: int) -> list[Tensor]:
    torch.manual_seed(seed)
    return [clean + SIGMA * torch.randn(clean.shape), (clean + SIGMA * torch.randn(clean.shape))[:, :, ::2, ::2]]


def test_noise_is_averaged_out_of_a_static_shot() -> None:
    denoiser, clean = TemporalDenoiser(0.9), scene()
    for seed in range(40):
        luma, chroma = denoiser(noisy(clean, seed), 1.0)
    assert (luma - clean).std() < SIGMA / 3
    assert (chroma - clean[:, :, ::2, ::2]).std() < SIGMA / 3


def test_what_moves_is_left_as_it_is() -> None:
    denoiser, clean = TemporalDenoiser(0.9), scene()
    for seed in range(20):
        denoiser(noisy(clean, seed), 1.0)
    moved = clean.clone()
    moved[..., 32:64, 48:96] += 0.08
    frame = noisy(moved, 20)
    luma, _ = denoiser(frame, 1.0)
    assert torch.equal(luma[..., 32:64, 48:96], frame[0][..., 32:64, 48:96])
    elsewhere = (luma - clean)[..., 80:, :]
    assert elsewhere.std() < SIGMA / 2


def test_moving_texture_is_not_blurred_though_its_mean_stays() -> None:
    denoiser = TemporalDenoiser(0.95)
    board = 0.5 + 0.1 * (torch.arange(150) % 2 * 2.0 - 1).expand(1, 1, 100, 150)
    still = torch.full((1, 1, 100, 150), 0.5)
    for seed in range(6):
        frame = noisy(torch.where(torch.arange(150) < 96, still, board.roll(seed, 3)), seed)
        luma, _ = denoiser(frame, 1.0)
    assert torch.equal(luma[..., 112:], frame[0][..., 112:])


def test_a_cut_leaves_nothing_of_the_scene_before() -> None:
    denoiser = TemporalDenoiser(0.95)
    for seed in range(5):
        denoiser(noisy(scene(), seed), 1.0)
    frame = noisy(scene().flip(3), 7)
    luma, _ = denoiser(frame, 1.0)
    changed = (scene() - scene().flip(3)).abs() > 0.15
    changed = torch.nn.functional.max_pool2d(1 - changed.float(), 2 * CELL + 1, 1, CELL) == 0
    assert changed.any()
    assert torch.equal(luma[changed], frame[0][changed])


@pytest.mark.parametrize("keep", [0.0, 0.9])
def test_the_first_frame_another_size_and_the_input_stay_untouched(keep: float) -> None:
    denoiser = TemporalDenoiser(keep)
    for clean in (scene(), scene()[..., :77]):
        frame = noisy(clean, 0)
        copies = [plane.clone() for plane in frame]
        assert all(torch.equal(a, b) for a, b in zip(denoiser(frame, 1.0), copies, strict=True))
        denoiser(noisy(clean, 1), 1.0)
        assert all(torch.equal(a, b) for a, b in zip(frame, copies, strict=True))


def test_without_a_share_to_keep_frames_stay_as_they_are() -> None:
    denoiser = TemporalDenoiser(0.0)
    denoiser(noisy(scene(), 0), 1.0)
    frame = noisy(scene(), 1)
    assert torch.equal(denoiser(frame, 1.0)[0], frame[0])


def test_codes_and_shares_of_white_are_treated_alike() -> None:
    shares, codes = TemporalDenoiser(0.9), TemporalDenoiser(0.9)
    for seed in range(3):
        frame = noisy(scene(), seed)
        a, b = shares(frame, 1.0), codes([plane * 219 + 16 for plane in frame], 219.0)
    torch.testing.assert_close(a[0] * 219 + 16, b[0], atol=1e-2, rtol=0)


def test_repeated_frames_and_clipped_skies_do_not_hide_the_noise() -> None:
    denoiser, clean = TemporalDenoiser(0.9), scene()
    clean[..., :50, :] = 2.0
    for seed in range(30):
        frame = noisy(clean, seed)
        frame[0].clamp_(0, 1)
        luma, _ = denoiser(frame, 1.0)
    assert (luma - clean)[..., 58:, :].std() < SIGMA / 2


@pytest.mark.parametrize("size", [(100, 150), (97, 149), (8, 8), (3, 5)])
def test_the_fused_passes_equal_torch(size: tuple[int, int]) -> None:
    clean = torch.nn.functional.interpolate(scene(), size)
    denoiser = TemporalDenoiser(0.9)
    fused, strips = ([plane.clone() for plane in noisy(clean, 0)] for _ in range(2))
    for seed in range(1, 4):
        clean = clean.roll(3, 3) if seed == 2 else clean
        frame = noisy(clean, seed)
        denoiser._fused(frame, fused, 1.0)
        denoiser._in_strips(frame, strips, 1.0)
        for one, other in zip(fused, strips, strict=True):
            torch.testing.assert_close(one, other, atol=2e-6, rtol=0)
    assert not torch.equal(fused[0], frame[0])
