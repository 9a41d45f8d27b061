"""Pairs of a hazy and a clear picture of the same scene, found by name, never by order.

Understood are folders with a hazy and a clear part, as in RESIDE's ITS, OTS and SOTS (``hazy/ID_k_beta.png`` with
``clear/ID.png`` or ``gt/ID.png``), and plain ones (``hazy/NAME`` with ``clear/NAME``), as well as a folder that holds
``indoor`` or ``outdoor`` of that kind.
"""

from dataclasses import dataclass
from pathlib import Path

from claritygan_cli.data.folders import image_files
from claritygan_cli.errors import UsageError

HAZY_NAMES = ("hazy", "haze", "input", "synthetic")
CLEAR_NAMES = ("clear", "gt", "GT", "original", "target", "clean")
LAYOUTS = "expected DIR/hazy with DIR/clear or DIR/gt (RESIDE: hazy/ID_k_beta.png, clear/ID.png; or the same names)"


@dataclass(frozen=True)
class Pair:
    """A picture and its ground truth; ``name`` is the picture's file name without its ending."""

    name: str
    picture: Path
    truth: Path


def truth_for(stem: str, truths: dict[str, Path]) -> Path | None:
    """The ground truth of a picture: of the same name, or of its part before an underscore (RESIDE's ``ID_k_beta``).

    The longest such part wins. RESIDE's own endings (``_GT``, ``_hazy``) are no part of a name.

    Args:
        stem: file name without its ending.
        truths: ground truths by their stem.
    """
    parts = stem.split("_")
    for count in range(len(parts), 0, -1):
        found = truths.get("_".join(parts[:count]))
        if found is not None:
            return found
    return None


def by_stem(files: list[Path]) -> dict[str, Path]:
    """Files by their name without ending and without ``_GT`` / ``_clear``."""
    return {path.stem.removesuffix("_GT").removesuffix("_gt").removesuffix("_clear"): path for path in files}


def pair_folders(pictures: Path, truths: Path) -> list[Pair]:
    """Every picture of one folder that has a ground truth in another.

    Raises:
        UsageError: a folder is missing, or there is no pair.
    """
    for folder in (pictures, truths):
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder")
    stems = by_stem(image_files(truths))
    pairs = []
    for path in image_files(pictures):
        truth = truth_for(path.stem, stems)
        if truth is not None:
            pairs.append(Pair(path.stem, path, truth))
    if not pairs:
        raise UsageError(f"{pictures}: no picture there has a ground truth of its name in {truths}; {LAYOUTS}")
    return pairs


def find_pairs(root: Path) -> list[Pair]:
    """All pairs of a data set folder.

    Raises:
        UsageError: the folder is missing, has no known layout, or there is no pair.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder")
    hazy = next((root / name for name in HAZY_NAMES if (root / name).is_dir()), None)
    clear = next((root / name for name in CLEAR_NAMES if (root / name).is_dir()), None)
    if hazy is not None and clear is not None:
        return pair_folders(hazy, clear)
    parts = [root / name for name in ("indoor", "outdoor") if (root / name).is_dir()]
    if parts:
        return [pair for part in parts for pair in find_pairs(part)]
    raise UsageError(f"{root}: no hazy and clear pictures in it; {LAYOUTS}")
