"""A plan on a Ray cluster: Ray schedules, places and retries; the results are those of one machine, byte for byte.

Photos go in small groups, a CPU (or, with ``--device cuda``, a GPU) each; a video is one task. Whoever dies in the
midst of a group is replaced, and its group done again: results appear whole, so that nothing is lost by that.
"""

import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claritygan_cli.batch.options import BatchOptions, DehazeOptions, HazifyOptions, ModelOptions, VideoOptions
from claritygan_cli.batch.plan import Job
from claritygan_cli.batch.run import Doing, sweep_targets
from claritygan_cli.batch.tasks import make_task
from claritygan_cli.batch.worker import Result, Worker, as_asked
from claritygan_cli.errors import ClarityganError, ModelError, SettingError, UsageError
from claritygan_cli.media.remote import AnyPath
from claritygan_cli.models.catalogue import catalogue
from claritygan_cli.models.finding import find_model
from claritygan_cli.models.kinds import Direction
from claritygan_cli.stopping import stop_signals

if TYPE_CHECKING:
    from claritygan_cli.evaluation.evaluate import Thumbnail

LOCAL = "local"
"""In place of an address: a cluster of this machine alone."""
GROUP = 8
"""Photos of a task: enough to hide what a task costs (some ms), few enough to be done again."""
AHEAD = 3
"""Tasks for each CPU that are given to Ray at once."""
RETRIES = 3
"""Of a task whose worker or node dies."""
SECONDS = 10
"""To wait for the head of a cluster."""
VIDEO_CPUS = 2
"""CPUs that a video is given where the number of threads is not said."""


@dataclass(frozen=True)
class Setup:
    """What all workers must know; it is put into the object store once.

    Attributes:
        given: the fields of ``haze`` that the user set.
        files: the model's file, name and content, unless it is bundled.
        thumbnail: see :class:`Worker`.
    """

    direction: Direction
    haze: DehazeOptions | HazifyOptions
    given: tuple[str, ...]
    options: BatchOptions
    videos: VideoOptions
    model: ModelOptions
    files: tuple[tuple[str, bytes], ...] = ()
    debug: bool = False
    thumbnail: "Thumbnail | None" = None

    def with_model_files(self) -> "Setup":
        """The same, with the content of a model that is named by its path, and with paths that hold elsewhere.

        Raises:
            UsageError: there is no such model.
        """
        setup, haze = self, self.haze
        if isinstance(haze, DehazeOptions) and haze.ground_truth is not None:
            setup = replace(setup, haze=replace(haze, ground_truth=haze.ground_truth.absolute()))
        if self.model.model is None or self.model.model in {entry.name for entry in catalogue()}:
            return setup
        path, _ = find_model(self.model.model, self.direction)
        model = replace(self.model, model=path.name)
        return replace(setup, model=model, files=((path.name, path.read_bytes()),))

    def worker(self, threads: int, moving: bool) -> Worker:
        """What does the jobs, on the machine that this is called on.

        Args:
            moving: they are videos.
        """
        model = replace(self.model, threads=threads)
        with tempfile.TemporaryDirectory(prefix="claritygan-") as folder:
            for name, content in self.files:
                Path(folder, name).write_bytes(content)
                model = replace(model, model=str(Path(folder, name)))
            try:
                task = make_task(self.haze, model, self.given)
                if moving:
                    task.video("", 0.0)  # what opens the model for videos
            except ModelError as error:
                raise ModelError(str(error).replace(f"{folder}{os.sep}", "")) from error
        return Worker(task, replace(self.options, jobs=1, ray=None), self.videos, self.debug, threads, self.thumbnail)


@cache
def _worker(setup: Any, threads: int, moving: bool) -> Worker:
    """The worker of this process; ``setup`` is the reference of a :class:`Setup`."""
    import ray

    found: Setup = ray.get(setup)
    return found.worker(threads, moving)


