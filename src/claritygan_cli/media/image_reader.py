"""Image files in."""

import io
import math
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from claritygan_cli.errors import ImageError
from claritygan_cli.media import exif, image16, png_chunks
from claritygan_cli.media.find import EXTRA_FORMATS, MAX_PIXELS, PHOTO_FORMATS
from claritygan_cli.media.metadata import Metadata, read_metadata, tiff_metadata
from claritygan_cli.media.picture import Compression, Picture
from claritygan_cli.media.tiff_tags import (
    Directory,
    Layout,
    alone,
    first_directory,
    has_unknown_types,
    is_tiff,
    layout_of,
    next_at,
    number,
    read_directory,
    read_place,
    without,
)

DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders, and Python's own modules below them, raise on damaged files."""
LYING = (5, 6, 7, 8)
"""EXIF orientations of pictures that are stored on their side."""
GREY_MODES = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L"})
EIGHT_BIT_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "La", "RGBa"})
REDUCED, MASK = 1, 4
"""Kinds of a TIFF's pages that are no pages of their own."""
SUBFILE_TYPE, OLD_SUBFILE_TYPE, OLD_REDUCED = 254, 255, 2
BAND_ROWS = 64
END_OF_SIZE = 24
"""Of width and height in a PNG."""
_OPENING = threading.Lock()


def read_bytes(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        ImageError: it is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error})") from error


def read_picture(
    path: Path, short_side: int | None = None, max_pixels: int = MAX_PIXELS, pages: bool = False
) -> Picture:
    """Read a photo file, see :func:`decode_picture`.

    Raises:
        ImageError: the file is missing or cannot be read, or as :func:`decode_picture`.
    """
    return decode_picture(read_bytes(path), str(path), short_side, max_pixels, pages)


def _open(data: bytes, max_pixels: int) -> Image.Image:
    """Pillow's picture of a file. Pillow's own bound on pixels, which is the process's, is set aside meanwhile."""
    with _OPENING:
        bound, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            image = Image.open(io.BytesIO(data))
        finally:
            Image.MAX_IMAGE_PIXELS = bound
    if image.width * image.height > max_pixels:
        raise ImageError(f"{image.width}x{image.height} are more than {max_pixels} pixels; see --max-pixels")
    return image


@contextmanager
def decoding(data: bytes, name: str) -> Iterator[None]:
    """Whatever decoders make of damaged bytes becomes an ImageError.

    Args:
        name: what to call the file in messages.

    Raises:
        ImageError: the bytes are none, no picture, too large a one, or damaged.
    """
    if not data:
        raise ImageError(f"{name}: the file is empty (0 bytes)")
    try:
        yield
    except UnidentifiedImageError as error:
        raise ImageError(f"{name}: {missing_decoder(name)}") from error
    except MemoryError as error:
        raise ImageError(f"{name}: does not fit in memory") from error
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error
    except DECODER_ERRORS as error:
        raise ImageError(f"{name}: damaged or truncated picture ({' '.join(str(error).split())})") from error


