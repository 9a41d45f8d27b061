import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claritygan_cli.media.find import PHOTO_FORMATS, files_below, image_files, is_regular, natural_key


def names(paths: list[Path], folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in paths]


def test_numbers_count_as_numbers(tmp_path: Path) -> None:
    for i in (10, 9, 1, 100, 2):
        (tmp_path / f"{i}.png").touch()
    assert names(image_files(tmp_path), tmp_path) == ["1.png", "2.png", "9.png", "10.png", "100.png"]


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=2))
def test_any_numbers_are_in_order(numbers: list[int]) -> None:
    found = sorted((Path(f"a/frame{n}.jpg") for n in numbers), key=natural_key)
    assert found == [Path(f"a/frame{n}.jpg") for n in sorted(numbers)]


@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1), max_size=5))
def test_any_names_can_be_compared(parts: list[str]) -> None:
    natural_key(Path(*parts)) < natural_key(Path("a1b2"))  # noqa: B015 - does not raise


def test_hidden_linked_and_special_files(tmp_path: Path) -> None:
    for name in ("a.png", ".b.png", "c.txt", ".hidden/d.png", "sub/e.JPG", "sub/f.mp4", "out/g.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "linked").symlink_to(tmp_path / "sub")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "pipe.png")
    found = files_below(tmp_path, leave_out=(tmp_path / "out").resolve())
    assert names(list(found.files), tmp_path) == ["a.png", "sub/e.JPG", "sub/f.mp4"]
    assert names(list(found.others), tmp_path) == ["gone.png", "pipe.png"]
    assert names(image_files(tmp_path), tmp_path) == ["a.png", "out/g.png", "sub/e.JPG"]
    assert image_files(tmp_path / "nowhere") == []
    assert not is_regular(tmp_path)
    assert set(PHOTO_FORMATS) >= {".jpg", ".png"}


def test_a_folder_that_cannot_be_read_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.png", "locked/b.png", "z/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    listed = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = files_below(tmp_path)
    assert names(list(found.files), tmp_path) == ["a.png", "z/c.png"]
    assert found.closed == ((tmp_path / "locked", "cannot be read (Permission denied)"),)
