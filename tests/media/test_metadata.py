"""What a file says beside its pixels survives, or is named."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from claritygan_cli.errors import ImageError
from claritygan_cli.media import exif, photoshop, png_chunks
from claritygan_cli.media.image_reader import decode_picture, ending_of, opened, read_picture
from claritygan_cli.media.image_writer import encode_picture, save_picture
from claritygan_cli.media.metadata import Metadata
from claritygan_cli.media.picture import Picture
from claritygan_cli.media.tiff_tags import (
    ASCII,
    BYTE,
    EXIF,
    INTEROP,
    LONG,
    SHORT,
    UNDEFINED,
    Directory,
    Layout,
    Tag,
    in_order,
    with_directory,
    write_directory,
)

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" xmp:Rating="5"/></x:xmpmeta>'
UPRIGHT_XMP = XMP.replace(b'Orientation="6"', b'Orientation="1"')
IPTC = b"\x1c\x02\x19\x00\x03fog"
MAKER_NOTE, USER_COMMENT, RATING, ARTIST, XP_TITLE = 0x927C, 0x9286, 0x4746, 0x013B, 0x9C9B


def text(words: str) -> Tag:
    data = words.encode() + b"\0"
    return Tag(ASCII, len(data), data)


def camera_block(order: str, orientation: int = 1, note: bytes = b"maker's own words", thumbnail: bool = True) -> bytes:
    """A block as cameras write it, with InteropIFD, undefined types, text that is no ASCII, and a thumbnail."""

    def short(value: int) -> Tag:
        return Tag(SHORT, 1, struct.pack(order + "H", value))

    interop = Directory({1: Tag(ASCII, 4, b"R98\0")})
    settings = {
        MAKER_NOTE: Tag(UNDEFINED, len(note), note),
        USER_COMMENT: Tag(UNDEFINED, 13, b"ASCII\0\0\0words"),
        exif.EXIF_WIDTH: short(64),
        exif.EXIF_HEIGHT: short(48),
    }
    tags = {
        exif.ORIENTATION: short(orientation),
        ARTIST: text("Jürg 霧"),
        RATING: short(5),
        XP_TITLE: Tag(BYTE, 4, "t\0".encode("utf-16-le")),
    }
    main = Directory(tags, {EXIF: Directory(settings, {INTEROP: interop})})
    layout = Layout(order)
    header = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    first = write_directory(main, layout, 8)
    if not thumbnail:
        return header + first
    at = 8 + len(first)
    picture = b"\xff\xd8a picture of haze\xff\xd9"

    def long(value: int) -> Tag:
        return Tag(LONG, 1, struct.pack(order + "I", value))

    def second(place: int) -> bytes:
        return write_directory(Directory({0x0201: long(place), 0x0202: long(len(picture))}), layout, at)

    return header + write_directory(main, layout, 8, at) + second(at + len(second(0))) + picture


def jpeg(**extra: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 120, 150)).save(file, "JPEG", **extra)
    return file.getvalue()


def tags_of(block: bytes | None) -> Directory:
    assert block is not None
    return exif.tree_of(block)[1]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
def test_exif_is_kept_as_the_camera_wrote_it(order: str, ending: str) -> None:
    source = jpeg(exif=exif.PREFIX + camera_block(order, orientation=6))
    data, left_out = encode_picture(decode_picture(source, "x"), ending)
    assert not left_out
    back = decode_picture(data, "y")
    assert back.pixels.shape == (64, 48, 3)
    tree = tags_of(back.metadata.exif)
    settings = tree.below[EXIF]
    assert tree.tags[ARTIST].data == "Jürg 霧".encode() + b"\0"
    assert tree.tags[XP_TITLE].kind == BYTE
    assert settings.tags[MAKER_NOTE].data == b"maker's own words"
    assert settings.tags[USER_COMMENT] == Tag(UNDEFINED, 13, b"ASCII\0\0\0words")
    assert settings.below[INTEROP].tags[1].data == b"R98\0"
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        known = image.getexif()
        assert known.get(exif.ORIENTATION, 1) == 1
        assert known.get_ifd(EXIF)[exif.EXIF_WIDTH] == 48
        assert known[RATING] == 5
    assert b"a picture of haze" not in data


def test_a_block_is_mended_where_it_stands() -> None:
    block = camera_block(">", orientation=6)
    mended = exif.mended(block, (48, 64))
    assert mended.index(b"maker's own words") == block.index(b"maker's own words")
    assert exif.orientation_of(mended) == 1
    assert tags_of(mended).tags.keys() == tags_of(block).tags.keys()


def test_blocks_too_large_for_a_jpeg_are_cut_down_with_a_word() -> None:
    metadata = Metadata(exif=camera_block("<", note=bytes(70000), thumbnail=False), xmp=bytes(70000))
    data, left_out = encode_picture(Picture(np.zeros((8, 8, 3), np.uint8), metadata=metadata), ".jpg")
    assert any("maker's note" in what for what in left_out)
    assert any("XMP" in what for what in left_out)
    back = decode_picture(data, "x").metadata
    assert tags_of(back.exif).tags[ARTIST].data.startswith("Jürg".encode())
    assert back.xmp is None


def photo_with_everything() -> Picture:
    metadata = Metadata(
        exif=camera_block("<", thumbnail=False),
        xmp=XMP,
        photoshop=photoshop.from_iptc(IPTC),
        dpi=(300.0, 300.0),
    )
    return Picture(np.full((48, 64, 3), 100, np.uint8), metadata=metadata)


@pytest.mark.parametrize(
    ("ending", "missing"),
    [(".jpg", set()), (".tif", set()), (".png", {"photoshop"}), (".webp", {"photoshop", "dpi"}), (".bmp", {"exif"})],
)
def test_xmp_iptc_and_resolution(ending: str, missing: set) -> None:
    data, left_out = encode_picture(photo_with_everything(), ending)
    back = decode_picture(data, "x").metadata
    if "exif" in missing:
        assert any("EXIF" in what for what in left_out)
        assert back.exif is None
        return
    assert back.xmp == UPRIGHT_XMP
    assert tags_of(back.exif).tags[RATING]
    if "photoshop" in missing:
        assert any("IPTC" in what for what in left_out)
    else:
        assert back.photoshop is not None
        assert photoshop.iptc_of(back.photoshop) == IPTC
    if "dpi" not in missing:
        assert back.dpi == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("image16", [False, True])
@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif", ".bmp", ".webp"])
def test_resolution_is_kept_and_none_is_invented(ending: str, image16: bool) -> None:
    pixels = np.zeros((8, 8, 3), np.uint16 if image16 else np.uint8)
    for dpi in (None, (240.0, 120.0)):
        back = decode_picture(encode_picture(Picture(pixels, metadata=Metadata(dpi=dpi)), ending)[0], "x")
        if ending != ".webp":
            assert back.metadata.dpi == (pytest.approx(dpi, rel=0.001) if dpi else None)


def test_metadata_can_be_taken_away() -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = photo_with_everything()
    picture = Picture(picture.pixels, metadata=Metadata(icc=icc, exif=picture.metadata.exif, xmp=XMP, texts=(b"x",)))
    assert picture.without_story().metadata == Metadata(icc=icc)


@pytest.mark.parametrize("image16", [False, True])
def test_colour_chunks_of_png(tmp_path: Path, image16: bool) -> None:
    save_picture(tmp_path / "x.png", Picture(np.zeros((8, 8, 3), np.uint16 if image16 else np.uint8)))
    said = [(b"gAMA", (100000).to_bytes(4, "big")), (b"cICP", bytes([9, 16, 0, 1])), (b"cHRM", bytes(range(32)))]
    words = [
        png_chunks.chunk(b"tEXt", b"Title\0fog"),
        png_chunks.chunk(b"zTXt", b"big\0\0" + zlib.compress(bytes(3 << 20))),
    ]
    data = png_chunks.with_chunks(
        (tmp_path / "x.png").read_bytes(), [*(png_chunks.chunk(*pair) for pair in said), *words]
    )
    picture = decode_picture(data, "x")
    data, left_out = encode_picture(picture, ".png")
    assert not left_out
    kinds = [(kind, bytes(content)) for kind, content, _ in png_chunks.chunks(data)]
    assert all(pair in kinds for pair in said)
    assert decode_picture(data, "y").metadata.texts == tuple(words)
    _, left_out = encode_picture(picture, ".jpg")
    assert any("gAMA" in what for what in left_out)
    assert any("texts" in what for what in left_out)


def test_geotiff_stays_in_tiffs_and_is_named_elsewhere(tmp_path: Path) -> None:
    scale = (33550, "d", 3, (10.0, 10.0, 0.0), True)
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((8, 8, 3), np.uint8), photometric="rgb", extratags=[scale])
    picture = read_picture(tmp_path / "x.tif")
    assert save_picture(tmp_path / "y.tif", picture) == ()
    with tifffile.TiffFile(tmp_path / "y.tif") as file:
        assert file.pages[0].tags[33550].value == (10.0, 10.0, 0.0)
    assert any("GeoTIFF" in what for what in save_picture(tmp_path / "y.jpg", picture))


def test_a_jpegs_own_quality_is_kept() -> None:
    photo = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=61, subsampling=1, progressive=True)
    picture = decode_picture(file.getvalue(), "x")
    for quality, same in ((None, True), (95, False)):
        data, _ = encode_picture(picture, ".jpg", quality)
        with Image.open(io.BytesIO(data)) as image, Image.open(io.BytesIO(file.getvalue())) as source:
            assert (image.quantization == source.quantization) == same
            assert bool(image.info.get("progressive")) == same


def test_lossless_webp_stays_lossless(tmp_path: Path) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "x.webp", lossless=True)
    picture = read_picture(tmp_path / "x.webp")
    assert np.array_equal(decode_picture(encode_picture(picture, ".webp")[0], "y").pixels, photo)
    lossy = encode_picture(picture, ".webp", quality=50)[0]
    assert not np.array_equal(decode_picture(lossy, "y").pixels, photo)


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_16_bit_grey_with_alpha_stays_grey(ending: str) -> None:
    grey, alpha = np.random.default_rng(1).integers(0, 65536, (2, 7, 5)).astype(np.uint16)
    picture = Picture(np.repeat(grey[..., None], 3, 2), alpha, grey=True, metadata=Metadata(icc=b"GRAY" * 40))
    back = decode_picture(encode_picture(picture, ending)[0], "x")
    assert back.grey
    assert np.array_equal(back.pixels[..., 0], grey)
    assert np.array_equal(back.alpha, alpha)
    assert back.metadata.icc == b"GRAY" * 40


@pytest.mark.parametrize("predictor", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_tiffs_of_any_compression(order: str, predictor: int) -> None:
    """LZW, which neither Pillow nor tifffile write for 16 bits: the page is told to be narrower after it is written."""
    planes = np.random.default_rng(1).integers(0, 65536, (9, 14, 3)).astype(np.uint16)
    stored = planes.copy()
    if predictor == 2:
        stored[:, 1:] -= planes[:, :-1]
    file = io.BytesIO()
    samples = stored.astype(order + "u2").reshape(9, -1).view(np.uint8).reshape(9, 28, 3)
    Image.fromarray(samples).save(file, "TIFF", compression="tiff_lzw", big_tiff=False)
    data = bytearray(file.getvalue())
    layout, page = exif.tree_of(bytes(data))
    assert layout.order == "<"
    tags = dict(page.tags)
    tags[258] = Tag(SHORT, 3, struct.pack("<3H", 16, 16, 16))
    tags[256] = Tag(SHORT, 1, struct.pack("<H", 14))
    tags[317] = Tag(SHORT, 1, struct.pack("<H", predictor))
    if order == ">":
        data[:4] = b"MM\0*"
        whole = with_directory(bytes(data), Layout(">"), in_order(Directory(tags), "<", ">"))
    else:
        whole = with_directory(bytes(data), layout, Directory(tags))
    assert np.array_equal(decode_picture(whole, "x").pixels, planes)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("order", ["<", ">"])
def test_bigtiff(tmp_path: Path, order: str, kind: type) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (20, 30, 3)).astype(kind)
    tifffile.imwrite(tmp_path / "x.tif", photo, bigtiff=True, byteorder=order, photometric="rgb", compression="zlib")
    assert np.array_equal(read_picture(tmp_path / "x.tif").pixels, photo)


def test_overviews_are_no_pages_and_pages_are_kept(tmp_path: Path) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        file.write(photo[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
        file.write(photo, photometric="rgb", metadata=None)
    picture = read_picture(tmp_path / "x.tif")
    assert np.array_equal(picture.pixels, photo)
    assert picture.pages == ()
    with tifffile.TiffWriter(tmp_path / "y.tif") as file:
        file.write(photo, photometric="rgb", metadata=None)
        file.write(photo.astype(np.uint16) * 257, photometric="rgb", metadata=None)
        file.write(photo[..., 0], photometric="minisblack", metadata=None)
    picture = read_picture(tmp_path / "y.tif", pages=True)
    save_picture(tmp_path / "z.tif", picture.translated(lambda pixels: pixels.max() - pixels))
    back = read_picture(tmp_path / "z.tif", pages=True)
    assert np.array_equal(back.pixels, photo.max() - photo)
    assert back.pages[0].pixels.dtype == np.uint16
    assert back.pages[1].grey
    assert any("2 further pages" in what for what in save_picture(tmp_path / "z.jpg", picture))


def bmp(photo: np.ndarray, alpha: int) -> bytes:
    planes = np.dstack([photo[..., ::-1], np.full(photo.shape[:2], alpha, np.uint8)])[::-1].tobytes()
    height, width = photo.shape[:2]
    header = struct.pack("<2sIII", b"BM", 138 + len(planes), 0, 138)
    header += struct.pack("<IiiHHIIiiII", 124, width, height, 1, 32, 3, len(planes), 0, 0, 0, 0)
    return header + struct.pack("<4I4s48xI12x", 0xFF0000, 0xFF00, 0xFF, 0xFF000000, b"BGRs", 4) + planes


def test_bmp_with_an_unused_channel_is_opaque() -> None:
    photo = np.random.default_rng(1).integers(0, 256, (6, 7, 3)).astype(np.uint8)
    assert decode_picture(bmp(photo, 0), "x").alpha is None
    picture = decode_picture(bmp(photo, 128), "x")
    back = decode_picture(encode_picture(picture, ".bmp")[0], "x")
    assert np.array_equal(back.pixels, photo)
    assert back.alpha is not None
    assert (back.alpha == 128).all()


def test_hidden_colours_do_not_matter() -> None:
    random = np.random.default_rng(1)
    photo = random.integers(0, 256, (21, 30, 3)).astype(np.uint8)
    alpha = np.zeros((21, 30), np.uint8)
    alpha[5:15, 8:20] = 255
    seen: list[np.ndarray] = []
    for hidden in (0, 255):
        pixels = np.where(alpha[..., None] > 0, photo, np.uint8(hidden))
        result = Picture(pixels, alpha).translated(lambda p: seen.append(p) or 255 - p)
        assert np.array_equal(result.pixels[alpha > 0], 255 - photo[alpha > 0])
        assert (result.pixels[alpha == 0] == hidden).all()
    assert np.array_equal(*seen)
    assert photo[alpha > 0].min() <= seen[0].min()


def test_a_guard_on_pixels() -> None:
    file = io.BytesIO()
    Image.new("1", (20000, 10000)).save(file, "PNG")
    with opened(file.getvalue(), "x") as image:  # Pillow alone refuses as many
        assert image.size == (20000, 10000)
    with pytest.raises(ImageError, match="--max-pixels"):
        decode_picture(file.getvalue(), "x", max_pixels=1000)


def test_mpo_is_a_jpeg_whose_other_pictures_are_named() -> None:
    file = io.BytesIO()
    first = Image.new("RGB", (16, 16))
    first.save(file, "MPO", save_all=True, append_images=[Image.new("RGB", (16, 16), "red")])
    assert ending_of(file.getvalue()) == ".jpg"
    assert any("1 further picture" in what for what in decode_picture(file.getvalue(), "x").metadata.left_out)


@pytest.mark.parametrize("ending", [".heic", ".avif", ".jxl"])
def test_formats_of_extras(tmp_path: Path, ending: str) -> None:
    source = Picture(
        np.full((48, 64, 3), (200, 90, 40), np.uint8), metadata=Metadata(exif=camera_block("<"), xmp=UPRIGHT_XMP)
    )
    assert save_picture(tmp_path / f"x{ending}", source) == ()
    back = read_picture(tmp_path / f"x{ending}")
    assert np.abs(back.pixels.astype(int) - source.pixels).max() < 6
    assert tags_of(back.metadata.exif).tags[ARTIST].data.startswith("Jürg".encode())
    assert back.metadata.xmp is not None or ending == ".jxl"
    data = bytearray((tmp_path / f"x{ending}").read_bytes())
    (tmp_path / f"cut{ending}").write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(ImageError):
        read_picture(tmp_path / f"cut{ending}")


def test_a_missing_decoder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.init()
    monkeypatch.setattr(Image, "OPEN", {form: known for form, known in Image.OPEN.items() if form != "HEIF"})
    monkeypatch.setattr(Image, "ID", [form for form in Image.ID if form != "HEIF"])
    monkeypatch.setattr("claritygan_cli.media.image_reader.register_extras", lambda: None)
    (tmp_path / "x.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
    with pytest.raises(ImageError, match="pip install"):
        read_picture(tmp_path / "x.heic")
    monkeypatch.setattr("claritygan_cli.media.image_writer.register_extras", lambda: None)
    monkeypatch.setattr(Image, "SAVE", {form: known for form, known in Image.SAVE.items() if form != "HEIF"})
    with pytest.raises(ImageError, match=r"y\.heic: needs a package"):
        save_picture(tmp_path / "y.heic", Picture(np.zeros((8, 8, 3), np.uint8)))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_channel_that_is_no_transparency_is_named(tmp_path: Path, kind: type) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (20, 30, 4)).astype(kind)
    tifffile.imwrite(tmp_path / "x.tif", photo, photometric="rgb", extrasamples=["unspecified"])
    picture = read_picture(tmp_path / "x.tif")
    assert np.array_equal(picture.pixels, photo[..., :3])
    assert picture.alpha is None
    assert picture.metadata.left_out == ("a channel that is no transparency",)
    Image.fromarray(photo[..., 0].astype(np.uint8)).convert("1").save(tmp_path / "y.tif", compression="group4")
    assert read_picture(tmp_path / "y.tif").metadata.left_out == ()
