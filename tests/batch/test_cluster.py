"""Runs on a Ray cluster of two workers of this machine."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import results_in
from tests.videos import make_video

from claritygan_cli.batch.cluster import GROUP, Setup, as_asked, groups
from claritygan_cli.batch.options import BatchOptions, DehazeOptions, ModelOptions, VideoOptions
from claritygan_cli.batch.plan import Job
from claritygan_cli.batch.worker import Result

pytest.importorskip("ray")
Make = Callable[[str], Path]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "claritygan_cli", *map(str, arguments)]


def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stderr
    return done


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in results_in(folder)}


def cluster_processes(name: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if (entry / "cmdline").read_bytes().startswith(name.encode()):
                    found.append(int(entry.name))
            except OSError:  # it has ended
                continue
    return found


def test_photos_go_in_groups_and_videos_alone() -> None:
    jobs = [Job(f"{i}", Path(f"{i}"), Path("x"), video=i in (3, 4)) for i in range(3 + 2 + GROUP + 1)]
    assert [len(group) for group in groups(jobs)] == [3, 1, 1, GROUP, 1]


def test_messages_name_what_the_user_named() -> None:
    job = Job("a.png", Path("in/a.png"), Path("out/a.png"))
    there = Job("a.png", Path("/w/in/a.png"), Path("/w/out/a.png"))
    result = as_asked(Result(there, "failed", "/w/in/a.png: damaged"), job)
    assert (result.message, result.job) == ("in/a.png: damaged", job)


def test_a_model_goes_along_unless_it_is_bundled(tiny_model: Make, tmp_path: Path) -> None:
    path = tiny_model("dehaze")
    common = ("dehaze", DehazeOptions(), (), BatchOptions(str(tmp_path)), VideoOptions())
    setup = Setup(*common, ModelOptions(model=str(path))).with_model_files()
    assert setup.files == ((path.name, path.read_bytes()),)
    path.unlink()
    assert setup.worker(1, False).task.captions == ("hazy", "dehazed")
    for bundled in (None, "scattering-dehaze"):
        assert Setup(*common, ModelOptions(model=bundled)).with_model_files().files == ()


def test_results_are_those_of_one_machine(photo_folder: Path, tmp_path: Path, tiny_model: Make) -> None:
    make_video(photo_folder / "ride.mp4")
    (photo_folder / "bad.png").write_text("no picture")
    model = ("--model", tiny_model("dehaze"), "--threads", 2, "--json")
    here = run("dehaze", photo_folder, "--out", tmp_path / "here", *model, code=1)
    report = tmp_path / "r.html"
    there = run(
        "dehaze", photo_folder, "--out", tmp_path / "there", *model, "--ray", "local", "--report", report, code=1
    )
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert there.stderr.splitlines()[0] == here.stderr.splitlines()[0]  # of the bad one
    assert there.stderr.count("\n") == 2

    def reports(text: str) -> list[tuple[object, ...]]:
        lines = [json.loads(line) for line in text.splitlines()[:-1]]
        return sorted((line["input"], line["status"], str(line.get("haze")), str(line.get("size"))) for line in lines)

    assert reports(there.stdout) == reports(here.stdout)
    assert report.stat().st_size > 10_000
    for wrong in (("--ground-truth", "nowhere"), ("--device", "cuda")):
        refused = run("dehaze", photo_folder, "--out", tmp_path / "new", "--ray", "local", *wrong, code=2)
        assert (refused.stderr.count("\n"), wrong[0] in refused.stderr) == (1, True)
    (tmp_path / "torn.safetensors").write_bytes(tiny_model("dehaze").read_bytes()[:-9])
    words = ("--model", tmp_path / "torn.safetensors", "--ray", "local")
    torn = run("dehaze", photo_folder, "--out", tmp_path / "new", *words, code=1)
    assert torn.stderr.startswith("claritygan: torn.safetensors: not a complete safetensors file")
    assert torn.stderr.count("\n") == 1
    again = run("dehaze", photo_folder, "--out", tmp_path / "there", *model, "--ray", "local", "--update", code=1)
    assert json.loads(again.stdout.splitlines()[-1])["summary"]["skipped"] == 3


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    random = np.random.default_rng(0)
    for i in range(40):
        noise = random.integers(0, 256, (40, 60, 3)).astype(np.uint8)
        Image.fromarray(noise).resize((1200, 800)).save(tmp_path / f"in/{i}.png")
    before = set(cluster_processes("ray::_do"))
    line = command("hazify", tmp_path / "in", "--out", tmp_path / "there", "--ray", "local", "--threads", 2, "--json")
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    killed = 0
    while process.poll() is None and killed < 2:
        done = len(list((tmp_path / "there").glob("*.png"))) if (tmp_path / "there").is_dir() else 0
        working = set(cluster_processes("ray::_do")) - before
        if working and done > 5 * killed:
            os.kill(working.pop(), signal.SIGKILL)
            killed += 1
            time.sleep(0.5)
        time.sleep(0.01)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, killed) == (0, 2), err
    assert [json.loads(text).get("status") for text in out.splitlines()] == ["done"] * 40 + [None]  # and no other line
    run("hazify", tmp_path / "in", "--out", tmp_path / "here", "-q")
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert len(contents(tmp_path / "here")) == 40


def test_no_cluster_answers(photo_folder: Path, tmp_path: Path) -> None:
    for address in ("127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999", "nonsense"):
        done = run("dehaze", photo_folder, "--out", tmp_path / "out", "--ray", address, code=2)
        assert (done.stderr.count("\n"), "no cluster" in done.stderr) == (1, True)
