"""What the results of a folder were made of, and with which settings: a small file among them.

A line of JSON for each result, appended when the result is there: a run that was killed loses at most the line in work.
"""

import hashlib
import json
import logging
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from claritygan_cli.media.remote import AnyPath, RemotePath, list_folder
from claritygan_cli.settings import declared

logger = logging.getLogger(__name__)

MANIFEST = ".claritygan.jsonl"
SECONDS = 10.0
"""After which a manifest in another file system is written again."""
PARTS = ".claritygan-*-of-*.jsonl"
"""The same of runs of a part of the inputs each: machines that share a folder do not write to one file."""


@dataclass(frozen=True)
class Record:
    """One line: what a result was made of.

    Attributes:
        result: its path below the folder.
        settings: hash of all that it depends on beside the input, see :func:`settings_hash`.
        source: fingerprint of the input, see :func:`fingerprint`.
        made: fingerprint of the result, where that can be told; another one there is not what was made.
        left_out: there is no such result, as the photo has too little haze.
        problem: what was wrong with it although it was made.
        when: it was made, in seconds since 1970; of two records of a result, in files of several runs, the later holds.
    """

    result: str
    settings: str
    source: str
    made: str = ""
    left_out: bool = False
    problem: str = ""
    when: float = 0.0


def settings_hash(model: str, *settings: Any) -> str:
    """A short hash of a model and of the settings on which results depend.

    Args:
        model: the model's checksum.
        settings: instances of settings' dataclasses.
    """
    values = {
        f"{type(part).__name__}.{field.name}": getattr(part, field.name)
        for part in settings
        for field, declaration in declared(part)
        if declaration.changes_results
    }
    text = json.dumps({"model": model, **values}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fingerprint(path: AnyPath) -> str:
    """Size and time of a file, in which another one of its name would differ.

    Raises:
        OSError: there is no such file.
    """
    if isinstance(path, RemotePath):
        return path.state
    known = path.stat()
    return f"{known.st_size}-{known.st_mtime_ns}"


def state_of_result(path: AnyPath, keeps_times: bool) -> str:
    """The state of a result that has just been made.

    Args:
        keeps_times: it has its input's time, so that its time tells nothing.

    Raises:
        OSError: it is not there.
    """
    if isinstance(path, RemotePath):
        return path.now().state
    return fingerprint(path) + (f"-{path.stat().st_ino}" if keeps_times else "")


def is_as_made(path: AnyPath, made: str) -> bool:
    """Whether a result is what was made.

    Args:
        made: what :func:`state_of_result` said.

    Raises:
        OSError: it is not there.
    """
    if isinstance(path, RemotePath):
        return made == path.state
    return any(made == state_of_result(path, keeps_times) for keeps_times in (False, True))


class Manifest(ABC):
    """The records of a folder of results.

    Args:
        folder: where the results are.
        paths: files of records.

    Attributes:
        path: the file that new records go to.
        records: by the results' paths below the folder.
    """

    path: AnyPath

    def __init__(self, folder: AnyPath, paths: Iterable[AnyPath]) -> None:
        self._prefix = str(folder).rstrip("/") + "/"
        self.records: dict[str, Record] = {}
        self._read = {path.name: read_records(path) for path in paths}
        for found in self._read.values():
            for name, record in (found or {}).items():
                if name not in self.records or record.when >= self.records[name].when:
                    self.records[name] = record
        self._newest = max((record.when for record in self.records.values()), default=0.0)
        self._lock = threading.Lock()
        self._broken = False

    def name(self, target: AnyPath) -> str:
        """What a result is called here: its path below the folder."""
        return (target.as_posix() if isinstance(target, Path) else target.url).removeprefix(self._prefix)

    def of(self, target: AnyPath) -> Record | None:
        """What is known of a result."""
        return self.records.get(self.name(target))

    def add(self, record: Record) -> None:
        """Note what a result was made of. Where that cannot be written, a warning is logged, once."""
        with self._lock:
            self._newest = max(time.time(), self._newest + 0.001)  # clocks of other machines may be ahead
            record = replace(record, when=round(self._newest, 3))
            self.records[record.result] = record
            try:
                self._write(record)
            except OSError as error:
                self._warn(error)

    @abstractmethod
    def _write(self, record: Record) -> None:
        """Put a record into the file."""

    @abstractmethod
    def close(self) -> None:
        """Write what has not been written yet."""

    def _warn(self, error: OSError) -> None:
        if not self._broken:
            reason = error.strerror or error
            logger.warning("%s: cannot be written (%s); an update will make these results again", self.path, reason)
        self._broken = True


class LocalManifest(Manifest):
    """Of a folder of this machine. Each record is appended when its result is there."""

    def __init__(self, folder: Path, name: str) -> None:
        paths = [path for path in (folder / MANIFEST, *folder.glob(PARTS)) if path.is_file()]
        super().__init__(folder, paths)
        self._file = folder / name
        self.path = self._file

    def _write(self, record: Record) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with open(self._file, "ab+", opener=not_through_links) as file:
            torn = b""
            if file.tell():
                file.seek(-1, os.SEEK_END)
                torn = b"" if file.read(1) == b"\n" else b"\n"  # by a run that was killed
            file.write(torn + line_of(record))

    def close(self) -> None:
        """Nothing to do."""


class RemoteManifest(Manifest):
    """Of a folder in another file system. Those know no appending: the file is written anew every some seconds."""

    def __init__(self, folder: RemotePath, name: str) -> None:
        there = list_folder(folder.url)
        paths = [path for known, path in there.items() if known == MANIFEST or fnmatch(known, PARTS)]
        super().__init__(folder, paths)
        self._file = RemotePath(f"{folder.url.rstrip('/')}/{name}")
        self.path = self._file
        own = self._read.get(name, {})
        self._own, self._lost = own or {}, own is None  # what cannot be read is left as it is
        self._written, self._changed = time.monotonic(), False

    def _write(self, record: Record) -> None:
        self._own[record.result], self._changed = record, not self._lost
        if self._changed and time.monotonic() - self._written > SECONDS:
            self._flush()

    def _flush(self) -> None:
        self._written = time.monotonic()
        self._file.write(b"".join(map(line_of, self._own.values())))
        self._changed = False

    def close(self) -> None:
        """Write what has not been written yet."""
        try:
            if self._changed:
                self._flush()
        except OSError as error:
            self._warn(error)


def open_manifest(folder: AnyPath, part: tuple[int, int] = (1, 1)) -> Manifest:
    """The manifest of a folder of results.

    Args:
        part: which part of how many this run does.
    """
    which, count = part
    name = MANIFEST if count == 1 else f".claritygan-{which}-of-{count}.jsonl"
    return LocalManifest(folder, name) if isinstance(folder, Path) else RemoteManifest(folder, name)


def line_of(record: Record) -> bytes:
    """A record as it is written."""
    values = {name: value for name, value in asdict(record).items() if value}
    return json.dumps(values).encode() + b"\n"


def not_through_links(path: str, flags: int) -> int:
    """Opens a file, but not what a link leads to."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def read_records(path: AnyPath) -> dict[str, Record] | None:
    """The records of a file, the later of two of one result; lines that are none are passed over. None, with a warning,
    for a file that cannot be read."""
    records: dict[str, Record] = {}
    try:
        data = path.read() if isinstance(path, RemotePath) else path.read_bytes()
    except OSError as error:
        logger.warning("%s: cannot be read (%s)", path, error.strerror or error)
        return None
    for line in data.splitlines():
        try:
            record = Record(**{"settings": "", "source": "", **json.loads(line)})
        except (ValueError, TypeError, RecursionError):  # torn by a kill, or not ours
            continue
        texts = (record.result, record.settings, record.source, record.made, record.problem)
        if all(isinstance(text, str) for text in texts) and isinstance(record.when, int | float):
            records[record.result] = record
    return records