@contextmanager
def opened(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """A picture's file, opened.

    Args:
        max_pixels: a larger picture is an error.

    Raises:
        ImageError: as :func:`decoding`.
    """
    with decoding(data, name):
        register_extras()
        with _open(png_chunks.pixels_alone(data) if png_chunks.is_png(data) else data, max_pixels) as image:
            yield image


@cache
def register_extras() -> None:
    """Make Pillow know the formats of the packages that are installed."""
    with suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    with suppress(ImportError):
        import pillow_jxl  # noqa: F401 - registers itself


def missing_decoder(name: str) -> str:
    """Why a file that nothing here knows cannot be read."""
    Image.init()
    ending = Path(name).suffix.lower()
    if ending in EXTRA_FORMATS and PHOTO_FORMATS[ending] not in Image.OPEN:
        return f"needs a package for {ending}: pip install {EXTRA_FORMATS[ending]}"
    return "not a picture, or not of a kind that can be read"


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) of a photo as it is seen upright, from its header.

    Raises:
        ImageError: the file cannot be read.
    """
    data = read_bytes(path)
    with opened(data, str(path)) as image:
        width, height = image.size
        return (height, width) if _orientation(image, data) in LYING else (width, height)


def pixel_count(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> int:
    """How many pixels decoding will make, in all pages together, by the headers; those of 16 bits count twice.

    Args: as :func:`decode_picture`.

    Raises:
        ImageError: the bytes are none, no picture, or too large a one.
    """
    if is_tiff(data):
        with decoding(data, name):
            layout = layout_of(data)
            pages = _pages(data)
            return sum(_pixels_of(layout, page) * (1 + image16.has_16_bits(layout, page)) for page in pages)
    if png_chunks.is_png(data) and len(data) > END_OF_SIZE:  # opening it would look at all of its chunks, twice in all
        width, height = struct.unpack(">II", data[END_OF_SIZE - 8 : END_OF_SIZE])
        return int(width * height) * (1 + image16.is_png16(data))
    with opened(data, name, max_pixels) as image:
        return image.width * image.height


def read_map(path: Path) -> np.ndarray:
    """The samples of a depth map or a mask as they are stored, (H, W) or (H, W, C); palettes are not looked up.

    Raises:
        ImageError: the file cannot be read.
    """
    with opened(read_bytes(path), str(path)) as image:
        return np.array(image)


def decode_picture(
    data: bytes, name: str, short_side: int | None = None, max_pixels: int = MAX_PIXELS, pages: bool = False
) -> Picture:
    """A photo from the bytes of its file: upright, 8 or 16 bits, RGB, with what goes with it.

    CMYK and Lab pictures are converted to sRGB (by their profile where they carry one). Palettes become RGB.

    Args:
        name: what to call it in messages.
        short_side: pixels of the short side that are enough; JPEGs are then decoded at half, a quarter or an eighth of
            their size where that is no less.
        max_pixels: more, in all pages together, are an error.
        pages: whether a file of several pages is taken, and not an error.

    Raises:
        ImageError: the bytes are none, no picture, truncated, animated, or of a kind that is not supported.
    """
    if is_tiff(data):
        with decoding(data, name):
            layout, found = layout_of(data), _pages(data)
            if len(found) > 1 and not pages:
                raise ImageError("several pages; save them as single pictures first")
            if sum(_pixels_of(layout, page) for page in found) > max_pixels:
                raise ImageError(f"more than {max_pixels} pixels; see --max-pixels")
            first, *others = [_decode_page(data, layout, page) for page in found]
            return replace(first, pages=tuple(others))
    with opened(data, name, max_pixels) as image:
        if getattr(image, "n_frames", 1) > 1 and image.format not in ("MPO", "HEIF"):
            raise ImageError("an animation; save its frames as single pictures first")
        return _decode(image, data, short_side)


def _pages(data: bytes) -> list[Directory]:
    """The pages of a TIFF, less its overviews and masks."""
    layout = layout_of(data)
    at, seen, found = first_directory(data, layout), set[int](), list[Directory]()
    while at and at not in seen:
        seen.add(at)
        page = read_directory(data, layout, at)
        if has_unknown_types(data, layout, at):
            raise ImageError("damaged or truncated picture (a tag of no known type)")
        kind = number(layout, page, SUBFILE_TYPE) or 0
        reduced = kind & (REDUCED | MASK) or number(layout, page, OLD_SUBFILE_TYPE) == OLD_REDUCED
        if not reduced:
            found.append(page)
        at = read_place(data, layout, next_at(data, layout, at))
    if not found:
        raise ImageError("a TIFF without a page of its own")
    return found


def _pixels_of(layout: Layout, page: Directory) -> int:
    return (number(layout, page, exif.WIDTH) or 0) * (number(layout, page, exif.HEIGHT) or 0)


def _orientation(image: Image.Image, data: bytes) -> int:
    if is_tiff(data):
        return number(layout_of(data), _pages(data)[0], exif.ORIENTATION) or 1
    block = read_metadata(image, data).exif
    return exif.orientation_of(block) if block else 1


def _decode_page(data: bytes, layout: Layout, page: Directory) -> Picture:
    """A page of a TIFF, opened as if it were the only one."""
    metadata = tiff_metadata(layout, page)
    turned = number(layout, page, exif.ORIENTATION) or 1
    upright = without(page, frozenset({exif.ORIENTATION}))  # or Pillow turns it, and forgets how it was
    if image16.has_16_bits(layout, page):
        planes = image16.read_tiff(data, layout, upright, lambda lying: _open(lying, 2 * _pixels_of(layout, page)))
        grey = planes.shape[2] < 3
    else:
        single = alone(data, layout, upright)
        with _open(single, _pixels_of(layout, page)) as image:
            image.load()
            grey = image.mode in GREY_MODES
            planes, metadata = _planes(image, single, metadata)
    planes, metadata = _less_unknown_samples(planes, layout, page, metadata)
    return _picture(_upright(planes, turned), grey, metadata, Compression())


def _decode(image: Image.Image, data: bytes, short_side: int | None) -> Picture:
    """A picture that is no TIFF."""
    if short_side and image.format == "JPEG" and short_side < min(image.size):
        scale = short_side / min(image.size)
        image.draft("RGB", (math.ceil(image.width * scale), math.ceil(image.height * scale)))
    image.load()  # only now has Pillow read all that stands behind the pixels
    metadata = read_metadata(image, data)
    grey = image16.is_grey(data) if image16.is_png16(data) else image.mode in GREY_MODES
    planes, metadata = _planes(image, data, metadata)
    planes = _upright(planes, exif.orientation_of(metadata.exif) if metadata.exif else 1)
    if image.format == "BMP" and planes.ndim == 3 and planes.shape[2] == 4 and not planes[..., 3].any():
        planes = planes[..., :3]  # a channel that nobody has filled in
    return _picture(planes, grey, metadata, _compression(image, data))


def _picture(planes: np.ndarray, grey: bool, metadata: Metadata, compression: Compression) -> Picture:
    """Upright planes, (H, W) or (H, W, 1 to 4), and what goes with them."""
    height, width = planes.shape[:2]
    if planes.ndim == 2:
        planes = planes[..., None]
    colour, alpha = (planes[..., :-1], planes[..., -1]) if planes.shape[2] in (2, 4) else (planes, None)
    if colour.shape[2] == 1:
        colour = np.repeat(colour, 3, axis=2)
    return Picture(
        pixels=np.ascontiguousarray(colour),
        alpha=None if alpha is None else np.ascontiguousarray(alpha),
        grey=grey,
        metadata=metadata.upright((width, height)),
        compression=compression,
    )


def _less_unknown_samples(
    planes: np.ndarray, layout: Layout, page: Directory, metadata: Metadata
) -> tuple[np.ndarray, Metadata]:
    """The planes less a TIFF's further samples that are not said to be transparency; Pillow has left out its own."""
    samples, meaning, photometric = (
        number(layout, page, tag) or 0 for tag in (image16.SAMPLES, image16.EXTRA, image16.PHOTOMETRIC)
    )
    plain = photometric in (image16.WHITE_IS_ZERO, image16.BLACK_IS_ZERO, image16.RGB)
    if meaning or not plain or samples <= (3 if photometric == image16.RGB else 1):
        return planes, metadata
    if planes.ndim == 3 and planes.shape[2] in (2, 4):
        planes = planes[..., :-1]
    return planes, replace(metadata, left_out=(*metadata.left_out, "a channel that is no transparency"))


