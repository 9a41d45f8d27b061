"""What is to be done: inputs and options in, a list of jobs out. Looks at names only, and into GIFs: do they move?"""

import glob
import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from claritygan_cli.batch.name_list import find_listed
from claritygan_cli.errors import SettingError, UsageError
from claritygan_cli.media.find import (
    OTHER_KINDS,
    PHOTO_FORMATS,
    READABLE,
    UNWRITABLE_VIDEOS,
    VIDEO_FORMATS,
    files_below,
    has_ending,
    is_regular,
    is_video,
    unknown_kind,
)
from claritygan_cli.media.remote import AnyPath


@dataclass(frozen=True)
class Job:
    """One photo or video to translate.

    Attributes:
        name: what the user calls it: its path below the input it was found in.
        source: file to read.
        target: file to write.
        video: whether it is a video.
    """

    name: str
    source: AnyPath
    target: AnyPath
    video: bool = False


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        jobs: in order.
        problems: inputs that should lead to one and do not, and why.
        left_out: what was found and is no input, and why.
        folder: where the results go; None for a single file.
        changed: its inputs have been done before, and have changed since.
    """

    jobs: tuple[Job, ...]
    problems: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, str], ...] = ()
    folder: AnyPath | None = None
    changed: bool = False

    def part(self, which: int, count: int) -> "Plan":
        """One of so many parts of the plan, from 1 to ``count``.

        What belongs to it is told by a hash of each name, so that it stays the same when other inputs come and go; all
        machines see the same.
        """

        def belongs(name: str) -> bool:
            digest = hashlib.sha256(os.fsencode(name.replace(os.sep, "/"))).digest()
            return int.from_bytes(digest[:8], "big") % count == which - 1

        return replace(
            self,
            jobs=tuple(job for job in self.jobs if belongs(job.name)),
            problems=tuple(item for item in self.problems if belongs(item[0])),
            left_out=tuple(item for item in self.left_out if belongs(item[0])),
        )


def output_name(name: Path, suffix: str, ending: str | None, video: bool = False) -> Path:
    """Name of the result: the input's, with ``suffix`` after its stem and perhaps another ending.

    What cannot be written in the input's own format becomes PNG, and videos become MP4.

    Args:
        ending: of the results of pictures.
    """
    if video:
        own = name.suffix if name.suffix.lower() in VIDEO_FORMATS else ".mp4"
    else:
        own = ending or (name.suffix if name.suffix.lower() in PHOTO_FORMATS else ".png")
    return name.with_name(name.stem + suffix + own)


def fixed_prefix(pattern: str) -> Path:
    """The folder that a glob pattern starts from: all before its first wildcard."""
    parts = Path(pattern).parts
    wild = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:wild])


def place(path: Path) -> Path:
    """Where a file's name itself stands, whatever it may be a link to."""
    return path.parent.resolve() / path.name


NOT_REGULAR = "not a regular file"


Reasons = list[tuple[Path, str]]


def find_files(text: str, leave_out: Path) -> tuple[list[tuple[Path, Path]], Reasons, Reasons]:
    """The photos and videos that an input stands for, each with its path below the input; what has such a name and is
    no regular file; and what has another name.

    Raises:
        UsageError: there is no such file or folder, or no photo and no video in it.
    """
    path = Path(text)
    problems: Reasons = []
    ignored: Reasons = []
    if is_regular(path):
        return [(path, Path(path.name))], [], []
    if path.is_dir():
        base, folders, files = path, [path], []
    elif os.path.lexists(path):
        raise UsageError(NOT_REGULAR)
    elif matches := [Path(match) for match in sorted(glob.glob(text, recursive=True))]:
        base = fixed_prefix(text)
        folders = [match for match in matches if match.is_dir()]
        named = [match for match in matches if not match.is_dir()]
        files = [match for match in named if has_ending(match, READABLE)]
        ignored = [(match, unknown_kind(match)) for match in named if not has_ending(match, READABLE)]
        files = [file for file in files if leave_out not in file.resolve().parents or leave_out == base.resolve()]
        problems = [(file, NOT_REGULAR) for file in files if not is_regular(file)]
        files = [file for file in files if is_regular(file)]
    else:
        raise UsageError("no such file or folder")
    for folder in folders:
        found = files_below(folder, leave_out=leave_out)
        files += found.files
        problems += [*((other, NOT_REGULAR) for other in found.others), *found.closed]
        ignored += found.left_out
    if not files and not problems:
        raise UsageError("no photos or videos there")
    return [(file, file.relative_to(base)) for file in dict.fromkeys(files)], problems, ignored


