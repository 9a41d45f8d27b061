"""Files in other file systems than the machine's own, through fsspec: ``s3://``, ``gs://``, ``az://``, ``memory://``..."""

import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from claritygan_cli.errors import UsageError

URL = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.DOTALL)
"""Drives of Windows have one letter. A URL that has been a :class:`Path` has lost a slash."""
PACKAGES = "'claritygan[cloud]'"
WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "memory"})
"""File systems whose files appear whole or not at all, by themselves."""


def url_of(text: str | Path) -> str | None:
    """The URL that a text or a path stands for; None for a local path."""
    found = URL.fullmatch(str(text))
    return None if found is None or found[1] == "file" else f"{found[1]}://{found[2]}"


def local_path(text: str) -> Path:
    """The path that a text stands for which is no URL, or one of this machine: ``file:///a`` is ``/a``."""
    found = URL.fullmatch(text)
    return Path("/" + found[2]) if found and found[1] == "file" else Path(text)


def file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it.

    Raises:
        UsageError: there is none of its kind, or a package is missing.
    """
    kind = url.split(":")[0]
    try:
        import fsspec
    except ImportError as error:
        raise UsageError(f"{url}: fsspec is not installed: pip install {PACKAGES}") from error
    try:
        found: tuple[Any, str] = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise UsageError(f"{url}: {kind}:// needs a package: {error}") from error
    except ValueError as error:
        raise UsageError(f"{url}: {error}") from error
    return found


@dataclass(frozen=True)
class RemotePath:
    """A file that is elsewhere, or may come to be.

    Attributes:
        url: where.
        state: what another file there would differ in, as it was when it was listed; empty where there was none.
    """

    url: str
    state: str = ""

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """The last part of its path."""
        return PurePosixPath(self.url).name

    @property
    def suffix(self) -> str:
        """The ending of its name."""
        return PurePosixPath(self.url).suffix

    def is_file(self) -> bool:
        """Whether it was there."""
        return bool(self.state)

    def read(self) -> bytes:
        """What is in it.

        Raises:
            OSError: it cannot be read.
        """
        system, path = file_system(self.url)
        data: bytes = system.cat_file(path)
        return data

    def write(self, data: bytes) -> None:
        """Put this there, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        self._whole(lambda system, path: system.pipe_file(path, data))

    def put(self, local: Path) -> None:
        """Copy a file of this machine there, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        self._whole(lambda system, path: system.put_file(str(local), path))

    def _whole(self, write: Callable[[Any, str], None]) -> None:
        system, path = file_system(self.url)
        if self.url.split(":")[0] in WHOLE:
            write(system, path)
            return
        folder, name = path.rsplit("/", 1)
        temporary = f"{folder}/.claritygan-{secrets.token_hex(8)}-{name}.part"
        system.makedirs(folder, exist_ok=True)
        try:
            write(system, temporary)
            system.mv(temporary, path)
        finally:
            if system.exists(temporary):
                system.rm_file(temporary)

    def fetch(self, local: Path) -> None:
        """Copy it to this machine.

        Raises:
            OSError: it cannot be read.
        """
        system, path = file_system(self.url)
        local.parent.mkdir(parents=True, exist_ok=True)
        system.get_file(path, str(local))


AnyPath = Path | RemotePath


def list_folder(url: str) -> dict[str, RemotePath]:
    """The files of a folder and its subfolders, by their paths below it, in order; or the file that the URL is, by its
    name. Nothing where nothing is.

    Raises:
        UsageError: see :func:`file_system`.
        OSError: it cannot be listed.
    """
    system, root = file_system(url)
    system.invalidate_cache()
    try:
        found: dict[str, dict[str, Any]] = system.find(root, detail=True)
    except FileNotFoundError:
        return {}
    root = root.rstrip("/")
    files: dict[str, RemotePath] = {}
    for path, facts in sorted(found.items()):
        if facts["type"] != "file":
            continue
        state = f"{facts['size']}-{next((facts[k] for k in STAMPS if facts.get(k)), '')}"
        if path.rstrip("/") == root:
            return {PurePosixPath(path).name: RemotePath(url, state)}
        below = path[len(root) + 1 :]
        files[below] = RemotePath(f"{url.rstrip('/')}/{below}", state)
    return files


STAMPS = ("ETag", "etag", "LastModified", "last_modified", "updated", "mtime", "modified", "created")
"""What file systems call that by which a file differs from an earlier one of its name and size."""


@contextmanager
def local_copy(path: AnyPath) -> Iterator[Path]:
    """A file as one of this machine.

    Raises:
        OSError: it cannot be read.
    """
    if isinstance(path, Path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="claritygan-") as folder:
        local = Path(folder, path.name)
        path.fetch(local)
        yield local
