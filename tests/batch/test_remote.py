"""Inputs and results in other file systems: fsspec's memory, and a server of S3 on this machine."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from PIL import Image
from tests.conftest import Outcome, json_lines, results_in
from tests.videos import make_video

from claritygan_cli.batch.remote_plan import make_remote_plan
from claritygan_cli.errors import UsageError
from claritygan_cli.media.image_reader import decode_picture
from claritygan_cli.media.remote import RemotePath, list_folder, local_path, url_of

Cli = Callable[..., Outcome]
Make = Callable[[str], Path]


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("s3://b/k.jpg", "s3://b/k.jpg"),
        ("S3://b/k.jpg", "s3://b/k.jpg"),
        ("hdfs:///a/b", "hdfs:///a/b"),
        ("local:///a", None),
        ("file:///a/b.jpg", None),
        ("c:/a/b.jpg", None),
        ("a/b:c.jpg", None),
        ("photo.jpg", None),
    ],
)
def test_what_is_a_url(text: str, url: str | None) -> None:
    assert url_of(text) == url


def test_paths_of_this_machine() -> None:
    assert local_path("file:///a/b.jpg") == Path("/a/b.jpg")
    assert local_path("c:/a/b.jpg") == Path("c:/a/b.jpg")


def test_the_tree_is_mirrored(memory: Any, tmp_path: Path) -> None:
    for name in ("a.jpg", "sub/b.png", "sub/notes.txt", ".hidden/c.jpg", "../d.jpg"):
        memory.store[f"/in/{name}"] = fsspec.implementations.memory.MemoryFile(memory, f"/in/{name}", b"x")
    plan = make_remote_plan(["memory://in"], "memory://out")
    assert [str(job.target) for job in plan.jobs] == ["memory://out/a.jpg", "memory://out/sub/b.png"]
    assert [name for name, _ in plan.left_out] == ["memory://in/sub/notes.txt"]
    here = make_remote_plan(["memory://in"], str(tmp_path), ending=".png")
    assert [job.target for job in here.jobs] == [tmp_path / "a.png", tmp_path / "sub/b.png"]
    single = make_remote_plan(["memory://in/a.jpg"], "memory://out/x.jpg")
    assert (str(single.jobs[0].target), single.folder) == ("memory://out/x.jpg", None)
    for inputs, out in ((["memory://no"], "memory://out"), (["memory://in"], "memory://in"), (["nosuch://a"], "x")):
        with pytest.raises(UsageError):
            make_remote_plan(inputs, out)


def test_results_appear_whole_where_the_file_system_does_not_see_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claritygan_cli.media.remote.WHOLE", frozenset())
    target = RemotePath(f"local://{tmp_path}/x/a.bin")
    target.write(b"12")
    assert target.read() == b"12"
    with pytest.raises(OSError, match="nowhere"):
        target.put(tmp_path / "nowhere")
    assert os.listdir(tmp_path / "x") == ["a.bin"]
    assert target.read() == b"12"


def test_photos_and_videos_in_memory(
    cli: Cli, memory: Any, photo_folder: Path, tmp_path: Path, tiny_model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_video(photo_folder / "ride.mp4")
    (photo_folder / "bad.png").write_text("no picture")
    memory.put(str(photo_folder), "/photos", recursive=True)
    model = ("--model", tiny_model("dehaze"), "--json")
    here = cli("dehaze", photo_folder, "--out", tmp_path / "out", *model)
    there = cli("dehaze", "memory://photos", "--out", "memory://clear", *model, "--report", tmp_path / "r.html")
    assert here.code == there.code == 1
    assert "memory://photos/bad.png: " in there.err
    assert "/tmp" not in there.err
    names = {"a.png", "sub/b.png", "ride.mp4"}
    assert results_in(tmp_path / "out") == names
    listed = list_folder("memory://clear")
    assert set(listed) == names | {".claritygan.jsonl"}
    for name in names:
        assert listed[name].read() == (tmp_path / "out" / name).read_bytes()
    reports, summary = json_lines(there)
    assert {r["output"] for r in reports} == {f"memory://clear/{name}" for name in names} | {None}
    assert (summary["done"], summary["failed"]) == (3, 1)
    (photo_folder / "bad.png").unlink()
    memory.rm("/photos/bad.png")
    again = cli("dehaze", "memory://photos", "--out", "memory://clear", *model, "--update")
    assert json_lines(again)[1]["skipped"] == 3
    memory.pipe_file("/photos/a.png", (photo_folder / "sub/b.png").read_bytes())
    third = cli("dehaze", "memory://photos", "--out", "memory://clear", *model, "--update")
    assert json_lines(third)[1]["done"] == 1
    assert len(list_folder("memory://clear")[".claritygan.jsonl"].read().splitlines()) == 3
    monkeypatch.setattr("claritygan_cli.batch.run.Notes.add", lambda *_: None)  # killed before it was noted
    cli("dehaze", "memory://photos", "--out", "memory://clear", *model, "--overwrite", "--strength", 2)
    monkeypatch.undo()
    last = cli("dehaze", "memory://photos", "--out", "memory://clear", *model, "--update")
    assert json_lines(last)[1]["done"] == 3  # none is taken for what it was
    mixed = cli("dehaze", "memory://photos/a.png", "--out", tmp_path / "x.png", *model)
    assert (mixed.code, (tmp_path / "x.png").exists()) == (0, True)
    back = cli("dehaze", photo_folder / "a.png", "--out", "memory://one/y.jpg", *model)
    assert (back.code, set(list_folder("memory://one"))) == (0, {"y.jpg"})


def test_what_is_left_alone_leaves_no_earlier_result(cli: Cli, memory: Any, photo_folder: Path) -> None:
    memory.put(str(photo_folder), "/photos", recursive=True)
    common = ("dehaze", "memory://photos", "--out", "memory://clear", "--json", "--update")
    cli(*common)
    reports, _ = json_lines(cli(*common, "--min-haze", 1, "--if-clear", "skip"))
    assert [(r["status"], r["output"]) for r in reports] == [("left alone", None)] * 2
    assert set(list_folder("memory://clear")) == {".claritygan.jsonl"}
    assert json_lines(cli(*common, "--min-haze", 1, "--if-clear", "skip"))[1]["skipped"] == 2
    reports, _ = json_lines(cli(*common, "--min-haze", 1, "--if-clear", "link"))
    assert list_folder("memory://clear")["a.png"].read() == (photo_folder / "a.png").read_bytes()


def test_globs_lists_and_results_among_the_inputs(memory: Any, tmp_path: Path) -> None:
    for name in ("in/a.jpg", "in/b.png", "in/sub/c.jpg", "in/clear/a.jpg", "in/x::y.jpg"):
        memory.pipe_file("/" + name, b"x")

    def targets(inputs: list[str], out: str, **more: Any) -> list[str]:
        return [str(job.target) for job in make_remote_plan(inputs, out, **more).jobs]

    assert targets(["memory://in/*.jpg"], "memory://new") == ["memory://new/a.jpg"]
    assert targets(["memory://in"], "memory://in/clear") == [
        f"memory://in/clear/{n}" for n in ("a.jpg", "b.png", "sub/c.jpg")
    ]
    listed = ["memory://in/sub", "memory://in/a.jpg", "memory://in/no.jpg"]
    plan = make_remote_plan([], "memory://new", listed=listed)
    assert [str(job.target) for job in plan.jobs] == ["memory://new/in/a.jpg"]
    assert [name for name, _ in plan.left_out] == ["memory://in/sub"]
    assert plan.problems == (("memory://in/no.jpg", "no such file"),)
    assert "::" in make_remote_plan(["memory://in"], "memory://new").problems[0][1]
    memory.pipe_file("/in/z::y.gif", b"x")
    assert len(make_remote_plan(["memory://in"], "memory://new").problems) == 2
    memory.rm("/in/x::y.jpg")
    memory.rm("/in/z::y.gif")
    with pytest.raises(UsageError, match="overwrite an input"):  # the same place, spelled in another way
        make_remote_plan(["memory://in"], "memory:///in")
    memory.pipe_file("/b/a1.jpg", b"x")
    for out, target in (
        ("memory://b/a[1].jpg", "memory://b/a[1].jpg"),
        ("memory://b/x.jpg/", "memory://b/x.jpg/a.jpg"),
    ):
        (job,) = make_remote_plan(["memory://in/a.jpg"], out).jobs
        assert (str(job.target), job.target.is_file()) == (target, False)
    memory.rm("/in/clear", recursive=True)
    first = targets(["memory://in"], "memory://in", suffix="_clear")
    for target in first:
        RemotePath(target).write(b"x")
    assert targets(["memory://in"], "memory://in", suffix="_clear") == first


def test_where_files_have_no_stamp_inputs_are_never_taken_for_the_same(
    cli: Cli, memory: Any, photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.put(str(photo_folder), "/photos", recursive=True)
    monkeypatch.setattr("claritygan_cli.media.remote.STAMPS", ())
    common = ("dehaze", "memory://photos", "--out", tmp_path / "out", "--json")
    assert json_lines(cli(*common))[1]["done"] == 2
    assert json_lines(cli(*common))[1]["skipped"] == 2
    assert json_lines(cli(*common, "--update"))[1]["done"] == 2


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket on a server of S3."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    system = fsspec.filesystem("s3")
    system.mkdir("s3://bucket")
    yield system
    fsspec.filesystem("s3").clear_instance_cache()
    server.stop()


@pytest.mark.filterwarnings("ignore")
def test_photos_on_a_server_of_s3(
    cli: Cli, bucket: Any, photo: np.ndarray, photo_folder: Path, tmp_path: Path, tiny_model: Make
) -> None:
    bucket.put(str(photo_folder), "s3://bucket/photos", recursive=True)
    model = ("--model", tiny_model("dehaze"), "--json")
    done = cli("dehaze", "s3://bucket/photos", "--out", "s3://bucket/clear", *model)
    assert (done.code, done.err.count("\n")) == (0, 1)
    cli("dehaze", photo_folder, "--out", tmp_path / "out", *model)
    listed = list_folder("s3://bucket/clear")
    assert set(listed) == {"a.png", "sub/b.png", ".claritygan.jsonl"}
    for name in ("a.png", "sub/b.png"):
        assert listed[name].read() == (tmp_path / "out" / name).read_bytes()
    records = [json.loads(line) for line in listed[".claritygan.jsonl"].read().splitlines()]
    assert {record["result"] for record in records} == {"a.png", "sub/b.png"}
    again = cli("dehaze", "s3://bucket/photos", "--out", "s3://bucket/clear", *model, "--update")
    assert json_lines(again)[1]["skipped"] == 2
    Image.fromarray(photo).save(tmp_path / "new.png")
    bucket.put_file(str(tmp_path / "new.png"), "s3://bucket/photos/a.png")
    third = cli("dehaze", "s3://bucket/photos", "--out", "s3://bucket/clear", *model, "--update")
    assert json_lines(third)[1]["done"] == 1
    assert decode_picture(list_folder("s3://bucket/clear")["a.png"].read(), "a").pixels.shape == photo.shape
    missing = cli("dehaze", "s3://nobucket/photos", "--out", tmp_path / "x")
    assert (missing.code, missing.err.count("\n"), "s3://nobucket" in missing.err) == (2, 1, True)
