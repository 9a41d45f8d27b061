"""Image files in and out."""

import io
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from claritygan_cli.atomic import written_whole
from claritygan_cli.errors import ImageError
from claritygan_cli.media import image16
from claritygan_cli.media.find import PHOTO_FORMATS
from claritygan_cli.media.picture import Picture

DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    EOFError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders, and Python's own modules below them, raise on damaged files."""
ORIENTATION_TAG = 0x0112
LYING = (5, 6, 7, 8)
"""EXIF orientations of pictures that are stored on their side."""
BITS_TAG, PHOTOMETRIC_TAG, PLANAR_TAG, EXTRA_TAG = 258, 262, 284, 338
WHITE_IS_ZERO, SEPARATE_PLANES, PREMULTIPLIED = 0, 2, 1
KEPT_TAGS = {270, 271, 272, 305, 306, 315, 33432}
"""Description, make, model, software, date, artist, copyright."""
KEPT_BLOCKS = (0x8769, 0x8825)
"""Camera settings (EXIF) and GPS."""
DEFAULT_QUALITY = 95
TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How EXIF orientations are undone."""
GREY_MODES = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L"})
EIGHT_BIT_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "La", "RGBa"})


def read_bytes(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        ImageError: it is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error})") from error


def read_picture(path: Path, short_side: int | None = None) -> Picture:
    """Read a photo file, see :func:`decode_picture`.

    Raises:
        ImageError: the file is missing or cannot be read, or as :func:`decode_picture`.
    """
    return decode_picture(read_bytes(path), str(path), short_side)


@contextmanager
def opened(data: bytes, name: str) -> Iterator[Image.Image]:
    """A picture's file, opened; whatever decoders make of damaged bytes becomes an ImageError.

    Args:
        name: what to call it in messages.

    Raises:
        ImageError: the bytes are none, no picture, too large a one, or damaged.
    """
    if not data:
        raise ImageError(f"{name}: the file is empty (0 bytes)")
    try:
        with Image.open(io.BytesIO(data)) as image:
            yield image
    except UnidentifiedImageError as error:
        raise ImageError(f"{name}: not a picture, or not of a kind that can be read") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: too many pixels ({error}); cut it up first") from error
    except MemoryError as error:
        raise ImageError(f"{name}: does not fit in memory") from error
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error
    except DECODER_ERRORS as error:
        raise ImageError(f"{name}: damaged or truncated picture ({' '.join(str(error).split())})") from error


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) of a photo as it is seen upright, from its header.

    Raises:
        ImageError: the file cannot be read.
    """
    with opened(read_bytes(path), str(path)) as image:
        width, height = image.size
        lies = _exif_before_loading(image).get(ORIENTATION_TAG, 1) in LYING
        return (height, width) if lies else (width, height)


def read_map(path: Path) -> np.ndarray:
    """The samples of a depth map or a mask as they are stored, (H, W) or (H, W, C); palettes are not looked up.

    Raises:
        ImageError: the file cannot be read.
    """
    data = read_bytes(path)
    with opened(data, str(path)) as image:
        image16.check_png(data)
        return np.array(image)


def decode_picture(data: bytes, name: str, short_side: int | None = None) -> Picture:
    """A photo from the bytes of its file: upright, 8 or 16 bits, RGB, with what goes with it.

    CMYK and Lab pictures are converted to sRGB (by their profile where they carry one). Palettes become RGB.

    Args:
        name: what to call it in messages.
        short_side: pixels of the short side that are enough; JPEGs are then decoded at half, a quarter or an eighth of
            their size where that is no less.

    Raises:
        ImageError: the bytes are none, no picture, truncated, animated, or of a kind that is not supported.
    """
    with opened(data, name) as image:
        return _decode(image, data, short_side)


def ending_of(data: bytes) -> str:
    """The file ending of a picture's format; ``.png`` where its format cannot be written."""
    with Image.open(io.BytesIO(data)) as image:
        return next((ending for ending, form in PHOTO_FORMATS.items() if form == image.format), ".png")


def _exif_before_loading(image: Image.Image) -> Image.Exif:
    """The EXIF block as far as it is there before the pixels are decoded, which ``getexif()`` does for PNG."""
    if image.format != "PNG":
        return _exif_of(image)
    exif = Image.Exif()
    with suppress(*DECODER_ERRORS):
        exif.load(image.info.get("exif", b""))
    return exif


