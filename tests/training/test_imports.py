import subprocess
import sys
from pathlib import Path


def test_training_needs_no_video_library(data: Path, tmp_path: Path) -> None:
    """GPU machines often have PyTorch and little else: PyAV and torchvision may be missing."""
    code = (
        "import sys\n"
        "for name in ('av', 'torchvision', 'imageio'): sys.modules[name] = None\n"
        "from claritygan_cli.cli import main\n"
        "main()\n"
    )
    arguments = ["train", "--data", str(data), "--validation", str(data / "val"), "--out", str(tmp_path / "run")]
    arguments += ["--epochs", "1", "--batch", "2", "--size", "64", "--objective", "supervised", "--workers", "0"]
    arguments += ["--decoder-widths", "4"] * 3 + ["--decoder-widths", "8"] * 2
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/dehaze.safetensors").is_file()
