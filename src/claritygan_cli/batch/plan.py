"""What is to be done: inputs and options in, a list of jobs out. Looks at names only, never into files."""

import glob
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from claritygan_cli.errors import UsageError
from claritygan_cli.media.files import FORMATS, READABLE


@dataclass(frozen=True)
class Job:
    """One photo to translate.

    Attributes:
        name: what the user calls it: its path below the input it was found in.
        source: file to read.
        target: file to write.
    """

    name: str
    source: Path
    target: Path


@dataclass(frozen=True)
class Plan:
    """The jobs, and inputs that lead to none, with the reason."""

    jobs: tuple[Job, ...]
    problems: tuple[tuple[str, str], ...]


def pictures_below(folder: Path, leave_out: Path) -> list[Path]:
    """All pictures of a folder and its subfolders, sorted; hidden ones and those below ``leave_out`` are not taken."""
    found = []
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and Path(base, f).resolve() != leave_out)
        found += [Path(base, n) for n in names if not n.startswith(".") and Path(n).suffix.lower() in READABLE]
    return sorted(found)


def output_name(name: Path, suffix: str, ending: str | None) -> Path:
    """Name of the result: the input's, with ``suffix`` after its stem and perhaps another ending.

    What cannot be written in the input's own format (GIF) becomes PNG.
    """
    own = name.suffix if name.suffix.lower() in FORMATS else ".png"
    return name.with_name(name.stem + suffix + (ending or own))


def make_plan(inputs: Iterable[str], out: Path, suffix: str = "", ending: str | None = None) -> Plan:
    """Find the pictures and name their results.

    Args:
        inputs: files, folders (taken with their subfolders, whose tree is mirrored) and glob patterns.
        out: folder of the results; or, for a single file, the file to write if it ends like a picture.
        suffix: put after each result's stem.
        ending: ending of all results, with its dot; None keeps each input's.

    Raises:
        UsageError: no picture was found and nothing is wrong with the inputs; a result would overwrite an input; or two
            results would have the same name.
    """
    inputs = list(inputs)
    named: list[tuple[Path, Path]] = []  # file, its path below the input
    problems: list[tuple[str, str]] = []
    leave_out = out.resolve()
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            found = pictures_below(path, leave_out)
            named += [(file, file.relative_to(path)) for file in found]
            if not found:
                problems.append((text, "no pictures in this folder"))
        elif path.exists():
            named.append((path, Path(path.name)))
        elif matches := sorted(glob.glob(text, recursive=True)):
            files = [Path(match) for match in matches]
            named += [(file, Path(file.name)) for file in files if file.is_file() and file.suffix.lower() in READABLE]
        else:
            problems.append((text, "no such file or folder"))
    if not named and not problems:
        raise UsageError(f"{' '.join(inputs)}: no pictures found ({', '.join(sorted(READABLE))})")

    single = len(named) == 1 and not Path(inputs[0]).is_dir() and out.suffix.lower() in FORMATS and not out.is_dir()
    jobs = []
    sources = {file.resolve() for file, _ in named}
    taken: dict[Path, Path] = {}
    for file, name in dict(named).items():
        target = out if single else out / output_name(name, suffix, ending)
        if target.resolve() in sources or (target.exists() and target.samefile(file)):
            raise UsageError(f"{file}: its result would overwrite an input; choose another --out or a --suffix")
        if target in taken:
            raise UsageError(f"{file} and {taken[target]} would both become {target}; convert them in separate runs")
        taken[target] = file
        jobs.append(Job(str(name), file, target))
    return Plan(tuple(jobs), tuple(problems))
