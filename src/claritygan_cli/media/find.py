"""Which files are photos and videos, by their names, and the one walk through folders that finds them."""

import os
import re
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

PHOTO_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".avif": "AVIF",
    ".heic": "HEIF",
    ".heif": "HEIF",
    ".jxl": "JXL",
}
"""File endings of photos that can be read and written, with Pillow's name of the format."""
EXTRA_FORMATS = {
    ".avif": "'pillow>=11.3'",
    ".heic": "'claritygan[heif]'",
    ".heif": "'claritygan[heif]'",
    ".jxl": "'claritygan[jxl]'",
}
"""Endings whose files not every Pillow reads, and what to install."""
MAX_PIXELS = 500_000_000
"""Of all pages of a photo together; more take too much memory, or are an attack."""
READABLE_PHOTOS = frozenset(PHOTO_FORMATS) | {".gif"}
VIDEO_FORMATS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".avi": "avi",
    ".gif": "gif",
}
"""File endings of videos that can be written, with libav's name of the format."""
UNWRITABLE_VIDEOS = frozenset({".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv", ".3gp"})
READABLE_VIDEOS = frozenset(VIDEO_FORMATS) - {".gif"} | UNWRITABLE_VIDEOS
"""GIFs may be either; see :func:`is_video`."""
OTHER_KINDS = frozenset(
    [
        ".jp2",
        ".psd",
        ".tga",
        ".ppm",
        ".pgm",
        ".pnm",
        ".exr",
        ".hdr",
        ".dng",
        ".raw",
        ".cr2",
        ".nef",
        ".arw",
        ".ico",
        ".svg",
        ".pdf",
        ".ogv",
        ".txt",
        ".csv",
        ".json",
        ".html",
        ".zip",
        ".y4m",
        ".yuv",
    ]
)
"""Endings that people give to files, and never to folders; none of them can be written."""
LINKED_FOLDER = "linked folder"
READABLE = READABLE_PHOTOS | READABLE_VIDEOS


@dataclass(frozen=True)
class FilesFound:
    """Files of a folder, in natural order.

    Attributes:
        files: regular ones. others: those of such names that are not regular files.
        closed: subfolders that cannot be read, and why.
        left_out: files of other endings and linked folders, and what they are.
    """

    files: tuple[Path, ...]
    others: tuple[Path, ...]
    closed: tuple[tuple[Path, str], ...] = ()
    left_out: tuple[tuple[Path, str], ...] = ()


def natural_key(path: Path) -> list[tuple[int, int | str]]:
    """Sorts ``2.png`` before ``10.png``, and parts of paths one after the other."""
    words = [word for part in path.parts for word in (*re.split(r"(\d+)", part), "/")]
    return [(0, int(word)) if word.isdecimal() else (1, word) for word in words if word]


def is_regular(path: Path) -> bool:
    """Whether a path leads to a regular file: not to a folder, a pipe or a device, and not nowhere."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):  # a name with a NUL is none
        return False


def has_ending(path: Path, endings: Collection[str]) -> bool:
    """Whether a file's name ends like one of these, in any case."""
    return path.suffix.lower() in endings


def unknown_kind(path: Path) -> str:
    """What is said of a file whose ending is none of a photo or a video."""
    return f"{path.suffix.lower()} of no known kind".strip()


def files_below(folder: Path, endings: Collection[str] = READABLE, leave_out: Path | None = None) -> FilesFound:
    """All files of a folder and its subfolders that end so. Hidden files and folders, and linked folders, are left out.

    Args:
        leave_out: a resolved subfolder that is left out too.
    """
    closed: list[tuple[Path, str]] = []

    def note(error: OSError) -> None:
        closed.append((Path(error.filename or folder), f"cannot be read ({error.strerror or error})"))

    files: list[Path] = []
    others: list[Path] = []
    ignored: list[tuple[Path, str]] = []
    for base, folders, names in os.walk(folder, onerror=note):
        folders[:] = [f for f in folders if not f.startswith(".") and Path(base, f).resolve() != leave_out]
        ignored += [(Path(base, f), LINKED_FOLDER) for f in folders if Path(base, f).is_symlink()]
        for name in names:
            path = Path(base, name)
            if name.startswith("."):
                continue
            if has_ending(path, endings):
                (files if is_regular(path) else others).append(path)
            else:
                ignored.append((path, unknown_kind(path)))
    found, strange = (tuple(sorted(paths, key=natural_key)) for paths in (files, others))
    return FilesFound(found, strange, tuple(closed), tuple(ignored))


def image_files(folder: Path) -> list[Path]:
    """The photos of a folder and its subfolders, in natural order; none where there is no such folder."""
    return list(files_below(folder, PHOTO_FORMATS).files) if folder.is_dir() else []


def is_video(path: Path) -> bool:
    """Whether a file is to be read as a video, by its name; of GIFs, those that move."""
    if path.suffix.lower() != ".gif":
        return path.suffix.lower() in READABLE_VIDEOS
    from PIL import Image  # options are made of this module's constants, and help is instant

    try:
        with Image.open(path) as image:
            return getattr(image, "n_frames", 1) > 1
    except Exception:  # whatever a damaged file leads to; it is reported when it is read
        return False
