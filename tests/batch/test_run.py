import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from claritygan_cli.batch import worker as module
from claritygan_cli.batch.options import BatchOptions, VideoOptions
from claritygan_cli.batch.plan import Job, Plan, make_plan
from claritygan_cli.batch.run import here, run_plan
from claritygan_cli.batch.tasks import Translated
from claritygan_cli.batch.worker import Result
from claritygan_cli.errors import ImageError
from claritygan_cli.media.image_reader import read_picture
from claritygan_cli.media.image_writer import save_picture
from claritygan_cli.media.picture import Picture
from claritygan_cli.models.video_translator import VideoTranslator

Jobs = Callable[[int], tuple[Job, ...]]


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    def make(count: int) -> tuple[Job, ...]:
        for i in range(count):
            save_picture(tmp_path / f"in/{i:03}.png", Picture(np.full((4, 4, 3), i, np.uint8)))
        return make_plan([str(tmp_path / "in")], tmp_path / "out").jobs

    return make


def invert(picture: Picture, job: Job) -> Translated:
    return Translated(replace(picture, pixels=255 - picture.pixels))


class PhotoTask:
    def __init__(self, translate: Callable[[Picture, Job], Translated]) -> None:
        self.translate = translate

    def photo(self, picture: Picture, job: Job, threads: int) -> Translated:
        return self.translate(picture, job)

    def parallel(self) -> AbstractContextManager[None]:
        return nullcontext()

    def video(self, name: str, temporal: float) -> VideoTranslator:
        raise AssertionError(name)


def run_jobs(
    jobs: tuple[Job, ...], translate: Callable[[Picture, Job], Translated], overwrite: bool = False, debug: bool = False
) -> Iterator[Result]:
    options = BatchOptions("unused", overwrite=overwrite)
    do = here(lambda: PhotoTask(translate), options, VideoOptions(), debug)
    return run_plan(Plan(jobs, ()), do, options, VideoOptions())


def statuses(results: list[Result]) -> list[str]:
    return [result.status for result in results]


def test_results_come_in_order_and_are_right(jobs: Jobs) -> None:
    results = list(run_jobs(jobs(9), invert))
    assert [r.job.name for r in results] == [f"{i:03}.png" for i in range(9)]
    assert statuses(results) == ["done"] * 9
    for i, result in enumerate(results):
        assert (read_picture(result.job.target).pixels == 255 - i).all()


def test_existing_results_are_skipped_or_replaced(jobs: Jobs) -> None:
    work = jobs(3)
    work[1].target.parent.mkdir()
    work[1].target.write_bytes(b"mine")
    work[2].source.write_bytes(b"broken")
    assert statuses(list(run_jobs(work[:2], invert))) == ["skipped", "done"]
    assert work[1].target.read_bytes() == b"mine"
    assert statuses(list(run_jobs(work[:2], invert, overwrite=True))) == ["done", "done"]
    assert (read_picture(work[1].target).pixels == 254).all()


def test_bad_files_do_not_stop_the_rest(jobs: Jobs) -> None:
    work = jobs(5)
    work[1].source.write_bytes(b"broken")
    work[3].source.unlink()
    results = list(run_jobs(work, invert))
    assert statuses(results) == ["done", "failed", "done", "failed", "done"]
    assert str(work[1].source) in results[1].message
    assert not work[1].target.exists()


def test_unexpected_errors_are_reported_too(jobs: Jobs) -> None:
    def explode(picture: Picture, job: Job) -> Translated:
        raise RuntimeError("out\nof memory")

    results = list(run_jobs(jobs(2), explode))
    assert statuses(results) == ["failed", "failed"]
    assert "RuntimeError: out of memory" in results[0].message
    with pytest.raises(RuntimeError):
        list(run_jobs(jobs(1), explode, debug=True))


def test_failed_writes_are_failures(jobs: Jobs, tmp_path: Path) -> None:
    work = jobs(2)
    (tmp_path / "out").write_text("a file where the folder should be")
    assert statuses(list(run_jobs(work, invert))) == ["failed", "failed"]


@pytest.mark.parametrize(("pixels", "at_once"), [(16 * 3, 3), (16, 1), (7, 1), (10**9, 4)])
def test_pictures_in_memory_are_bounded(jobs: Jobs, monkeypatch: pytest.MonkeyPatch, pixels: int, at_once: int) -> None:
    """Pictures of 16 pixels, and four workers."""
    lock, alive, most, shares = threading.Lock(), 0, 0, set[int]()

    def slow(picture: Picture, job: Job) -> Translated:
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        time.sleep(0.01)
        with lock:
            alive -= 1
        return invert(picture, job)

    class Counting(PhotoTask):
        def photo(self, picture: Picture, job: Job, threads: int) -> Translated:
            shares.add(threads)
            return super().photo(picture, job, threads)

    monkeypatch.setattr(module, "PIXELS_A_THREAD", pixels / 4)
    options = BatchOptions("unused", jobs=4)
    do = here(lambda: Counting(slow), options, VideoOptions(), threads=4)
    results = list(run_plan(Plan(jobs(20), ()), do, options, VideoOptions()))
    assert statuses(results) == ["done"] * 20
    assert most == at_once
    assert max(shares) == 4  # who is alone has all threads
    assert at_once == 1 or min(shares) < 4


def test_stopping_early_leaves_only_whole_files(jobs: Jobs, tmp_path: Path) -> None:
    def stop(picture: Picture, job: Job) -> Translated:
        if job.name == "003.png":
            raise KeyboardInterrupt
        return invert(picture, job)

    with pytest.raises(KeyboardInterrupt):
        list(run_jobs(jobs(80), stop))
    left = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert len(left) < 79
    for name in left:
        assert (read_picture(tmp_path / "out" / name).pixels == 255 - int(name[:3])).all()


def test_known_errors_are_one_line(jobs: Jobs) -> None:
    def refuse(picture: Picture, job: Job) -> Translated:
        raise ImageError(f"{job.source}: no")

    (result,) = run_jobs(jobs(1), refuse)
    assert result.message.endswith("000.png: no")
