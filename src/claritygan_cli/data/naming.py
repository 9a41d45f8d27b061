"""What names of folders and pictures say: which are hazy, which clear, which show the same scene."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

Role = Literal["hazy", "clear"]
ROLES: tuple[Role, ...] = ("hazy", "clear")
HAZY_WORDS = frozenset({"hazy", "haze", "hazed", "foggy", "input", "inputs", "synthetic"})
CLEAR_WORDS = frozenset({"clear", "gt", "original", "target", "targets", "clean", "groundtruth", "truth"})
PASSING_WORDS = frozenset({"image", "images", "img", "imgs", "picture", "pictures", "photos", "its", "ground", "ots"})
"""Words that names of folders have beside."""
ROLES_OF_NAMES: dict[str, Role] = {
    "trainA": "hazy",
    "trainB": "clear",
    "testA": "hazy",
    "testB": "clear",
    "OTS": "hazy",
}
"""CycleGAN's folders, and RESIDE's OTS as it is published."""
TEST_WORDS = frozenset({"sots", "hsts", "test", "tests", "testing", "testa", "testb", "val", "valid", "validation"})
MARK = "|".join(sorted(HAZY_WORDS | CLEAR_WORDS | {"image", "outputs", "output"}))
MARK_BEFORE = re.compile(rf"^({MARK})[_\-. ]+", re.IGNORECASE)
MARK_BEHIND = re.compile(rf"[_\-. ]+({MARK})?[_\-. ]*$", re.IGNORECASE)


def words_of(name: str) -> list[str]:
    """The words of a name in lower case; no numbers."""
    return re.findall("[a-z]+", name.lower())


def role_of(name: str) -> Role | None:
    """Whether a folder of this name holds hazy or clear pictures: ``Hazy``, ``ITS_haze``, ``clear_images``, ``GT``...;
    None for others, as ``D-HAZY`` is one.
    """
    if name in ROLES_OF_NAMES:
        return ROLES_OF_NAMES[name]
    words = [word for word in words_of(name) if word not in PASSING_WORDS]
    if len(words) != 1:
        return None
    return "hazy" if words[0] in HAZY_WORDS else "clear" if words[0] in CLEAR_WORDS else None


def is_test_set(name: str) -> bool:
    """Whether a folder of this name is kept for tests, and not trained on."""
    return bool(TEST_WORDS & set(words_of(name)))


def folders_of(folder: Path) -> list[Path]:
    """Its subfolders that are not hidden, by name."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def parts_of(folder: Path, role: Role) -> list[Path]:
    """Its subfolders of a role, less those that only hold folders with roles of their own (HSTS has
    ``synthetic/synthetic`` beside ``synthetic/original``).
    """
    found = [part for part in folders_of(folder) if role_of(part.name) == role]
    return [part for part in found if not set(ROLES) <= {role_of(p.name) for p in folders_of(part)}]


def scene_of(stem: str) -> str:
    """What the names of all pictures of a scene have in common, less what says whether there is haze: ``01_hazy``,
    ``gt_01`` and ``01_Image_`` are all ``01``.
    """
    without = MARK_BEHIND.sub("", MARK_BEFORE.sub("", stem))
    return without or stem


def mark_of(stem: str) -> Role | None:
    """Whether a picture's own name says that it is hazy or clear."""
    words = {word for part in (stem.split("_")[:1], stem.split("_")[1:]) for word in words_of(" ".join(part))}
    hazy, clear = bool(words & HAZY_WORDS), bool(words & CLEAR_WORDS)
    return None if hazy == clear else "hazy" if hazy else "clear"


def marked(files: Iterable[Path], role: Role) -> list[Path]:
    """The pictures whose names say this."""
    return [path for path in files if mark_of(path.stem) == role]
