"""Which files of a folder are pictures."""

from pathlib import Path

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})


def image_files(folder: Path) -> list[Path]:
    """The pictures of a folder and its subfolders, sorted, without hidden ones; none where there is no such folder."""
    names = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    return sorted(path for path in names if path.is_file() and not path.name.startswith("."))
