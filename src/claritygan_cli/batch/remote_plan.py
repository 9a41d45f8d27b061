"""What is to be done, where inputs or results are in other file systems; see :func:`make_plan` for local ones."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from claritygan_cli.batch.name_list import find_listed
from claritygan_cli.batch.plan import Job, Plan, find_files, output_name, place
from claritygan_cli.errors import SettingError, UsageError
from claritygan_cli.media.find import PHOTO_FORMATS, READABLE, VIDEO_FORMATS, has_ending, is_video, unknown_kind
from claritygan_cli.media.remote import CHAINED, AnyPath, RemotePath, list_folder, local_copy, local_path, url_of

Reasons = list[tuple[str, str]]


def is_remote(texts: Iterable[str]) -> bool:
    """Whether one of these is a URL."""
    return any(url_of(text) is not None for text in texts)


def find_remote(url: str, leave_out: str) -> tuple[dict[RemotePath, Path], Reasons]:
    """The photos and videos that a URL stands for, each with its path below it; and what has another name, and why.

    Args:
        leave_out: key of the folder of results, ending in a slash; files in it are no inputs, unless the URL itself is
            there.

    Raises:
        UsageError: nothing is there, or it cannot be listed.
    """
    try:
        listed = list_folder(url, patterns=True)
    except OSError as error:
        raise UsageError(f"cannot be listed ({error.strerror or error})") from error
    inside = not (RemotePath(url).key.rstrip("/") + "/").startswith(leave_out)
    files: dict[RemotePath, Path] = {}
    left_out: Reasons = []
    for name, path in listed.items():
        hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
        strange = CHAINED in name  # such a path has no key
        if hidden or (inside and not strange and path.key.startswith(leave_out)):
            continue
        if has_ending(Path(name), READABLE):
            files[path] = Path(name)
        else:
            left_out.append((path.url, unknown_kind(Path(name))))
    if not files:
        raise UsageError("no photos or videos there")
    return files, left_out


def find_listed_remote(url: str) -> RemotePath | None:
    """A file that a list names; None for a folder, or a file that is neither photo nor video.

    Raises:
        UsageError: it is not there, or cannot be looked at.
    """
    if not has_ending(Path(url), READABLE):
        return None
    try:
        path = RemotePath(url).now()
    except OSError as error:
        raise UsageError(f"cannot be looked at ({error.strerror or error})") from error
    if not path.is_file():
        raise UsageError("no such file")
    return path


def moves(path: AnyPath) -> bool:
    """Whether a file is to be read as a video; only GIFs are looked into.

    Raises:
        OSError: it cannot be.
    """
    if path.suffix.lower() != ".gif":
        return is_video(Path(path.name))
    with local_copy(path) as local:
        return is_video(local)


def find_inputs(
    inputs: list[str], listed: list[str], out: str
) -> tuple[dict[AnyPath, Path], dict[AnyPath, bool], Reasons, Reasons]:
    """The photos and videos that inputs and a list name, each with the path of its result; which are videos; what is
    left out; and what is wrong."""
    found: dict[AnyPath, Path] = {}
    left_out: Reasons = []
    problems: Reasons = []
    folder = url_of(out)
    here = Path("/nowhere") if folder else local_path(out).resolve()
    results = RemotePath(folder).key.rstrip("/") + "/" if folder else "none"
    own = [name for name in listed if url_of(name) is None]
    paths, others, wrong = find_listed(own, here)
    for path, name in paths.items():
        found.setdefault(path, name)
    left_out += [(str(path), reason) for path, reason in others.items()]
    problems += wrong.items()
    for text in [name for name in listed if url_of(name) is not None]:
        url = url_of(text) or ""
        try:
            if (listed_path := find_listed_remote(url)) is None:
                left_out.append((url, unknown_kind(Path(url))))
            else:
                found.setdefault(listed_path, Path(url.split("://", 1)[1]))
        except UsageError as problem:
            problems.append((text, str(problem)))
    for text in inputs:
        try:
            if whole := url_of(text):
                files, unknown = find_remote(whole, results)
                for remote, name in files.items():
                    found.setdefault(remote, name)
                left_out += unknown
            else:
                local, bad, ignored = find_files(str(local_path(text)), here)
                for file, name in local:
                    found.setdefault(file, name)
                problems += [(str(file), reason) for file, reason in bad]
                left_out += [(str(file), reason) for file, reason in ignored]
        except UsageError as problem:
            problems.append((text, str(problem)))
    videos: dict[AnyPath, bool] = {}
    for any_path in found:
        try:
            videos[any_path] = moves(any_path)
        except UsageError as error:
            problems.append((str(any_path), str(error)))
        except OSError as error:
            problems.append((str(any_path), f"cannot be read ({error.strerror or error})"))
    return {path: found[path] for path in videos}, videos, left_out, problems


def make_remote_plan(
    inputs: Iterable[str], out: str, suffix: str = "", ending: str | None = None, listed: Iterable[str] = ()
) -> Plan:
    """Find the pictures and videos and name their results; arguments as of :func:`make_plan`, where inputs and ``out``
    may be URLs.

    Raises:
        UsageError: no input leads to a file, or a result would overwrite an input.
    """
    found, videos, left_out, problems = find_inputs(list(inputs), list(listed), out)
    if not found:
        raise UsageError("; ".join(f"{text}: {reason}" for text, reason in problems) or "no input was named")
    folder, here = url_of(out), local_path(out)
    last = PurePosixPath(out).suffix.lower()
    single = not out.endswith("/") and last in PHOTO_FORMATS | VIDEO_FORMATS and not (folder is None and here.is_dir())
    if single and (len(found) > 1 or suffix or ending or (last in VIDEO_FORMATS) != any(videos.values())):
        raise SettingError("out", out, "does not go with these inputs; name a folder")
    try:
        there = list_folder(folder) if folder and not single else {}
        result = RemotePath(folder).now() if folder and single else None
    except OSError as error:
        raise SettingError("out", out, f"cannot be listed ({error.strerror or error})") from error
    results: dict[AnyPath, AnyPath] = {}
    for file, name in found.items():
        below = output_name(name, suffix, ending, videos[file]).as_posix()
        if result is not None:
            results[file] = result
        elif folder is None:
            results[file] = here if single else here / below
        else:
            results[file] = there.get(below) or RemotePath(f"{folder.rstrip('/')}/{below}")
    for file, target in tuple(results.items()):
        if CHAINED in f"{file}{target}":
            problems.append((str(file), f"has {CHAINED} in its name, which other file systems do not take"))
            del results[file]
    earlier = {key_of(target) for target in results.values()} if suffix else set()
    sources = {key_of(file) for file in results} - earlier
    jobs: dict[str, Job] = {}
    for file, target in results.items():
        key, shown = key_of(target), str(target)
        leaves = folder is not None and ".." in PurePosixPath(shown[len(folder) :]).parts
        if isinstance(target, Path) and not single:
            leaves = here.resolve() not in place(target).parents
        if key_of(file) in earlier:
            continue
        if leaves:
            problems.append((str(file), f"{shown} leads out of the folder of results"))
        elif key in sources:
            raise UsageError(f"{file}: its result would overwrite an input; choose another folder or a suffix")
        elif key in jobs:
            problems.append((str(file), f"{shown} is the result of {jobs[key].source} already; give it another folder"))
        else:
            jobs[key] = Job(str(found[file]), file, target, videos[file])
    home: AnyPath | None = None if single else RemotePath(folder) if folder else here
    return Plan(tuple(jobs.values()), tuple(problems), tuple(left_out), home)


def key_of(path: AnyPath) -> str:
    """By which a file is known, whatever its state."""
    return str(place(path)) if isinstance(path, Path) else path.key
