"""What a run says on stderr while it goes on."""

import sys
from collections import defaultdict
from typing import Any

from tqdm import tqdm

from claritygan_cli.evaluation.metrics import Scores

SHORT_NAMES = {"adversarial": "adv", "identity": "id", "perceptual": "vgg", "paired": "pair"}


def say(line: str) -> None:
    """A line on stderr, above the progress bar."""
    tqdm.write(line, file=sys.stderr)


def psnr_of(scores: dict[str, Scores]) -> str:
    """PSNR on each validation folder."""
    return ", ".join(f"{name} {row['psnr']:.2f} dB" for name, row in scores.items() if row["psnr"] is not None)


def _grouped(line: dict[str, Any], names: dict[str, str]) -> str:
    groups: dict[str, float] = defaultdict(float)
    for name, value in line["terms"].items():
        groups[name.split("_")[0]] += value
    return " ".join(f"{names.get(name, name)} {value:.3g}" for name, value in groups.items())


def short(line: dict[str, Any]) -> str:
    """What a progress bar has room for on 80 columns."""
    return f"{_grouped(line, SHORT_NAMES)} {line['images_per_second']:.3g} images/s"


def long(line: dict[str, Any], epochs: int) -> str:
    """The line of an epoch."""
    skipped = f", {line['skipped']} steps skipped" if line["skipped"] else ""
    return (
        f"epoch {line['epoch']:g}/{epochs}: {_grouped(line, {}) or 'no finite step'}; {line['images_per_second']:.3g} "
        f"images/s, a step {line['step_ms']:.0f} ms and {line['data_ms']:.0f} ms of waiting for data, after "
        f"{line['minutes']:.1f} min{skipped}"
    )
