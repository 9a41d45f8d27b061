from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from claritygan_cli.data.photo_sets import load_photo_sets, random_box, view
from claritygan_cli.errors import DataError


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def root(tmp_path: Path, photo: np.ndarray) -> Path:
    save(tmp_path / "room/rgb/1.png", photo)
    depth = np.tile(np.arange(1, 151, dtype=np.uint16) * 100, (100, 1))
    depth[:, 40:50] = 0
    save(tmp_path / "room/depth/1.png", depth)
    save(tmp_path / "street/rgb/1.png", photo)
    save(tmp_path / "street/labels/1.png", np.full((100, 150), 3, dtype=np.uint8))
    save(tmp_path / "clear/1.png", photo)
    save(tmp_path / "hazy/1.png", photo)
    return tmp_path


def test_folders_are_recognised_by_what_is_in_them(root: Path) -> None:
    sets = load_photo_sets(root)
    assert [len(s) for s in (sets.indoor, sets.street, sets.clear, sets.hazy)] == [1, 1, 1, 1]
    assert [s[0].measured for s in (sets.indoor, sets.street, sets.clear)] == [True, False, False]


def test_depth_is_relative_and_without_holes(root: Path) -> None:
    depth = load_photo_sets(root).indoor[0].depth
    assert depth is not None
    row = depth[0, 0].float()
    assert row[-1] == 1
    torch.testing.assert_close(row[100], torch.tensor(101 / 150), atol=1e-3, rtol=0)
    assert row[41] == row[39]
    assert row[48] == row[50]


def test_view_and_depth_stay_together(root: Path) -> None:
    """A photo whose red channel is its depth keeps that in every view."""
    ramp = np.tile(np.linspace(0, 255, 150).astype(np.uint8), (100, 1))
    sets = load_photo_sets(root)
    item = sets.indoor[0]
    item.image = torch.from_numpy(np.stack([ramp] * 3))
    item.depth = torch.from_numpy(ramp.astype(np.float32) / 255)[None].half()
    random = np.random.default_rng(0)
    for _ in range(20):
        image, depth = view(item, (32, 64), random)
        assert image.shape == (3, 32, 64)
        assert (image[:1] - depth).abs().mean() < 0.01


def test_boxes_fit_and_keep_the_aspect() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        top, left, h, w = random_box(100, 150, (96, 128), random)
        assert top >= 0
        assert left >= 0
        assert top + h <= 100
        assert left + w <= 150
        assert w / h == pytest.approx(128 / 96, rel=0.06)


def test_invented_depths_are_kept(root: Path) -> None:
    item = load_photo_sets(root).clear[0]
    random = np.random.default_rng(0)
    for _ in range(12):
        item.some_depth(random)
    assert len(item.invented) == 5


def test_what_is_missing_is_named(root: Path, tmp_path: Path) -> None:
    (root / "room/depth/1.png").unlink()
    with pytest.raises(DataError, match=r"room/rgb/1\.png: has no partner in .*room/depth"):
        load_photo_sets(root)
    with pytest.raises(DataError, match="no training photos"):
        load_photo_sets(tmp_path / "nowhere")