def make_plan(
    inputs: Iterable[str], out: Path, suffix: str = "", ending: str | None = None, listed: Iterable[str] = ()
) -> Plan:
    """Find the pictures and videos and name their results.

    Earlier results (files that are named as a result of another input would be, with its ``suffix``) are no inputs.

    Args:
        inputs: files, folders (taken with their subfolders, whose tree is mirrored) and glob patterns.
        out: folder of the results; or, for a single file, the file to write if it ends like a picture or a video.
        suffix: put after each result's stem.
        ending: ending of the results of pictures, with its dot; None keeps each input's.
        listed: more files, whose results keep their paths; see :func:`find_listed`.

    Raises:
        UsageError: no input leads to a file, a video should become a picture or a picture a video, or a result would
            overwrite an input.
    """
    inputs = list(inputs)
    found: dict[Path, Path] = {}  # file: its path below the input it was first found in
    ignored: dict[Path, str] = {}
    problems: list[tuple[str, str]] = []
    for text in inputs:
        try:
            files, found_problems, found_ignored = find_files(text, out.resolve())
            ignored |= dict(found_ignored)
            for file, name in files:
                found.setdefault(file, name)
            problems += [(str(path), reason) for path, reason in found_problems]
        except UsageError as problem:
            problems.append((text, str(problem)))
    in_list, not_taken, wrong = find_listed(list(listed), out.resolve())
    found = {**in_list, **found}
    ignored |= not_taken
    problems += wrong.items()
    if not found:
        reasons = Counter(reason for reason in not_taken.values())
        none = "nothing in the list can be taken: " + ", ".join(f"{n} {reason}" for reason, n in reasons.items())
        named = none if reasons else "no input was named"
        raise UsageError("; ".join(f"{text}: {reason}" for text, reason in problems) or named)

    videos = {file for file in found if is_video(file)}
    endings = PHOTO_FORMATS | VIDEO_FORMATS
    single = out.suffix.lower() in endings and not out.is_dir()
    if out.suffix.lower() in UNWRITABLE_VIDEOS and not out.is_dir():
        raise SettingError("out", out, f"such videos can be read, not written; choose {', '.join(VIDEO_FORMATS)}")
    if out.suffix.lower() in OTHER_KINDS and not out.is_dir():
        raise SettingError("out", out, f"not written as {out.suffix}; choose {', '.join(endings)}, or a folder")
    if not single and out.exists() and not out.is_dir():
        raise SettingError("out", out, "is a file; name a folder, or a picture's or video's name for a single input")
    if single and (len(inputs) != 1 or in_list or not Path(inputs[0]).is_file()):
        raise SettingError("out", out, "names a single file, but the inputs may be several; name a folder")
    if single and (suffix or ending):
        raise SettingError("out", out, "names the result already; leave out suffix and format")
    if single and (out.suffix.lower() in VIDEO_FORMATS) != bool(videos):
        kind, other = ("video", "picture") if videos else ("picture", "video")
        raise SettingError("out", out, f"{inputs[0]} is a {kind}, and the result's name that of a {other}")
    targets = {
        file: out if single else out / output_name(name, suffix, ending, file in videos) for file, name in found.items()
    }
    earlier = {place(target) for target in targets.values()} if suffix else set()
    sources = {path for file in found for path in (file.resolve(), place(file))} - earlier
    jobs: list[Job] = []
    resolved = out.resolve()
    taken: dict[str, Path] = {}
    for file, target in targets.items():
        if place(file) in earlier:
            continue
        if not single and resolved not in place(target).parents:
            problems.append((str(file), f"{target} leads out of the folder of results"))
            continue
        try:
            linked = target.is_symlink()  # it is replaced, and what it leads to is left as it is
            same_file = not linked and target.exists() and target.samefile(file)
        except OSError as error:  # too long, no permission, or the input is gone
            problems.append((str(file), f"{error.filename or target}: {error.strerror or error}"))
            continue
        if place(target) in sources or same_file:
            raise UsageError(f"{file}: its result would overwrite an input; choose another folder or a suffix")
        same = os.path.normcase(target)
        if same in taken:
            problems.append((str(file), f"{target} is the result of {taken[same]} already; give it another folder"))
            continue
        taken[same] = file
        jobs.append(Job(str(found[file]), file, target, file in videos))
    left_out = tuple((str(path), reason) for path, reason in ignored.items() if path not in found)
    return Plan(tuple(jobs), tuple(problems), left_out, None if single else out)


def look_at(folder: Path, out: Path, suffix: str = "", ending: str | None = None) -> Plan:
    """The plan for a folder, as :func:`make_plan` makes it; one without jobs where nothing is in it yet, or where it
    makes no sense as it is."""
    try:
        return make_plan([str(folder)], out, suffix, ending)
    except UsageError as error:
        if not files_below(folder, leave_out=out.resolve()).files:
            return Plan((), (), (), out)
        return Plan((), ((str(folder), str(error)),), (), out)
