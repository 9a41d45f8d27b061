from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from claritygan_cli.data.layouts import Source
from claritygan_cli.data.reader import Box, Reader, cut, random_box, read_depth, read_mask
from claritygan_cli.errors import DataError
from claritygan_cli.media.image_writer import save_picture
from claritygan_cli.media.picture import Picture


def reader(side: int = 1000, memory: int = 1 << 30) -> Reader:
    return Reader(side, memory)


def test_pictures_are_shrunk_and_kept(tmp_path: Path, photo: np.ndarray) -> None:
    Image.fromarray(photo).save(tmp_path / "a.png")
    small = reader(50)
    picture = small.picture(tmp_path / "a.png")
    assert (picture.shape, picture.dtype) == ((3, 50, 75), torch.uint8)
    assert small.picture(tmp_path / "a.png") is picture
    whole = reader().picture(tmp_path / "a.png")
    assert torch.equal(whole, torch.from_numpy(photo).permute(2, 0, 1))


def test_memory_is_bounded_and_the_oldest_goes(tmp_path: Path, photo: np.ndarray) -> None:
    for name in "abc":
        Image.fromarray(photo).save(tmp_path / f"{name}.png")
    small = reader(memory=2 * photo.nbytes)
    first = small.picture(tmp_path / "a.png")
    second = small.picture(tmp_path / "b.png")
    assert small.picture(tmp_path / "a.png") is first
    small.picture(tmp_path / "c.png")
    assert small.used <= small.memory
    assert small.picture(tmp_path / "a.png") is first
    assert small.picture(tmp_path / "b.png") is not second


def test_a_truth_with_a_frame_is_cut_to_the_middle(tmp_path: Path, photo: np.ndarray) -> None:
    Image.fromarray(photo).save(tmp_path / "truth.png")
    cut_out = reader().picture(tmp_path / "truth.png", (144, 96))
    assert torch.equal(cut_out, torch.from_numpy(photo[2:98, 3:147]).permute(2, 0, 1))
    with pytest.raises(DataError, match="that it belongs to"):
        reader().picture(tmp_path / "truth.png", (75, 50))


def test_a_pair_of_different_sizes_is_cut_to_what_both_show(tmp_path: Path, photo: np.ndarray) -> None:
    Image.fromarray(photo[:, 5:145]).save(tmp_path / "hazy.png")
    Image.fromarray(photo[3:97]).save(tmp_path / "truth.png")
    hazy, truth = reader().pair(tmp_path / "hazy.png", tmp_path / "truth.png")
    assert torch.equal(hazy, truth)
    assert hazy.shape == (3, 94, 140)


def test_depth_of_another_shape_is_refused(tmp_path: Path, photo: np.ndarray) -> None:
    Image.fromarray(photo).save(tmp_path / "p.png")
    Image.fromarray(np.full((150, 100), 7, np.uint8)).save(tmp_path / "d.png")
    with pytest.raises(DataError, match="has another shape than"):
        reader().depth(Source(tmp_path / "p.png", "measured", tmp_path / "d.png"), np.random.default_rng(0))


def test_orientation_is_applied(tmp_path: Path, photo: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photo).save(tmp_path / "p.jpg", exif=exif)
    assert reader().picture(tmp_path / "p.jpg").shape == (3, 150, 100)
    assert reader(50).picture(tmp_path / "p.jpg").shape == (3, 75, 50)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0 broken"])
def test_broken_files_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(content)
    for read in (reader().picture, reader().size, read_depth, read_mask):
        with pytest.raises(DataError, match=r"x\.jpg: (the file is empty|not a picture|damaged or truncated)"):
            read(path)


def test_a_truncated_picture_is_named(tmp_path: Path, photo: np.ndarray) -> None:
    Image.fromarray(photo).save(tmp_path / "x.png")
    (tmp_path / "x.png").write_bytes((tmp_path / "x.png").read_bytes()[:9000])
    with pytest.raises(DataError, match=r"x\.png: damaged or truncated"):
        reader().picture(tmp_path / "x.png")


def test_depth_is_relative_and_without_holes(tmp_path: Path) -> None:
    depth = np.tile(np.arange(1, 151, dtype=np.uint16) * 100, (100, 1))
    depth[:, 40:50] = 0
    Image.fromarray(depth).save(tmp_path / "d.png")
    row = read_depth(tmp_path / "d.png")[0, 0].float()
    assert row[-1] == 1
    torch.testing.assert_close(row[100], torch.tensor(101 / 150), atol=1e-3, rtol=0)
    assert row[41] == row[39]
    assert row[48] == row[50]
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "d.png")
    with pytest.raises(DataError, match="holds no depth"):
        read_depth(tmp_path / "d.png")


def test_invented_depth_is_the_same_whoever_asks(tmp_path: Path, photo: np.ndarray) -> None:
    Image.fromarray(photo).save(tmp_path / "a.png")
    source = Source(tmp_path / "a.png", "invented")
    depths = [reader().depth(source, np.random.default_rng(seed)) for seed in (3, 3, 4, 5, 6)]
    assert torch.equal(depths[0], depths[1])
    assert len({depth.numpy().tobytes() for depth in depths}) > 1
    assert 0 <= depths[0].min() <= depths[0].max() <= 1


def test_picture_and_map_stay_together() -> None:
    """A picture whose red channel is its depth keeps that in every crop."""
    ramp = np.tile(np.linspace(0, 255, 150).astype(np.uint8), (100, 1))
    picture = torch.from_numpy(np.stack([ramp] * 3))
    depth = torch.from_numpy(ramp[::2, ::2].astype(np.float32) / 255)[None].half()
    random = np.random.default_rng(0)
    for _ in range(20):
        box = random_box(100, 150, (32, 64), random)
        image, near = cut(picture, box, (32, 64)), cut(depth, box, (32, 64))
        assert image.shape == (3, 32, 64)
        assert (image[:1] - near).abs().mean() < 0.015


@pytest.mark.parametrize("shape", [(32, 64), (64, 64), (96, 64)])
def test_boxes_fit_and_keep_the_aspect(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    for _ in range(50):
        box = random_box(100, 150, shape, random)
        assert 0 <= box.top <= box.top + box.height <= 1 + 1e-9
        assert 0 <= box.left <= box.left + box.width <= 1 + 1e-9
        assert box.height * 100 / (box.width * 150) == pytest.approx(shape[0] / shape[1])


def test_mirrored() -> None:
    picture = torch.arange(12, dtype=torch.uint8).reshape(1, 3, 4)
    plain, mirrored = (cut(picture, Box(0, 0, 1, 1, flip), (3, 4)) for flip in (False, True))
    assert torch.equal(plain.flip(2), mirrored)


def test_a_turned_picture_and_its_upright_truth_belong_together(tmp_path: Path, photo: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(photo)).save(tmp_path / "turned.png", exif=exif)
    Image.fromarray(photo).save(tmp_path / "upright.png")
    read = reader()
    assert read.size(tmp_path / "turned.png") == read.size(tmp_path / "upright.png") == (150, 100)
    turned, upright = read.pair(tmp_path / "turned.png", tmp_path / "upright.png")
    assert torch.equal(turned, upright)


def test_16_bits_and_transparency_are_read_as_elsewhere(tmp_path: Path, photo: np.ndarray) -> None:
    save_picture(tmp_path / "deep.png", Picture(photo.astype(np.uint16) * 257, np.full((100, 150), 65535, np.uint16)))
    assert np.array_equal(reader().picture(tmp_path / "deep.png").permute(1, 2, 0).numpy(), photo)
