import os
from pathlib import Path

import pytest

from claritygan_cli.batch.name_list import find_listed, name_below, read_names
from claritygan_cli.batch.plan import make_plan
from claritygan_cli.errors import SettingError, UsageError


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_names_are_any_bytes(tmp_path: Path) -> None:
    odd = b"a b\n\xff.png"
    (tmp_path / "list").write_bytes(b"\0".join([b"x.jpg", odd, b""]))
    assert read_names("from0", str(tmp_path / "list"), b"\0") == ["x.jpg", os.fsdecode(odd)]
    (tmp_path / "list").write_bytes(b"x.jpg\r\n\n y.jpg\nz.jpg")
    assert read_names("from_file", str(tmp_path / "list"), b"\n") == ["x.jpg", " y.jpg", "z.jpg"]
    with pytest.raises(SettingError, match="nowhere"):
        read_names("from0", str(tmp_path / "nowhere"), b"\0")


@pytest.mark.parametrize(
    ("path", "name"),
    [("./a/b.jpg", "a/b.jpg"), ("/data/b.jpg", "data/b.jpg"), ("a/../b.jpg", "b.jpg"), ("a//b.jpg", "a/b.jpg")],
)
def test_results_of_listed_files_keep_their_paths(path: str, name: str) -> None:
    assert str(name_below(Path(path))) == name


def test_paths_out_of_the_folder_stay_below_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert name_below(Path("../x/b.jpg")) == (tmp_path / "x/b.jpg").relative_to("/")


def test_names_that_cannot_be_are_problems_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path / "a.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    names = ["a.jpg", "nul\0.jpg", "x" * 300 + ".jpg", "loop.jpg", f"file://{tmp_path}/a.jpg"]
    files, _, problems = find_listed(names, (tmp_path / "out").resolve())
    assert list(files) == [Path("a.jpg"), tmp_path / "a.jpg"]
    assert list(problems) == names[1:4]


def test_what_find_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "sub/a.jpg", "sub/notes.txt", ".cache/a.jpg", "out/a.jpg"):
        touch(tmp_path / name)
    os.mkfifo("pipe.jpg")
    names = ["./a.jpg", "a.jpg", "sub", "sub/a.jpg", "sub/notes.txt", ".cache/a.jpg", "out/a.jpg", "pipe.jpg", "no.jpg"]
    files, left_out, problems = find_listed(names, (tmp_path / "out").resolve())
    assert files == {Path("a.jpg"): Path("a.jpg"), Path("sub/a.jpg"): Path("sub/a.jpg")}
    assert left_out == {
        Path("sub"): "folder",
        Path("sub/notes.txt"): ".txt of no known kind",
        Path(".cache/a.jpg"): "hidden",
        Path("out/a.jpg"): "in the folder of results",
    }
    assert problems == {"pipe.jpg": "not a regular file", "no.jpg": "no such file"}
    here = make_plan([], Path("."), suffix="_clear", listed=["a.jpg", "a_clear.jpg", "sub/a.jpg"])
    assert [str(job.target) for job in here.jobs] == ["a_clear.jpg", "sub/a_clear.jpg"]
    plan = make_plan([], Path("out"), listed=names)
    assert [str(job.target) for job in plan.jobs] == ["out/a.jpg", "out/sub/a.jpg"]
    assert len(plan.problems) == 2
    with pytest.raises(UsageError, match="no input"):
        make_plan([], Path("out"))
