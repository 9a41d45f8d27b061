"""Waits at a folder for new files, and takes each once it is whole."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from claritygan_cli.batch.manifest import fingerprint
from claritygan_cli.batch.plan import Plan
from claritygan_cli.media.remote import AnyPath

PAUSE = 1.0
"""Seconds between two looks. A file whose size and time are the same in two is whole."""
SHARE = 0.1
"""Of the time that may go into looking; large folders are looked at more rarely."""


def new_plans(look: Callable[[], Plan], pause: float = PAUSE) -> Iterator[Plan]:
    """Plans of the files that have come, or have changed, since the last plan; without end.

    Args:
        look: plans all that is there.
        pause: seconds between two looks.
    """
    taken: dict[Path, str] = {}
    before: dict[Path, str] = {}
    said: set[tuple[str, str]] = set()
    made: set[AnyPath] = set()
    while True:
        started = time.monotonic()
        try:
            plan = look()
        except OSError:  # something went while it was looked at
            time.sleep(pause)
            continue
        now: dict[Path, str] = {}
        for job in plan.jobs:
            assert isinstance(job.source, Path)
            try:
                now[job.source] = fingerprint(job.source)
            except OSError:  # gone again
                continue
        ready = {path for path, state in now.items() if before.get(path) == state != taken.get(path)} - made
        problems = tuple(problem for problem in plan.problems if problem not in said)
        said, before = {*plan.problems}, now
        taken = {path: state for path, state in taken.items() if path in now}
        if ready or problems:
            again = ready & taken.keys()
            taken |= {path: now[path] for path in ready}
            for changed, paths in ((False, ready - again), (True, again)):
                jobs = tuple(job for job in plan.jobs if job.source in paths)
                made |= {job.target for job in jobs}  # they may lie among the inputs
                if jobs or (problems and not changed):
                    yield replace(plan, jobs=jobs, problems=() if changed else problems, left_out=(), changed=changed)
        time.sleep(max(pause, (time.monotonic() - started) / SHARE if not ready else pause))
