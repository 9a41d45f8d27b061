from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from claritygan_cli.errors import ImageError
from claritygan_cli.media.find import EXTRA_FORMATS, PHOTO_FORMATS
from claritygan_cli.media.image_reader import decode_picture, read_picture
from claritygan_cli.media.image_writer import encode_picture, save_picture
from claritygan_cli.media.metadata import Metadata
from claritygan_cli.media.picture import Picture, to_8_bits, to_grey
from claritygan_cli.media.png_chunks import chunk as png_chunk

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ORIENTATION, ARTIST = 0x0112, 0x013B


def pixels(random: np.random.Generator, *shape: int, image16: bool = False) -> np.ndarray:
    return random.integers(0, 65536 if image16 else 256, shape).astype(np.uint16 if image16 else np.uint8)


def exif_bytes(**tags: object) -> bytes:
    exif = Image.Exif()
    for name, value in tags.items():
        exif[{"orientation": ORIENTATION, "artist": ARTIST}[name]] = value
    return exif.tobytes().removeprefix(b"Exif\0\0")


@pytest.mark.parametrize(
    ("ending", "alpha"), [(".png", False), (".png", True), (".tif", False), (".tif", True), (".bmp", False)]
)
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 33)])
def test_8_bit_round_trip(tmp_path: Path, random: np.random.Generator, ending: str, size: tuple, alpha: bool) -> None:
    picture = Picture(pixels(random, *size, 3), pixels(random, *size) if alpha else None)
    save_picture(tmp_path / f"x{ending}", picture)
    back = read_picture(tmp_path / f"x{ending}")
    assert np.array_equal(back.pixels, picture.pixels)
    assert (back.alpha is None) == (not alpha)
    assert picture.alpha is None or np.array_equal(back.alpha, picture.alpha)
    assert not back.grey


@pytest.mark.parametrize("ending", [".png", ".tif"])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 33)])
@pytest.mark.parametrize("alpha", [False, True])
def test_16_bit_round_trip(tmp_path: Path, random: np.random.Generator, ending: str, size: tuple, alpha: bool) -> None:
    a = pixels(random, *size, image16=True) if alpha else None
    picture = Picture(pixels(random, *size, 3, image16=True), a, metadata=Metadata(icc=SRGB))
    save_picture(tmp_path / f"x{ending}", picture)
    back = read_picture(tmp_path / f"x{ending}")
    assert back.pixels.dtype == np.uint16
    assert np.array_equal(back.pixels, picture.pixels)
    assert a is None or np.array_equal(back.alpha, a)
    assert back.metadata.icc == SRGB


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_16_bit_grey_round_trip(tmp_path: Path, random: np.random.Generator, ending: str) -> None:
    grey = pixels(random, 9, 8, image16=True)
    picture = Picture(np.repeat(grey[..., None], 3, 2), grey=True)
    save_picture(tmp_path / f"x{ending}", picture)
    back = read_picture(tmp_path / f"x{ending}")
    assert back.grey
    assert np.array_equal(back.pixels, picture.pixels)


def test_a_16_bit_png_written_elsewhere_is_read_exactly(tmp_path: Path, random: np.random.Generator) -> None:
    """The file is put together here from the PNG specification, filter type 0."""
    import struct
    import zlib

    planes = pixels(random, 6, 5, 3, image16=True)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in planes)
    header = struct.pack(">IIBBBBB", 5, 6, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows))
    back = decode_picture(data + png_chunk(b"IEND", b""), "x.png")
    assert np.array_equal(back.pixels, planes)


@pytest.mark.parametrize("image16", [False, True])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_and_reset(
    tmp_path: Path, random: np.random.Generator, orientation: int, image16: bool
) -> None:
    upright = pixels(random, 6, 9, 3, image16=image16)
    # how a camera that was held so stores the picture: the inverse of each orientation
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    path = tmp_path / "x.png"
    said = Metadata(exif=exif_bytes(orientation=orientation, artist="me"))
    save_picture(path, Picture(np.ascontiguousarray(stored), metadata=said))
    picture = read_picture(path)
    assert np.array_equal(picture.pixels, upright)
    save_picture(path, picture)
    with Image.open(path) as image:
        exif = image.getexif()
    assert exif.get(ORIENTATION, 1) == 1
    assert exif.get(ARTIST) == "me"
    assert np.array_equal(read_picture(path).pixels, upright)