def _decode(image: Image.Image, data: bytes, short_side: int | None) -> Picture:
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        raise ImageError("an animation or a picture of several pages; save its frames as single pictures first")
    image16.check_png(data)
    if short_side and image.format == "JPEG" and short_side < min(image.size):
        scale = short_side / min(image.size)
        image.draft("RGB", (math.ceil(image.width * scale), math.ceil(image.height * scale)))
    if image.format != "TIFF":
        image.load()  # first: what goes wrong here must not be taken for a fault of the EXIF block
    exif = _exif_of(image)
    orientation = exif.get(ORIENTATION_TAG, 1)
    image.load()  # loading a TIFF turns it, and forgets how it was
    icc, grey = image.info.get("icc_profile") or None, image.mode in GREY_MODES
    planes = _planes16(image, data)
    if planes is not None:
        turned = image.format == "TIFF" and image.mode.startswith("I;16")
        planes = planes if turned else _upright(planes, orientation)
    else:
        if image.mode not in EIGHT_BIT_MODES:
            raise ImageError(f"pixels of kind {image.mode!r} are not supported; convert it to 8 or 16 bits a sample")
        image = image if image.format == "TIFF" else _turned(image, orientation)
        if image.mode in ("CMYK", "LAB"):
            image, icc = _to_srgb(image, icc), None
        planes = np.array(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    if planes.ndim == 2:
        planes = planes[..., None]
    colour, alpha = (planes[..., :-1], planes[..., -1]) if planes.shape[2] in (2, 4) else (planes, None)
    if colour.shape[2] == 1:
        colour = np.repeat(colour, 3, axis=2)
    return Picture(
        pixels=np.ascontiguousarray(colour),
        alpha=None if alpha is None else np.ascontiguousarray(alpha),
        grey=grey,
        icc=icc,
        exif=_kept_exif(exif),
        dpi=_resolution(image.info.get("dpi")),
    )


def _planes16(image: Image.Image, data: bytes) -> np.ndarray | None:
    """The pixels of a 16-bit picture; None where the picture has 8 bits."""
    if image.format == "PNG" and image16.is_png16(data):
        return image16.read_png(data, alpha=image.has_transparency_data)
    if image.format == "TIFF" and image.mode not in EIGHT_BIT_MODES | {"I;16", "I;16B", "I;16L"}:
        return None
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        bits = set(tags.get(BITS_TAG, (1,)))
        if max(bits) <= 8 or image.mode in ("CMYK", "LAB"):
            return None
        if bits != {16} or tags.get(PHOTOMETRIC_TAG) == WHITE_IS_ZERO or PREMULTIPLIED in tags.get(EXTRA_TAG, ()):
            raise ImageError("an unusual TIFF; save it as plain 16-bit RGB or grey, without premultiplied alpha")
        if image.mode.startswith("I;16"):
            return np.array(image).astype(np.uint16)
        planes = image16.read_tiff(data, planar=tags.get(PLANAR_TAG) == SEPARATE_PLANES)
        return planes if image.mode == "RGBA" else planes[..., :3]
    return np.array(image).astype(np.uint16) if image.mode.startswith("I;16") else None


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    """The picture upright; a palette and its transparency stay as they are."""
    method = TRANSPOSITIONS.get(orientation)
    return image if method is None else image.transpose(method)


def _exif_of(image: Image.Image) -> Image.Exif:
    """The EXIF block; empty where it is damaged, since the picture itself may be good."""
    try:
        return image.getexif()
    except DECODER_ERRORS:
        return Image.Exif()


def _resolution(dpi: Any) -> tuple[float, float] | None:
    """Dots per inch, where they are numbers above zero."""
    try:
        x, y = float(dpi[0]), float(dpi[1])
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        return None
    return (x, y) if 0 < x < math.inf and 0 < y < math.inf else None


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


def _kept_exif(exif: Image.Exif) -> bytes | None:
    """What EXIF says of the photo and not of its file: no orientation, size, layout or thumbnail."""
    kept = Image.Exif()
    try:
        for tag in KEPT_TAGS & set(exif):
            kept[tag] = exif[tag]
        for block in KEPT_BLOCKS:
            content = exif.get_ifd(block)
            if content:
                kept[block] = dict(content)
        return kept.tobytes() if len(kept) else None
    except DECODER_ERRORS:  # a damaged block is left out
        return None


def write_picture(target: IO[bytes], picture: Picture, suffix: str, quality: int = DEFAULT_QUALITY) -> None:
    """Write a photo to an open binary file.

    16 bits are kept in PNG and TIFF and rounded to 8 elsewhere. JPEG and BMP hold no alpha: it is laid on white.

    Args:
        suffix: a key of :data:`PHOTO_FORMATS`.
        quality: of JPEG and WebP, 1 to 100.
    """
    form = PHOTO_FORMATS[suffix]
    if form in ("PNG", "TIFF") and picture.pixels.dtype == np.uint16:
        if form == "PNG":
            image16.write_png(target, picture.planes(), picture.icc, picture.exif)
        else:
            image16.write_tiff(target, picture.planes(), picture.icc)
        return
    picture = picture.at_8_bits()
    if form in ("JPEG", "BMP") and picture.alpha is not None:
        share = picture.alpha[..., None].astype(np.float32) / 255
        white = picture.pixels * share + 255 * (1 - share)
        picture = replace(picture, pixels=white.round().astype(np.uint8), alpha=None)
    of_format: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": quality, "subsampling": 0 if quality >= 90 else 2, "optimize": True},
        "WEBP": {"quality": quality, "exact": True},
        "TIFF": {} if has_blocks(picture.exif) else {"compression": "tiff_adobe_deflate"},
    }
    options = of_format.get(form, {})
    if form != "BMP":
        options |= {"icc_profile": picture.icc} if picture.icc else {}
        options |= {"exif": picture.exif} if picture.exif else {}
    if picture.dpi and form != "WEBP":
        options["dpi"] = picture.dpi
    Image.fromarray(picture.planes()).save(target, format=form, **options)


def has_blocks(exif: bytes | None) -> bool:
    """Whether EXIF holds camera settings or GPS, which Pillow can write into an uncompressed TIFF only."""
    parsed = Image.Exif()
    parsed.load(exif or b"")
    return any(parsed.get_ifd(block) for block in KEPT_BLOCKS)


def save_picture(path: Path, picture: Picture, quality: int = DEFAULT_QUALITY) -> None:
    """Write a photo file, whole or not at all.

    Raises:
        ImageError: it cannot be written.
    """
    try:
        with written_whole(path) as file:
            write_picture(file, picture, path.suffix.lower(), quality)
    except OSError as error:
        raise ImageError(f"{path}: cannot be written ({error.strerror or error})") from error