def _do(setups: list[Any], jobs: list[Job], threads: int) -> list[Result]:
    """Do a group of photos, or a video: what runs on the cluster."""
    worker = _worker(setups[0], threads, jobs[0].video)
    if jobs[0].video:
        return [worker.video(job) for job in jobs]
    with worker.task.parallel():
        return [worker.photo(job) for job in jobs]


def absolute(job: Job) -> Job:
    """A job with paths that hold on all machines that share a file system."""

    def whole(path: AnyPath) -> AnyPath:
        return path.absolute() if isinstance(path, Path) else path

    return replace(job, source=whole(job.source), target=whole(job.target))


def groups(jobs: list[Job]) -> Iterator[list[Job]]:
    """The jobs in groups of photos, and single videos."""
    for is_video, part in groupby(jobs, lambda job: job.video):
        while group := list(islice(part, 1 if is_video else GROUP)):
            yield group


def on_cluster(address: str, setup: Setup) -> Doing:
    """What does jobs on a cluster; their results come as they are done, in no order.

    Args:
        address: of the cluster's head, ``auto`` for the one that this machine belongs to, :data:`LOCAL` to start one.

    Raises:
        UsageError: Ray is not installed, or there is no such cluster, or no such model.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # or Ray tells its makers
    try:
        import ray
    except ImportError as error:
        raise UsageError("Ray is not installed: pip install 'claritygan[ray]'") from error

    def do(jobs: list[Job], note: Callable[[Result], None]) -> Iterator[Result]:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):  # where Ray tells who died and was replaced
            start(address, setup.model.threads)
            try:
                yield from _schedule(jobs, setup.with_model_files(), note)
            finally:
                ray.shutdown()
            sweep_targets(jobs)  # of what workers left that died

    return do


def start(address: str, cpus: int) -> None:
    """Connect to a cluster, or start one.

    Args:
        cpus: of one that is started; 0 for all.

    Raises:
        UsageError: there is none.
    """
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    host, _, port = address.removeprefix("ray://").rpartition(":")
    handlers = {number: signal.getsignal(number) for number in stop_signals()}
    try:
        if port.isdecimal():  # Ray itself would ask for minutes, and complain in many lines
            socket.create_connection((host.strip("[]"), int(port)), SECONDS).close()
        if address == LOCAL:
            ray.init(LOCAL, num_cpus=cpus or None, include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (OSError, ValueError, OverflowError) as error:
        raise UsageError(f"ray {address}: no cluster answers there ({' '.join(str(error).split())[:160]})") from error
    finally:
        for number, handler in handlers.items():  # Ray has its own idea of SIGTERM
            signal.signal(number, handler)


def _schedule(jobs: list[Job], setup: Setup, note: Callable[[Result], None]) -> Iterator[Result]:
    """Give the jobs to the cluster that is connected, and their results back; each is noted at once."""
    import ray

    known, waiting, running = [ray.put(setup)], groups(jobs), dict[Any, list[Job]]()
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = 1 if setup.model.device == "cuda" else 0
    if gpus and not any(node.get("GPU") for node in nodes):
        raise SettingError("device", "cuda", "no machine of the cluster has a GPU")
    most_cpus = max(int(node.get("CPU", 1)) for node in nodes)
    photos = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(_do)
    videos = photos.options(num_cpus=max(1, min(setup.model.threads or VIDEO_CPUS, most_cpus)))
    while True:
        most = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        for group in islice(waiting, max(0, most - len(running))):
            moving = group[0].video
            task, threads = (videos, setup.model.threads) if moving else (photos, 1)
            running[task.remote(known, [absolute(job) for job in group], threads)] = group
        if not running:
            return
        (ready,), _ = ray.wait([*running], num_returns=1)
        group = running.pop(ready)
        try:
            for result in map(as_asked, ray.get(ready), group):
                note(result)
                yield result
        except ClarityganError as error:  # of the settings or the model, so that all others would fail, too
            raise getattr(error, "cause", error) from None
        except ray.exceptions.RayError as error:
            if setup.debug:
                raise
            reason = " ".join(str(error).split())[-200:]
            yield from (Result(job, "failed", f"{job.source}: lost on the cluster: {reason}") for job in group)
