"""Pairs of a hazy and a clear picture of the same scene, found by name, never by order.

Understood are folders with a hazy and a clear part, as in RESIDE's ITS, OTS and SOTS (``hazy/ID_k_beta.png`` with
``clear/ID.png`` or ``gt/ID.png``), and plain ones (``hazy/NAME`` with ``clear/NAME``, ``testA/NAME`` with
``testB/NAME``), as well as folders that hold such folders, however deep (``SOTS/indoor/nyuhaze500/hazy``).
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from claritygan_cli.errors import DataError, UsageError
from claritygan_cli.media.find import image_files

HAZY_NAMES = ("hazy", "haze", "input", "synthetic")
CLEAR_NAMES = ("clear", "gt", "GT", "original", "target", "clean")
LAYOUTS = "expected DIR/hazy with DIR/clear or DIR/gt (RESIDE: hazy/ID_k_beta.png, clear/ID.png; or the same names)"


@dataclass(frozen=True)
class ImagePair:
    """A picture and its ground truth; ``name`` is the picture's path below the data set's folder."""

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


def truth_stem(path: Path) -> str:
    """What pictures call their ground truth: its name without ending and without ``_GT`` / ``_clear``."""
    return path.stem.removesuffix("_GT").removesuffix("_gt").removesuffix("_clear")


def by_stem(files: list[Path]) -> dict[str, Path]:
    """Files by their :func:`truth_stem`.

    Raises:
        DataError: two files have the same such name.
    """
    found: dict[str, Path] = {}
    for path in files:
        stem = truth_stem(path)
        if stem in found:
            raise DataError(f"{path}: and {found[stem].name} beside it both are the ground truth of {stem!r}; keep one")
        found[stem] = path
    return found


def pair_folders(pictures: Path, truths: Path) -> list[ImagePair]:
    """Every picture of one folder with its ground truth in another.

    Raises:
        DataError: some pictures have no ground truth: a mean over the others would be another set's.
        UsageError: a folder is missing, or there is no pair.
    """
    for folder in (pictures, truths):
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder")
    stems = by_stem(image_files(truths))
    pairs, alone = [], []
    for path in image_files(pictures):
        truth = truth_for(path.stem, stems)
        if truth is None:
            alone.append(path)
        else:
            pairs.append(ImagePair(path.relative_to(pictures).as_posix(), path, truth))
    if not pairs:
        raise UsageError(f"{pictures}: no picture there has a ground truth of its name in {truths}; {LAYOUTS}")
    if alone:
        more = f" (nor have {len(alone) - 1} others)" if len(alone) > 1 else ""
        raise DataError(f"{alone[0]}: has no ground truth in {truths}{more}; add it, or take the picture out")
    return pairs


def find_pairs(root: Path) -> list[ImagePair]:
    """All pairs of a data set folder.

    Raises:
        DataError, UsageError: as :func:`pair_folders`, or the folder has no known layout.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder")
    hazy = next((root / name for name in (*HAZY_NAMES, "testA") if (root / name).is_dir()), None)
    clear = next((root / name for name in (*CLEAR_NAMES, "testB") if (root / name).is_dir()), None)
    if hazy is not None and clear is not None:
        return pair_folders(hazy, clear)
    pairs: list[ImagePair] = []
    for part in sorted(path for path in root.iterdir() if path.is_dir()):
        with suppress(UsageError):
            pairs += [replace(pair, name=f"{part.name}/{pair.name}") for pair in find_pairs(part)]
    if pairs:
        return pairs
    raise UsageError(f"{root}: no hazy and clear pictures in it; {LAYOUTS}")