@pytest.mark.parametrize("kind", ["plain", "planar", "turned"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_tiff_written_elsewhere(tmp_path: Path, random: np.random.Generator, kind: str, channels: int) -> None:
    if channels == 1 and kind == "planar":
        return
    planes = pixels(random, 6, 9, channels, image16=True)
    tags = [(ORIENTATION, "H", 1, 6, True)] if kind == "turned" else []
    tifffile.imwrite(
        tmp_path / "x.tif",
        np.moveaxis(planes, 2, 0) if kind == "planar" else planes.squeeze(),
        photometric="minisblack" if channels == 1 else "rgb",
        planarconfig="separate" if kind == "planar" else None,
        extrasamples=["unassalpha"] if channels == 4 else None,
        extratags=tags,
        compression="zlib",
    )
    picture = read_picture(tmp_path / "x.tif")
    expected = np.rot90(planes, -1) if kind == "turned" else planes
    assert picture.grey == (channels == 1)
    assert np.array_equal(picture.pixels, expected[..., :3] if channels > 1 else np.repeat(expected, 3, 2))
    assert channels < 4 or np.array_equal(picture.alpha, expected[..., 3])


def test_16_bit_tiffs_of_other_conventions(tmp_path: Path, random: np.random.Generator) -> None:
    planes = pixels(random, 6, 9, 4, image16=True)
    planes[..., 3] |= 0x8000
    premultiplied = np.round(planes[..., :3] * (planes[..., 3:] / 65535.0)).astype(np.uint16)
    tifffile.imwrite(
        tmp_path / "x.tif", np.dstack([premultiplied, planes[..., 3]]), photometric="rgb", extrasamples=["assocalpha"]
    )
    back = read_picture(tmp_path / "x.tif")
    assert np.abs(back.pixels.astype(int) - planes[..., :3]).max() <= 2
    assert np.array_equal(back.alpha, planes[..., 3])
    tifffile.imwrite(tmp_path / "y.tif", planes[..., 0], photometric="miniswhite")
    assert np.array_equal(read_picture(tmp_path / "y.tif").pixels[..., 0], 65535 - planes[..., 0])
    tifffile.imwrite(tmp_path / "z.tif", planes.astype(np.float32), photometric="rgb", extrasamples=["unassalpha"])
    with pytest.raises(ImageError, match="unusual TIFF"):
        read_picture(tmp_path / "z.tif")
    tifffile.imwrite(tmp_path / "a.tif", planes[..., 2:], photometric="minisblack", extrasamples=["unassalpha"])
    back = read_picture(tmp_path / "a.tif")
    assert back.grey
    assert np.array_equal(back.pixels[..., 0], planes[..., 2])
    assert np.array_equal(back.alpha, planes[..., 3])


def test_exif_keeps_the_photos_story_and_not_its_files(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0100], exif[0x0101], exif[ARTIST], exif[ORIENTATION] = 9, 6, "me", 6
    exif[0x8769] = {36867: "2026:11:23 10:00:00", 33434: 0.01}
    exif[0x8825] = {1: "N"}
    Image.new("RGB", (9, 6), "red").save(tmp_path / "x.jpg", exif=exif)
    for ending in (".jpg", ".tif", ".png", ".webp"):
        save_picture(tmp_path / f"y{ending}", read_picture(tmp_path / "x.jpg"))
        with Image.open(tmp_path / f"y{ending}") as image:
            image.load()
            assert image.size == (6, 9)
            kept = image.getexif()
            assert kept[ARTIST] == "me"
            assert kept.get_ifd(0x8769)[36867] == "2026:11:23 10:00:00"
            assert kept.get_ifd(0x8825)[1] == "N"
            assert kept.get(ORIENTATION, 1) == 1
        assert read_picture(tmp_path / f"y{ending}").pixels.shape == (9, 6, 3)


def test_damaged_metadata_does_not_cost_the_photo(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "x.jpg", exif=b"Exif\0\0nonsense", dpi=(0, 0))
    assert read_picture(tmp_path / "x.jpg").metadata.exif is None
    Image.new("CMYK", (8, 8)).save(tmp_path / "y.jpg", icc_profile=b"nonsense")
    assert read_picture(tmp_path / "y.jpg").pixels.min() > 250


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
def test_profile_exif_and_size_survive(tmp_path: Path, random: np.random.Generator, ending: str) -> None:
    path = tmp_path / f"x{ending}"
    save_picture(path, Picture(pixels(random, 20, 30, 3), metadata=Metadata(icc=SRGB, exif=exif_bytes(artist="me"))))
    back = read_picture(path)
    assert back.metadata.icc == SRGB
    assert back.pixels.shape == (20, 30, 3)
    with Image.open(path) as image:
        assert image.getexif().get(ARTIST) == "me"


def test_grey_stays_grey(tmp_path: Path, random: np.random.Generator) -> None:
    grey = pixels(random, 9, 8)
    Image.fromarray(grey).save(tmp_path / "x.png")
    picture = read_picture(tmp_path / "x.png")
    assert picture.grey
    save_picture(tmp_path / "y.png", picture)
    with Image.open(tmp_path / "y.png") as image:
        assert image.mode == "L"
        assert np.array_equal(np.array(image), grey)


def test_palette_with_transparency_becomes_colour_with_alpha(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putdata([0, 1] * 8)
    image.save(tmp_path / "x.png", transparency=1)
    picture = read_picture(tmp_path / "x.png")
    assert picture.alpha is not None
    assert picture.alpha[0].tolist() == [255, 0, 255, 0]
    assert picture.pixels[0, 0].tolist() == [255, 0, 0]


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "x.jpg", quality=100)
    picture = read_picture(tmp_path / "x.jpg")
    red, green, blue = picture.pixels[4, 4].tolist()
    assert red > 240
    assert max(green, blue) < 20


def test_transparency_is_laid_on_white_where_it_cannot_be_kept() -> None:
    data, left_out = encode_picture(Picture(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)), ".jpg")
    assert decode_picture(data, "x").pixels.min() > 250
    assert any("transparency" in what for what in left_out)


@pytest.mark.parametrize("ending", sorted(set(PHOTO_FORMATS) - set(EXTRA_FORMATS)))
def test_written_format_is_that_of_the_ending(tmp_path: Path, random: np.random.Generator, ending: str) -> None:
    save_picture(tmp_path / f"x{ending}", Picture(pixels(random, 8, 8, 3)))
    with Image.open(tmp_path / f"x{ending}") as image:
        assert image.format == PHOTO_FORMATS[ending]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"just some text", "not a picture"),
        (b"\x89PNG\r\n\x1a\nbroken", "not a picture|damaged"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=message) as caught:
        read_picture(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("ending", "image16"), [(".jpg", False), (".png", False), (".webp", False), (".png", True)])