def _planes(image: Image.Image, data: bytes, metadata: Metadata) -> tuple[np.ndarray, Metadata]:
    """Pixels, (H, W) or (H, W, 2 to 4), of all but TIFFs of 16 bits; and the metadata that are still true."""
    if image16.is_png16(data):
        return image16.read_png(data, alpha=image.has_transparency_data), metadata
    if image.mode not in EIGHT_BIT_MODES:
        raise ImageError(f"pixels of kind {image.mode!r} are not supported; convert it to 8 or 16 bits a sample")
    if image.mode in ("CMYK", "LAB"):
        image, metadata = _to_srgb(image, metadata.icc), replace(metadata, icc=None)
    depth = image.info.get("bit_depth", 8) if image.format == "HEIF" else _bits_cut(data)
    if depth > 8:
        metadata = replace(metadata, left_out=(*metadata.left_out, f"{depth} bits a sample, cut to 8"))
    if image.mode in ("1", "L", "LA", "La"):
        return _array(image, "LA" if image.has_transparency_data else "L"), metadata
    return _array(image, "RGBA" if image.has_transparency_data else "RGB"), metadata


def _array(image: Image.Image, mode: str) -> np.ndarray:
    """The picture in a mode, in bands: Pillow makes an array of a whole one by three copies of it."""
    result = np.empty((image.height, image.width, len(mode)), np.uint8)
    for top in range(0, image.height, BAND_ROWS):
        band = image.crop((0, top, image.width, min(image.height, top + BAND_ROWS)))
        if band.mode != mode:
            band = band.convert(mode)
        result[top : top + BAND_ROWS] = np.asarray(band).reshape(band.height, band.width, len(mode))
    return result


def _bits_cut(data: bytes) -> int:
    """The depth of an AVIF that has more than 8 bits, which Pillow cuts; else 8."""
    at = data.find(b"av1C", 0, 4096)
    if data[4:8] != b"ftyp" or at < 0 or at + 7 > len(data) or not data[at + 6] & 0x40:
        return 8
    return 12 if data[at + 6] & 0x20 else 10


def _compression(image: Image.Image, data: bytes) -> Compression:
    if image.format in ("JPEG", "MPO"):
        from PIL import JpegImagePlugin

        tables = getattr(image, "quantization", {})
        return Compression(
            tuple(tuple(tables[key]) for key in sorted(tables)) or None,
            JpegImagePlugin.get_sampling(image),
            bool(image.info.get("progressive")),
        )
    return Compression(lossless=image.format == "WEBP" and b"VP8L" in _riff_kinds(data))


def _riff_kinds(data: bytes) -> set[bytes]:
    """Kinds of the chunks of a WebP file."""
    at, kinds = 12, set[bytes]()
    while at + 8 <= len(data):
        kinds.add(data[at : at + 4])
        (length,) = struct.unpack_from("<I", data, at + 4)
        at += 8 + length + length % 2
    return kinds


def _upright(planes: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror as EXIF orientation 1 to 8 says."""
    if orientation in LYING:
        planes = planes.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        planes = planes[:, ::-1]
    if orientation in (3, 4, 7, 8):
        planes = planes[::-1]
    return planes


def _to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """CMYK or Lab as sRGB, by the profile if it is a good one."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc) if icc else ImageCms.createProfile("LAB"))
        converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        converted = None
    return converted or image.convert("RGB")


def ending_of(data: bytes) -> str:
    """The file ending of a picture's format; ``.png`` where its format cannot be written."""
    with _open(data, MAX_PIXELS) as image:
        form = "JPEG" if image.format == "MPO" else image.format
        return next((ending for ending, known in PHOTO_FORMATS.items() if known == form), ".png")
