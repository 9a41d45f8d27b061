"""What is to be done, where inputs or results are in other file systems; see :func:`make_plan` for local ones."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from claritygan_cli.batch.name_list import name_below
from claritygan_cli.batch.plan import Job, Plan, find_files, output_name, place
from claritygan_cli.errors import SettingError, UsageError
from claritygan_cli.media.find import PHOTO_FORMATS, READABLE, VIDEO_FORMATS, has_ending, is_video, unknown_kind
from claritygan_cli.media.remote import AnyPath, RemotePath, list_folder, local_copy, local_path, url_of


def is_remote(texts: Iterable[str | Path]) -> bool:
    """Whether one of these is a URL."""
    return any(url_of(text) is not None for text in texts)


def find_remote(url: str) -> tuple[dict[RemotePath, Path], dict[str, str]]:
    """The photos and videos that a URL stands for, each with its path below it; and what has another name, and why.

    Raises:
        UsageError: nothing is there, or it cannot be listed.
    """
    try:
        listed = list_folder(url)
    except OSError as error:
        raise UsageError(f"cannot be listed ({error.strerror or error})") from error
    names = {name: path for name, path in listed.items() if not any(p.startswith(".") for p in Path(name).parts)}
    files = {path: Path(name) for name, path in names.items() if has_ending(Path(name), READABLE)}
    if not files:
        raise UsageError("no photos or videos there")
    return files, {path.url: unknown_kind(Path(n)) for n, path in names.items() if path not in files}


def moves(path: AnyPath) -> bool:
    """Whether a file is to be read as a video; only GIFs are looked into."""
    if path.suffix.lower() != ".gif":
        return is_video(Path(path.name))
    with local_copy(path) as local:
        return is_video(local)


def make_remote_plan(
    inputs: Iterable[str], out: Path, suffix: str = "", ending: str | None = None, listed: Iterable[str] = ()
) -> Plan:
    """Find the pictures and videos and name their results; arguments as of :func:`make_plan`, where inputs and ``out``
    may be URLs.

    Raises:
        UsageError: no input leads to a file, or a result would overwrite an input.
    """
    inputs, listed = list(inputs), list(listed)
    folder = url_of(out)
    found: dict[AnyPath, Path] = {}
    left_out: list[tuple[str, str]] = []
    problems: list[tuple[str, str]] = []
    for text in (*inputs, *listed):
        try:
            if url := url_of(text):
                files, others = find_remote(url)
                for path, name in files.items():
                    found.setdefault(path, Path(path.url.split("://", 1)[1]) if text in listed else name)
                left_out += others.items()
            else:
                here, wrong, ignored = find_files(str(local_path(text)), out.resolve())
                for local, name in here:
                    found.setdefault(local, name_below(local) if text in listed else name)
                problems += [(str(path), reason) for path, reason in wrong]
                left_out += [(str(path), reason) for path, reason in ignored]
        except UsageError as problem:
            problems.append((text, str(problem)))
    if not found:
        raise UsageError("; ".join(f"{text}: {reason}" for text, reason in problems) or "no input was named")
    videos = {file for file in found if moves(file)}
    single = out.suffix.lower() in PHOTO_FORMATS | VIDEO_FORMATS and not (folder is None and out.is_dir())
    if single and (len(found) > 1 or suffix or ending or (out.suffix.lower() in VIDEO_FORMATS) != bool(videos)):
        raise SettingError("out", folder or out, "does not go with these inputs; name a folder")
    there = list_folder(folder) if folder and not single else {}
    sources = {str(place(file)) if isinstance(file, Path) else file.url for file in found}
    jobs: dict[str, Job] = {}
    for file, name in found.items():
        below = PurePosixPath(output_name(name, suffix, ending, file in videos).as_posix())
        target = target_of(out, folder, there, below, single)
        key = str(place(target)) if isinstance(target, Path) else target.url
        mirrored = isinstance(target, Path) and not single
        if ".." in below.parts or (mirrored and out.resolve() not in Path(key).parents):
            problems.append((str(file), f"{key} leads out of the folder of results"))
        elif key in sources:
            raise UsageError(f"{file}: its result would overwrite an input; choose another folder or a suffix")
        elif key in jobs:
            problems.append((str(file), f"{key} is the result of {jobs[key].source} already; give it another folder"))
        else:
            jobs[key] = Job(str(name), file, target, file in videos)
    home: AnyPath | None = None if single else RemotePath(folder) if folder else out
    return Plan(tuple(jobs.values()), tuple(problems), tuple(left_out), home)


def target_of(
    out: Path, folder: str | None, there: dict[str, RemotePath], below: PurePosixPath, single: bool
) -> AnyPath:
    """Where a result goes.

    Args:
        folder: the folder of results, or the result, where that is a URL.
        there: what is in it.
        below: the result's path below it.
    """
    if folder is None:
        return out if single else out / below
    if single:
        return next(iter(list_folder(folder).values()), RemotePath(folder))
    return there.get(str(below)) or RemotePath(folder.rstrip("/") + f"/{below}")
