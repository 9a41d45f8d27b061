"""Files in other file systems than the machine's own, through fsspec: ``s3://``, ``gs://``, ``az://``, ``memory://``..."""

import glob
import re
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from claritygan_cli.errors import UsageError

URL = re.compile(r"([a-z][a-z0-9+.-]+)://(.*)", re.DOTALL | re.IGNORECASE)
"""Drives of Windows have one letter."""
HERE = ("file", "local")
"""Schemes of this machine's files."""
CHAINED = "::"
"""In a URL, fsspec takes it for one file system within another."""
PACKAGES = "'claritygan[cloud]'"
WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "memory"})
"""File systems whose files appear whole or not at all, by themselves."""
STAMPS = (
    "ETag",
    "etag",
    "LastModified",
    "Last-Modified",
    "last_modified",
    "last_write_time",
    "updated",
    "mtime",
    "modified",
    "modify",
    "modificationTime",
    "created",
)
"""What file systems call that by which a file differs from an earlier one of its name and size."""
UNKNOWN = "unknown"
"""State of a file of which its file system says nothing by which another one of its name would differ."""
FAILURES = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp", "ClientError"),
    ("gcsfs.retry", "HttpError"),
    ("ftplib", "Error"),
    ("paramiko", "SSHException"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("azure.core.exceptions", "AzureError"),
)
"""Exceptions of file systems that are no OSError: no credentials, no connection."""


def url_of(text: str) -> str | None:
    """The URL that a text is, its scheme in small letters; None for a path of this machine."""
    found = URL.fullmatch(text)
    return None if found is None or found[1].lower() in HERE else f"{found[1].lower()}://{found[2]}"


def local_path(text: str) -> Path:
    """The path of a text that is no URL, or one of this machine: ``file:///a`` is ``/a``."""
    found = URL.fullmatch(text)
    if found is None or found[1].lower() not in HERE:
        return Path(text)
    path = "/" + found[2].lstrip("/")
    return Path(path[1:] if re.match(r"/[a-z]:", path, re.IGNORECASE) else path)


@contextmanager
def as_os_errors(url: str) -> Iterator[None]:
    """In which what a file system raises is an OSError that names the URL.

    Raises:
        OSError: something failed there.
    """
    try:
        yield
    except tuple(getattr(sys.modules[module], name) for module, name in FAILURES if module in sys.modules) as error:
        raise OSError(f"{url}: {' '.join(str(error).split())[:200]}") from error


def file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it.

    Raises:
        UsageError: there is none of its kind, or a package is missing.
        OSError: it cannot be reached.
    """
    kind = url.split(":")[0]
    if CHAINED in url:
        raise UsageError(f"{url}: has {CHAINED} in it, which is not supported")
    try:
        import fsspec
    except ImportError as error:
        raise UsageError(f"{url}: fsspec is not installed: pip install {PACKAGES}") from error
    try:
        with as_os_errors(url):
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

    @property
    def key(self) -> str:
        """By which it is known, however its URL is spelled."""
        system, path = file_system(self.url)
        return f"{type(system).__name__} {path}"

    def is_file(self) -> bool:
        """Whether it was there."""
        return bool(self.state)

    def now(self) -> "RemotePath":
        """The same with its present state.

        Raises:
            OSError: it cannot be looked at.
        """
        with as_os_errors(self.url):
            system, path = file_system(self.url)
            system.invalidate_cache()
            try:
                found = system.find(path, detail=True)  # some say other things in info()
            except FileNotFoundError:
                return RemotePath(self.url)
            same = [facts for name, facts in found.items() if name.rstrip("/") == path.rstrip("/")]
            return RemotePath(self.url, state_of(system, path, same[0]) if same else "")

    def read(self) -> bytes:
        """What is in it.

        Raises:
            OSError: it cannot be read.
        """
        with as_os_errors(self.url):
            system, path = file_system(self.url)
            data: bytes = system.cat_file(path)
            return data

    def fetch(self, local: Path) -> None:
        """Copy it to this machine.

        Raises:
            OSError: it cannot be read.
        """
        with as_os_errors(self.url):
            system, path = file_system(self.url)
            system.get_file(path, str(local))

    def remove(self) -> None:
        """Delete it, if it is there.

        Raises:
            OSError: it cannot be deleted.
        """
        with as_os_errors(self.url):
            system, path = file_system(self.url)
            if system.exists(path):
                system.rm_file(path)

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
        with as_os_errors(self.url):
            system, path = file_system(self.url)
            if self.url.split(":")[0] in WHOLE:
                write(system, path)
                return
            folder, _ = path.rsplit("/", 1)
            temporary = f"{folder}/.claritygan-{secrets.token_hex(8)}.part"
            system.makedirs(folder, exist_ok=True)
            try:
                write(system, temporary)
                system.mv(temporary, path)
                if system.exists(temporary):  # some rename nothing onto a file, and say nothing
                    system.rm_file(path)
                    system.mv(temporary, path)
            finally:
                if system.exists(temporary):
                    system.rm_file(temporary)


AnyPath = Path | RemotePath


def state_of(system: Any, path: str, facts: dict[str, Any]) -> str:
    """What another file than the one with these facts would differ in; :data:`UNKNOWN` where that is not known."""
    if not any(facts.get(name) for name in STAMPS):
        facts = system.info(path)  # listings say less, of some
    stamp = next((facts[name] for name in STAMPS if facts.get(name)), None)
    return UNKNOWN if stamp is None else f"{facts['size']}-{stamp}"


def list_folder(url: str, patterns: bool = False) -> dict[str, RemotePath]:
    """The files of a folder and its subfolders, by their paths below it, in order; the file that the URL is, by its
    name; or those that it stands for as a glob pattern, by their paths below its first wildcard. None where nothing is.

    Args:
        patterns: whether it may be one.

    Raises:
        UsageError: see :func:`file_system`, or it is none of a folder or file.
        OSError: it cannot be listed.
    """
    with as_os_errors(url):
        system, root = file_system(url)
        system.invalidate_cache()
        if patterns and glob.has_magic(root) and not system.exists(root):
            fixed = root[: next(i for i in range(len(root)) if glob.has_magic(root[: i + 1]))].rpartition("/")[0]
            found: dict[str, dict[str, Any]] = {}
            for path, facts in system.glob(root, detail=True).items():
                found |= {path: facts} if facts["type"] == "file" else system.find(path, detail=True)
            root, url = fixed, url[: len(url) - len(root) + len(fixed)]
        else:
            try:
                found = system.find(root, detail=True)
            except FileNotFoundError:
                return {}
            except ValueError as error:
                raise UsageError(f"{url}: {error}") from error
            if [path.rstrip("/") for path in found] == [root.rstrip("/")]:
                state = state_of(system, root, found[next(iter(found))])
                return {PurePosixPath(root).name: RemotePath(url, state)}
    files: dict[str, RemotePath] = {}
    for path, facts in sorted(found.items()):
        if facts["type"] == "file":
            below = path[len(root.rstrip("/")) + 1 :]
            files[below] = RemotePath(f"{url.rstrip('/')}/{below}", state_of(system, path, facts))
    return files


@contextmanager
def local_copy(path: AnyPath) -> Iterator[Path]:
    """A file as one of this machine, in whose name only the ending is kept.

    Raises:
        OSError: it cannot be read.
    """
    if isinstance(path, Path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="claritygan-") as folder:
        local = Path(folder, "input" + path.suffix)
        path.fetch(local)
        yield local
