"""Results appear whole or not at all, and what dead processes left is swept."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from claritygan_cli.atomic import PART_FILES, sweep, written_whole

LONG = "霧" * 83 + ".jpg"
"""As long as names may be, in bytes."""


def test_names_may_be_as_long_as_they_can(tmp_path: Path) -> None:
    with written_whole(tmp_path / LONG) as file:
        file.write(b"x")
    assert [path.name for path in tmp_path.iterdir()] == [LONG]


def test_nothing_is_left_of_what_failed(tmp_path: Path) -> None:
    def fail() -> None:
        with written_whole(tmp_path / "x") as file:
            file.write(b"x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not list(tmp_path.iterdir())


def test_part_files_of_the_dead_are_swept_and_those_of_the_living_stay(tmp_path: Path) -> None:
    code = (
        "import os, sys, signal; from pathlib import Path; from claritygan_cli.atomic import written_whole\n"
        "with written_whole(Path(sys.argv[1]) / 'x') as file:\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], check=False)
    assert done.returncode == -signal.SIGKILL
    (tmp_path / ".mine.part").touch()
    with written_whole(tmp_path / "y") as file:
        assert len(list(tmp_path.glob(PART_FILES))) == 2
        sweep(tmp_path)
        assert [path.name for path in tmp_path.glob(PART_FILES)] == [os.path.basename(file.name)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine.part", "y"]
    sweep(tmp_path / "nowhere")
