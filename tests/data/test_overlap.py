from pathlib import Path

from claritygan_cli.data.overlap import overlap


def test_equal_bytes_are_found_whatever_their_names(tmp_path: Path) -> None:
    for name, content in {"a": b"one", "b": b"two", "c": b"three", "x": b"two", "y": b"six"}.items():
        (tmp_path / name).write_bytes(content)
    training, validation = [tmp_path / name for name in "abc"], [tmp_path / name for name in "xy"]
    assert overlap(training, validation) == [tmp_path / "b"]
    assert overlap(training[:1], validation) == []
