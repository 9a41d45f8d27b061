import subprocess
import sys
from pathlib import Path

CODE = """
import numba.core.caching as caching
caching.CacheImpl._locator_classes = []  # as on a disk that cannot be written to
import numpy as np
from claritygan_cli.engine.area_average import area_average
print(area_average(np.full((4, 4, 3), 7, np.uint8), (2, 2)).mean())
"""


def test_without_a_place_for_its_cache_it_runs(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "7.0"
