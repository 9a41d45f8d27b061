"""What pairs of one scene say beyond a score, once the scattering model is solved for their haze.

Run: ``python tests/benchmarks/bench_truth.py DATA [DEHAZER [HAZIFIER]]``, a folder with pairs. Prints PSNR and SSIM

* dehazed, as ``claritygan eval`` has them;
* with the true haze: what the loss of detail in the file leaves within reach of any estimate of haze;
* rendered: of the same scenes in the same haze, rendered anew from the clear pictures, without the file's compression;

and the rank correlation (Spearman) of the hazifier's depth with the depth that follows from the true transmission,
where the picture shows that.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from claritygan_cli.data.pairs import find_pairs
from claritygan_cli.engine.estimate import DepthEstimate
from claritygan_cli.engine.guided_filter import box_mean
from claritygan_cli.engine.resampling import resize
from claritygan_cli.engine.restoration import full_size_map
from claritygan_cli.engine.scattering import add_haze, remove_haze
from claritygan_cli.evaluation.evaluate import read_pair
from claritygan_cli.evaluation.metrics import mean_scores, score
from claritygan_cli.models.loading import load_translator

RADIUS = 3
"""Radius of the windows over which transmission is taken to be even."""
TELLING = 0.06
"""Mean square difference of clear picture and airlight, summed over channels, from which on it shows transmission."""
RANKED = (120, 160)
"""Size at which ranks are compared."""


def floats(pixels: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float() / 255


def pixels(image: Tensor) -> np.ndarray:
    """The inverse of :func:`floats`."""
    return (image[0].clamp(0, 1).permute(1, 2, 0) * 255).round().byte().numpy()


def true_haze(hazy: Tensor, clear: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Airlight (a grey), transmission, and how well the latter shows: least squares in windows, for many greys."""
    fits = []
    for airlight in torch.arange(0.6, 1.001, 0.005):
        seen, there = hazy - airlight, clear - airlight
        product, square = (box_mean((x * there).sum(1, keepdim=True), RADIUS) for x in (seen, there))
        t = (product / square.clamp_min(1e-5)).clamp(0.03, 1)
        fits.append(((there * t - seen).square().mean().item(), airlight, t, square))
    _, airlight, t, square = min(fits, key=lambda fit: fit[0])
    return airlight, t, square


@torch.inference_mode()
def main() -> None:
    """Print all that."""
    data, *models = sys.argv[1:]
    dehazer, hazifier = (
        load_translator(direction, model)
        for direction, model in zip(("dehaze", "hazify"), [*models, None, None], strict=False)
    )
    scores: dict[str, list] = {"dehazed": [], "with the true haze": [], "rendered": []}
    ranks: dict[Path, list[float]] = {}
    for pair in find_pairs(Path(data)):
        hazy, clear = read_pair(pair)
        picture, truth = floats(hazy), floats(clear)
        airlight, t, square = true_haze(picture, truth)
        scores["dehazed"].append(score(dehazer(hazy), clear))
        scores["with the true haze"].append(score(pixels(remove_haze(picture, t, airlight)), clear))
        scores["rendered"].append(score(dehazer(pixels(add_haze(truth, t, airlight))), clear))
        estimate = hazifier.estimate(clear)
        assert isinstance(estimate, DepthEstimate)
        small = hazifier.generator.small_copy(truth)
        depth = resize(full_size_map(truth, small, estimate.depth, hazifier.restoration).clamp(0, 1), RANKED)
        shown = resize(square, RANKED) > TELLING
        ranks.setdefault(pair.truth, []).append(spearmanr(depth[shown], -resize(t, RANKED)[shown]).statistic)
    for name, these in scores.items():
        mean = mean_scores(these)
        print(f"{name:20} {mean['psnr']:6.2f} dB {mean['ssim']:.4f}")
    scenes = [float(np.mean(values)) for values in ranks.values()]
    print(
        f"depth: rank correlation {np.mean(scenes):.3f} ({min(scenes):.2f} to {max(scenes):.2f}), {len(scenes)} scenes"
    )


if __name__ == "__main__":
    main()
