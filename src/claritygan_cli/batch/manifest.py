"""What the results of a folder were made of, and with which settings: a small file among them.

A line of JSON for each result, appended when the result is there: a run that was killed loses at most the line in work.
"""

import hashlib
import json
import logging
import os
import time
from dataclasses import dataclass
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
        left_out: there is no such result, as the photo has too little haze.
    """

    result: str
    settings: str
    source: str
    left_out: bool = False


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


class Manifest:
    """The records of a folder of results.

    Args:
        folder: where the results are.
        part: which part of how many this run does.
    """

    def __init__(self, folder: AnyPath, part: tuple[int, int] = (1, 1)) -> None:
        which, count = part
        self.folder = folder
        name = MANIFEST if count == 1 else f".claritygan-{which}-of-{count}.jsonl"
        self.path: AnyPath
        paths: list[AnyPath]
        if isinstance(folder, RemotePath):
            there = list_folder(folder.url)
            self.path = RemotePath(f"{folder.url.rstrip('/')}/{name}")
            paths = [path for known, path in there.items() if known == MANIFEST or fnmatch(known, PARTS)]
        else:
            self.path = folder / name
            local = [path for path in (folder / MANIFEST, *folder.glob(PARTS)) if path.is_file()]
            paths = [*sorted(local, key=lambda path: path.stat().st_mtime_ns)]
        self._broken = False
        self._own: list[str] = []
        self._written = time.monotonic()
        self.records: dict[str, Record] = {}
        for path in paths:
            found = read_records(path)
            self.records |= found
            if path.name == name and isinstance(folder, RemotePath):
                self._own = [line_of(record) for record in found.values()]

    def of(self, target: AnyPath) -> Record | None:
        """What is known of a result."""
        return self.records.get(self.name(target))

    def name(self, target: AnyPath) -> str:
        """What a result is called here."""
        if isinstance(target, Path) and isinstance(self.folder, Path):
            return target.relative_to(self.folder).as_posix()
        return str(target).removeprefix(str(self.folder).rstrip("/") + "/")

    def add(self, record: Record) -> None:
        """Append a record, in other file systems some seconds later: they know no appending."""
        self.records[record.result] = record
        line = line_of(record)
        if isinstance(self.folder, RemotePath):
            self._own.append(line)
            if time.monotonic() - self._written > SECONDS:
                self.flush()
        else:
            self._append(line)

    def flush(self) -> None:
        """Write what has not been written yet."""
        if isinstance(self.path, RemotePath) and self._own:
            try:
                self.path.write("".join(line + "\n" for line in self._own).encode())
            except OSError as error:
                self._warn(error)
            self._written = time.monotonic()

    def _warn(self, error: OSError) -> None:
        """Say that the manifest is not whole, once."""
        if not self._broken:
            reason = error.strerror or error
            logger.warning("%s: cannot be written (%s); an update will make these results again", self.path, reason)
        self._broken = True

    def _append(self, line: str) -> None:
        assert isinstance(self.folder, Path)
        assert isinstance(self.path, Path)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(self.path, "ab+", opener=not_through_links) as file:
                end = file.tell()
                whole = True
                if end:
                    file.seek(-1, os.SEEK_END)
                    whole = file.read(1) == b"\n"
                file.write((line if whole else "\n" + line).encode() + b"\n")
        except OSError as error:
            self._warn(error)


def line_of(record: Record) -> str:
    """A record as it is written."""
    values = {"result": record.result, "settings": record.settings, "source": record.source}
    return json.dumps(values | ({"left_out": True} if record.left_out else {}))


def not_through_links(path: str, flags: int) -> int:
    """Opens a file, but not what a link leads to."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def read_records(path: AnyPath) -> dict[str, Record]:
    """The records of a file, the later of two of one result; lines that are none are passed over."""
    records: dict[str, Record] = {}
    try:
        data = path.read() if isinstance(path, RemotePath) else path.read_bytes()
    except OSError as error:
        logger.warning("%s: cannot be read (%s)", path, error.strerror)
        return {}
    for line in data.splitlines():
        try:
            record = Record(**json.loads(line))
        except (ValueError, TypeError, RecursionError):  # torn by a kill, or not ours
            continue
        if all(isinstance(text, str) for text in (record.result, record.settings, record.source)):
            records[record.result] = record
    return records
