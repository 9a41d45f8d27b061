"""Pairs of a hazy and a clear picture of the same scene, found by name, never by order.

Understood are folders with a hazy and a clear part, as in RESIDE's ITS, OTS and SOTS (``hazy/ID_k_beta.png`` with
``clear/ID.png`` or ``gt/ID.png``), plain ones (``hazy/NAME`` with ``clear/NAME``), with subfolders on both sides or one
(REVIDE), and one folder with both (NH-HAZE: ``01_hazy.png``, ``01_GT.png``); as well as folders that hold such folders,
however deep (``SOTS/indoor/nyuhaze500/hazy``).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from claritygan_cli.data.naming import folders_of, mark_of, marked, parts_of, scene_of
from claritygan_cli.errors import DataError, UsageError
from claritygan_cli.media.find import image_files

LAYOUTS = (
    "expected DIR/hazy with DIR/clear or DIR/gt (RESIDE: hazy/ID_k_beta.png, clear/ID.png; or the same names), or "
    "NAME_hazy with NAME_GT in one folder"
)
MOST_NAMED = 6


@dataclass(frozen=True)
class ImagePair:
    """A picture and its ground truth; ``name`` is the picture's path below the data set's folder."""

    name: str
    picture: Path
    truth: Path


class Truths:
    """Ground truths, to be found by the names of pictures.

    Where hazy and clear pictures of a scene stand beside each other, the hazy ones are no truths.

    Args:
        files: pairs of a folder of ground truths and a file below it.

    Raises:
        DataError: two files of one subfolder may be the truth of the same scene.
    """

    def __init__(self, files: Iterable[tuple[Path, Path]]) -> None:
        self._near: dict[tuple[Path, str], Path] = {}
        self._all: dict[str, list[Path]] = defaultdict(list)
        files = list(files)
        clear = {(path.parent, scene_of(path.stem)) for _, path in files if mark_of(path.stem) != "hazy"}
        for folder, path in files:
            scene = scene_of(path.stem)
            if mark_of(path.stem) == "hazy" and (path.parent, scene) in clear:
                continue
            place = path.parent.relative_to(folder), scene
            other = self._near.get(place)
            if other is not None and other.parent == path.parent:
                raise DataError(f"{path}: and {other.name} beside it both are the ground truth of {scene!r}; keep one")
            self._near[place] = path
            self._all[scene].append(path)

    def of(self, picture: Path, below: Path) -> Path | None:
        """The truth of a picture: of the same scene, in the same subfolder if there are several. In RESIDE, scenes are
        the first parts of names (``ID_k_beta``); the longest such part wins. No picture is its own truth. None where
        there is none, or there are several in other subfolders.

        Args:
            below: the picture's path below the folder that corresponds to the truths'.
        """
        parts = scene_of(picture.stem).split("_")
        for count in range(len(parts), 0, -1):
            scene = "_".join(parts[:count])
            found = self._near.get((below.parent, scene))
            others = [found] if found is not None else self._all.get(scene, [])
            if len(others) > 1:
                return None
            if others and not _same(others[0], picture):
                return others[0]
        return None


def _same(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except OSError:  # one of them is but a name
        return False


def truths_below(folder: Path) -> Truths:
    """The ground truths of a folder.

    Raises:
        DataError: as :class:`Truths`.
    """
    return Truths((folder, path) for path in image_files(folder))


def pair_folders(pictures: Path, truths: Path) -> list[ImagePair]:
    """Every picture of one folder with its ground truth in another. If it is the same folder, as for NH-HAZE, the
    pictures are those that are named as hazy ones.

    Raises:
        DataError: some pictures have no ground truth: a mean over the others would be another set's.
        UsageError: a folder is missing, or there is no pair.
    """
    for folder in (pictures, truths):
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder")
    known = truths_below(truths)
    files = image_files(pictures)
    if _same(pictures, truths):
        files = marked(files, "hazy")
    pairs, alone = [], []
    for path in files:
        name = path.relative_to(pictures)
        truth = known.of(path, name)
        if truth is None:
            alone.append(path)
        else:
            pairs.append(ImagePair(name.as_posix(), path, truth))
    if not pairs:
        raise UsageError(f"{pictures}: no picture there has a ground truth of its name in {truths}; {LAYOUTS}")
    if alone:
        more = f" (nor have {len(alone) - 1} others)" if len(alone) > 1 else ""
        raise DataError(f"{alone[0]}: has no ground truth in {truths}{more}; add it, or take the picture out")
    return pairs


def is_flat(folder: Path) -> bool:
    """Whether hazy and clear pictures, marked by their names, stand in the folder itself."""
    marks = {mark_of(path.stem) for path in image_files(folder) if path.parent == folder}
    return {"hazy", "clear"} <= marks


def find_pairs(root: Path) -> list[ImagePair]:
    """All pairs of a data set folder.

    Raises:
        DataError: as :func:`pair_folders`.
        UsageError: a part has hazy or clear pictures alone, or the folder has no known layout.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder")
    pairs = _search(root)
    if not pairs:
        raise UsageError(f"{root}: no hazy and clear pictures in it; {LAYOUTS}; {seen_in(root)}")
    return pairs


def _search(folder: Path) -> list[ImagePair]:
    hazy, clear = parts_of(folder, "hazy")[:1], parts_of(folder, "clear")[:1]
    if hazy and clear:
        return pair_folders(hazy[0], clear[0])
    if is_flat(folder):
        return pair_folders(folder, folder)
    for part in (*hazy, *clear):
        if image_files(part):
            kind = "clear" if hazy else "hazy"
            raise UsageError(f"{part}: has no folder of {kind} pictures beside it; {seen_in(folder)}; {LAYOUTS}")
    pairs: list[ImagePair] = []
    for part in folders_of(folder):
        pairs += [replace(pair, name=f"{part.name}/{pair.name}") for pair in _search(part)]
    return pairs


def seen_in(folder: Path) -> str:
    """What subfolders there are, for messages."""
    names = [f"{path.name}/" for path in folders_of(folder)]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"seen there: {', '.join(names[:MOST_NAMED])}{more}" if names else "there are no folders in it"
