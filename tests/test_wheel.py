"""The built wheel carries the models and works from anywhere."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]


def run(*command: object, **options: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_dehazes_elsewhere(tmp_path: Path, photo: np.ndarray) -> None:
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", ROOT, "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path / "dist")
    (wheel,) = (tmp_path / "dist").glob("claritygan_cli-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "claritygan_cli/weights/catalogue.json" in names
    assert "claritygan_cli/weights/MODEL_CARD.md" in names
    run(*pip, "install", "--no-deps", "--no-index", "--target", tmp_path / "site", wheel)
    Image.fromarray(photo).save(tmp_path / "hazy.png")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    where = run(
        sys.executable, "-c", "import claritygan_cli; print(claritygan_cli.__file__)", cwd=elsewhere, env=environment
    )
    assert where.startswith(str(tmp_path / "site"))
    claritygan = (sys.executable, "-m", "claritygan_cli")
    run(*claritygan, "dehaze", tmp_path / "hazy.png", "--out", "clear", cwd=elsewhere, env=environment)
    assert (elsewhere / "clear/hazy.png").is_file()
    assert "scattering-dehaze" in run(*claritygan, "models", cwd=elsewhere, env=environment)
