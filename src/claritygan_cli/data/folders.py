"""Which files of a folder are pictures."""

from pathlib import Path

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})


def image_files(folder: Path) -> list[Path]:
    """The pictures of a folder, sorted by name, without hidden ones; none where there is no such folder."""
    if not folder.is_dir():
        return []
    names = (path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    return sorted(path for path in names if path.is_file() and not path.name.startswith("."))
