"""Small helpers for files that every part of the program may use."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: a file in use cannot be deleted there, which does as well
    fcntl = None  # type: ignore[assignment]

PART_FILES = ".claritygan-*.part"
"""Names of files that are being written, whatever the results will be called."""


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """An open file that becomes ``path`` when all went well, and leaves nothing otherwise.

    Where the process dies meanwhile, its part file stays, unlocked, for :func:`sweep`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _part_file(path.parent)
    temporary = Path(file.name)
    try:
        with file:
            yield file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _part_file(folder: Path) -> IO[bytes]:
    """A new file in a folder, locked while it is open."""
    while True:
        path = folder / PART_FILES.replace("*", secrets.token_hex(8))
        file = path.open("xb")
        if fcntl is None:
            return file
        with suppress(OSError):  # a file system may know no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # somebody has swept it before it was locked


def sweep(folder: Path) -> None:
    """Delete the part files that processes left in a folder when they died. Those of living ones are locked, and stay.

    Where the file system knows no locks, nothing is deleted.
    """
    if fcntl is None or not folder.is_dir():
        return
    for path in folder.glob(PART_FILES):
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except OSError:  # in use, gone, or not ours
            continue


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
