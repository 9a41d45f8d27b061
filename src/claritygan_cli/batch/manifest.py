"""What the results of a folder were made of, and with which settings: a small file among them.

A line of JSON for each result, appended when the result is there: a run that was killed loses at most the line in work.
"""

import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claritygan_cli.settings import declared

logger = logging.getLogger(__name__)

MANIFEST = ".claritygan.jsonl"
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


def fingerprint(path: Path) -> str:
    """Size and time of a file, in which another one of its name would differ.

    Raises:
        OSError: there is no such file.
    """
    known = path.stat()
    return f"{known.st_size}-{known.st_mtime_ns}"


class Manifest:
    """The records of a folder of results.

    Args:
        folder: where the results are.
        part: which part of how many this run does.
    """

    def __init__(self, folder: Path, part: tuple[int, int] = (1, 1)) -> None:
        which, count = part
        self.folder = folder
        self.path = folder / (MANIFEST if count == 1 else f".claritygan-{which}-of-{count}.jsonl")
        self._broken = False
        self.records: dict[str, Record] = {}
        paths = [folder / MANIFEST, *folder.glob(PARTS)]
        for path in sorted((p for p in paths if p.is_file()), key=lambda p: p.stat().st_mtime_ns):
            self.records |= read_records(path)

    def of(self, target: Path) -> Record | None:
        """What is known of a result."""
        return self.records.get(self.name(target))

    def name(self, target: Path) -> str:
        """What a result is called here."""
        return target.relative_to(self.folder).as_posix()

    def add(self, record: Record) -> None:
        """Append a record; where that cannot be done, a warning is logged, once."""
        self.records[record.result] = record
        values = {"result": record.result, "settings": record.settings, "source": record.source}
        line = json.dumps(values | ({"left_out": True} if record.left_out else {}))
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
            if not self._broken:
                logger.warning(
                    "%s: cannot be written (%s); an update will make these results again", self.path, error.strerror
                )
            self._broken = True


def not_through_links(path: str, flags: int) -> int:
    """Opens a file, but not what a link leads to."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def read_records(path: Path) -> dict[str, Record]:
    """The records of a file, the later of two of one result; lines that are none are passed over."""
    records: dict[str, Record] = {}
    try:
        data = path.read_bytes()
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