def test_truncated_files_are_refused(tmp_path: Path, random: np.random.Generator, ending: str, image16: bool) -> None:
    path = tmp_path / f"x{ending}"
    save_picture(path, Picture(pixels(random, 64, 64, 3, image16=image16)))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match="damaged or truncated"):
        read_picture(path)


def test_animations_are_refused(tmp_path: Path) -> None:
    frames = [Image.new("L", (8, 8), level) for level in (0, 100, 200)]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match="animation"):
        read_picture(tmp_path / "x.gif")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"nowhere\.png: cannot be read"):
        read_picture(tmp_path / "nowhere.png")


def test_failed_write_leaves_nothing(
    tmp_path: Path, random: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    target = tmp_path / "x.png"
    target.write_bytes(b"old")
    monkeypatch.setattr("claritygan_cli.media.image_writer.encode_picture", fail)
    with pytest.raises(ImageError, match=r"x\.png: cannot be written \(No space left"):
        save_picture(target, Picture(pixels(random, 4, 4, 3)))
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]
    assert target.read_bytes() == b"old"


def test_depth_reduction_rounds_to_nearest() -> None:
    image16 = np.array([0, 128, 129, 257, 65535], dtype=np.uint16)
    assert to_8_bits(image16).tolist() == [0, 0, 1, 1, 255]
    levels = np.arange(256, dtype=np.uint16)
    assert np.array_equal(to_8_bits(levels * 257), levels)


def test_grey_of_equal_channels_is_exact() -> None:
    levels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
    assert np.array_equal(to_grey(levels)[0], np.arange(256))
