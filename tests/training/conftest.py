"""Training data made by code, and networks that train in seconds."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from claritygan_cli.training.config import TrainConfig


@pytest.fixture
def data(tmp_path: Path, photo: np.ndarray) -> Path:
    """``hazy/`` and ``clear/`` of four pictures each, ``room/`` with depth, and ``val/``."""
    root = tmp_path / "data"
    for folder in ("hazy", "clear", "room/rgb", "room/depth", "val/hazy", "val/clear"):
        (root / folder).mkdir(parents=True)
    hazy = (photo * 0.6 + 90).astype(np.uint8)
    for i in range(4):
        Image.fromarray(np.roll(photo, 20 * i, 1)).save(root / f"clear/{i}.png")
        Image.fromarray(np.roll(hazy, 20 * i, 1)).save(root / f"hazy/{i}_1.png")
    Image.fromarray(photo[::-1]).save(root / "room/rgb/r.png")
    Image.fromarray(np.tile(np.arange(50, 200, dtype=np.uint8), (100, 1))).save(root / "room/depth/r.png")
    Image.fromarray(photo[:, ::-1]).save(root / "val/clear/1.png")
    Image.fromarray(hazy[:, ::-1]).save(root / "val/hazy/1_1.png")
    return root


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """No TensorBoard."""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)


@pytest.fixture
def config(data: Path, tmp_path: Path, tiny: None) -> TrainConfig:
    """Two epochs of two steps."""
    return TrainConfig().changed(
        out=tmp_path / "run",
        hazy=(data / "hazy",),
        clear=(data / "clear",),
        validation=(data / "val",),
        decoder_widths=(4, 4, 8, 8, 8),
        width=4,
        discriminator_width=4,
        blocks=1,
        epochs=2,
        batch=2,
        size=64,
        precision="fp32",
        workers=0,
        threads=1,
    )
