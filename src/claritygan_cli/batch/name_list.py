"""Inputs that a list names, as ``find`` writes it."""

import codecs
import os
import sys
from pathlib import Path

from claritygan_cli.errors import SettingError
from claritygan_cli.media.find import READABLE, has_ending, is_regular, unknown_kind
from claritygan_cli.media.remote import local_path


def read_names(field: str, source: str, separator: bytes) -> list[str]:
    """The names in a list; empty ones are left out.

    Args:
        field: name of the setting that names the list.
        source: its file; ``-`` for stdin.
        separator: what stands between the names.

    Raises:
        SettingError: it cannot be read.
    """
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise SettingError(field, source, f"cannot be read ({error.strerror or error})") from error
    names = data.removeprefix(codecs.BOM_UTF8).split(separator)
    return [os.fsdecode(name.removesuffix(b"\r") if separator == b"\n" else name) for name in names if name.strip()]


def name_below(path: Path) -> Path:
    """Where the result of a listed file belongs in the folder of results: at its own path, as tar has it, so that no
    two files share a result: ``./a/b.jpg`` at ``a/b.jpg``, ``/data/b.jpg`` at ``data/b.jpg``. A path that leads out of
    the current folder is taken as absolute.
    """
    path = Path(os.path.normpath(path))
    if path.parts[:1] == ("..",):
        path = Path(os.path.abspath(path))
    return path.relative_to(path.anchor)


def find_listed(names: list[str], leave_out: Path) -> tuple[dict[Path, Path], dict[Path, str], dict[str, str]]:
    """The photos and videos that a list names, each with the path of its result; what is left out of it; and what is
    wrong with it.

    Folders, hidden files, files of other kinds, and those in the folder of results are left out: ``find`` lists them
    all.

    Args:
        leave_out: the folder of results, resolved.
    """
    files: dict[Path, Path] = {}
    left_out: dict[Path, str] = {}
    problems: dict[str, str] = {}
    within = leave_out not in (Path.cwd(), *Path.cwd().parents)  # or all would be results
    for name in names:
        path = local_path(name)
        try:
            if path.is_dir():
                left_out[path] = "folder"
                continue
            result, regular = within and is_below(path, leave_out), is_regular(path)
        except (OSError, ValueError, RuntimeError) as error:  # too long, NULs, links that lead in a circle
            problems[name] = f"no such file ({getattr(error, 'strerror', None) or error})"
            continue
        if result:
            left_out[path] = "in the folder of results"
        elif any(part.startswith(".") and part != ".." for part in path.parts):
            left_out[path] = "hidden"
        elif not has_ending(path, READABLE):
            left_out[path] = unknown_kind(path)
        elif not regular:
            problems[name] = "not a regular file" if os.path.lexists(path) else "no such file"
        else:
            files.setdefault(path, name_below(path))
    return files, left_out, problems


def is_below(path: Path, folder: Path) -> bool:
    """Whether a path lies in a resolved folder, by its name or by where links lead."""
    return folder in Path(os.path.abspath(path)).parents or folder in path.resolve().parents
