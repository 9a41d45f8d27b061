from pathlib import Path

import pytest

from claritygan_cli.data.overlap import overlap


def test_equal_bytes_are_found_whatever_their_names(tmp_path: Path) -> None:
    for name, content in {"a": b"one", "b": b"two", "c": b"three", "x": b"two", "y": b"six"}.items():
        (tmp_path / name).write_bytes(content)
    training, validation = [tmp_path / name for name in "abc"], [tmp_path / name for name in "xy"]
    assert overlap(training, validation) == [tmp_path / "b"]
    assert overlap(training[:1], validation) == []


def test_every_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [tmp_path / str(i) for i in range(20)]
    for path in files:
        path.write_bytes(path.name.zfill(4).encode())
    read: list[Path] = []
    monkeypatch.setattr("claritygan_cli.data.overlap.file_sha256", lambda path: read.append(path) or path.read_bytes())
    assert overlap(files[:10], files[10:]) == []
    assert sorted(read) == sorted(files)
