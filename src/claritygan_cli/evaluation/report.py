"""Scores as text and CSV."""

import csv
from pathlib import Path

from claritygan_cli.evaluation.metrics import METRICS, Scores, mean_scores

HEADINGS = {"psnr": "PSNR dB", "ssim": "SSIM", "ciede2000": "CIEDE2000"}
DECIMALS = {"psnr": 2, "ssim": 4, "ciede2000": 2}


def summary(scores: list[Scores]) -> Scores:
    """Mean scores, rounded as they are printed."""
    means = mean_scores(scores).items()
    return {name: None if value is None else round(value, DECIMALS[name]) for name, value in means}


def score_table(scores: dict[str, Scores], each: bool = True) -> str:
    """A row for the mean, and before it one for each picture if wanted."""
    mean = {f"mean of {len(scores)}": mean_scores(list(scores.values()))}
    width = max(len(name) for name in [*(scores if each else ()), *mean])
    rows = [f"{'':{width}}" + "".join(f"{HEADINGS[name]:>11}" for name in METRICS)]
    for name, values in {**(scores if each else {}), **mean}.items():
        cells = ("-" if values[m] is None else f"{values[m]:.{DECIMALS[m]}f}" for m in METRICS)
        rows.append(f"{name:{width}}" + "".join(f"{cell:>11}" for cell in cells))
    return "\n".join(rows)


def write_csv(path: Path, scores: dict[str, Scores]) -> None:
    """One line for each picture, full precision."""
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(["name", *METRICS])
        writer.writerows([name, *(values[m] for m in METRICS)] for name, values in scores.items())
