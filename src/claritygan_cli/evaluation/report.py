"""Scores as text and CSV."""

import csv
from pathlib import Path

from claritygan_cli.evaluation.metrics import METRICS, mean_scores

HEADINGS = {"psnr": "PSNR dB", "ssim": "SSIM", "ciede2000": "CIEDE2000"}
DECIMALS = {"psnr": 2, "ssim": 4, "ciede2000": 2}


def summary(scores: list[dict[str, float]]) -> dict[str, float]:
    """Mean scores, rounded as they are printed."""
    return {name: round(value, DECIMALS[name]) for name, value in mean_scores(scores).items()}


def score_table(scores: dict[str, dict[str, float]]) -> str:
    """A row for each picture and one for the mean."""
    width = max(len(name) for name in [*scores, "mean"])
    rows = [f"{'':{width}}" + "".join(f"{HEADINGS[name]:>11}" for name in METRICS)]
    for name, values in {**scores, f"mean of {len(scores)}": mean_scores(list(scores.values()))}.items():
        rows.append(f"{name:{width}}" + "".join(f"{values[m]:11.{DECIMALS[m]}f}" for m in METRICS))
    return "\n".join(rows)


def write_csv(path: Path, scores: dict[str, dict[str, float]]) -> None:
    """One line for each picture, full precision."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", *METRICS])
        writer.writerows([name, *(values[m] for m in METRICS)] for name, values in scores.items())
