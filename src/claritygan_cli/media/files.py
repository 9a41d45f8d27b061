"""Image files in and out."""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from claritygan_cli.errors import ImageError
from claritygan_cli.media import deep
from claritygan_cli.media.picture import Picture

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
"""File endings that can be written, with Pillow's name of the format."""
READABLE = frozenset(FORMATS) | {".gif"}
ORIENTATION_TAG = 0x0112
TIFF_BITS_TAG = 258
DEFAULT_QUALITY = 95
EIGHT_BIT_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "La", "RGBa"})


def read_picture(path: Path) -> Picture:
    """Read a photo file, see :func:`decode_picture`.

    Raises:
        ImageError: the file is missing or cannot be read, or as :func:`decode_picture`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error})") from error
    return decode_picture(data, str(path))


def decode_picture(data: bytes, name: str) -> Picture:
    """A photo from the bytes of its file: upright, 8 or 16 bits, RGB, with what goes with it.

    CMYK and Lab pictures are converted to sRGB (by their profile where they carry one). Palettes become RGB.

    Args:
        name: what to call it in messages.

    Raises:
        ImageError: the bytes are none, no picture, truncated, animated, or of a kind that is not supported.
    """
    if not data:
        raise ImageError(f"{name}: the file is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of damaged metadata, and of large pictures
            with Image.open(io.BytesIO(data)) as image:
                return _decode(image, data)
    except UnidentifiedImageError as error:
        raise ImageError(f"{name}: not a picture, whatever its name says") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: too many pixels ({error}); cut it up first") from error
    except MemoryError as error:
        raise ImageError(f"{name}: does not fit in memory") from error
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error
    except Exception as error:  # decoders raise whatever they like on damaged files
        raise ImageError(f"{name}: damaged or truncated picture ({' '.join(str(error).split())})") from error


def _decode(image: Image.Image, data: bytes) -> Picture:
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        raise ImageError("an animation or a picture of several pages; save its frames as single pictures first")
    image.load()
    icc, exif = image.info.get("icc_profile") or None, image.getexif()
    orientation = exif.get(ORIENTATION_TAG, 1)
    dpi = image.info.get("dpi")
    planes = _deep_planes(image, data)
    if planes is not None:
        grey = planes.ndim == 2 or planes.shape[2] < 3 or image.mode in ("L", "LA")
        planes = _upright(planes, orientation)
    else:
        if image.mode not in EIGHT_BIT_MODES:
            raise ImageError(f"pixels of kind {image.mode!r} are not supported; convert it to 8 or 16 bits a sample")
        image = ImageOps.exif_transpose(image)
        grey = image.mode in ("1", "L", "LA", "La")
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
        exif=_exif_without_orientation(exif),
        dpi=(float(dpi[0]), float(dpi[1])) if dpi else None,
    )


def _deep_planes(image: Image.Image, data: bytes) -> np.ndarray | None:
    """The pixels of a 16-bit picture, not yet upright; None where the picture has 8 bits."""
    if image.mode.startswith("I;16"):
        return np.array(image).astype(np.uint16)
    if image.format == "PNG" and deep.is_deep_png(data):
        return deep.read_png(data, alpha=image.has_transparency_data)
    if image.format == "TIFF" and set(image.tag_v2.get(TIFF_BITS_TAG, (8,))) == {16}:  # type: ignore[attr-defined]
        return deep.read_tiff(data)
    return None


def _upright(planes: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror as EXIF orientation 1 to 8 says."""
    if orientation in (5, 6, 7, 8):
        planes = planes.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        planes = planes[:, ::-1]
    if orientation in (3, 4, 7, 8):
        planes = planes[::-1]
    return planes


def _to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    if icc is None and image.mode == "CMYK":
        return image.convert("RGB")
    lab = ImageCms.createProfile("LAB")
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc)) if icc else ImageCms.ImageCmsProfile(lab)
    converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    if converted is None:
        raise ImageError("its colour profile cannot be applied; convert it to RGB first")
    return converted


def _exif_without_orientation(exif: Image.Exif) -> bytes | None:
    exif.pop(ORIENTATION_TAG, None)
    return exif.tobytes() if len(exif) else None


def write_picture(target: IO[bytes], picture: Picture, suffix: str, quality: int = DEFAULT_QUALITY) -> None:
    """Write a photo to an open binary file.

    16 bits are kept in PNG and TIFF and rounded to 8 elsewhere. JPEG and BMP hold no alpha: it is laid on white.

    Args:
        suffix: a key of :data:`FORMATS`.
        quality: of JPEG and WebP, 1 to 100.
    """
    form = FORMATS[suffix]
    if form in ("PNG", "TIFF") and picture.pixels.dtype == np.uint16:
        if form == "PNG":
            deep.write_png(target, picture.planes(), picture.icc, picture.exif)
        else:
            deep.write_tiff(target, picture.planes(), picture.icc)
        return
    picture = picture.at_8_bits()
    if form in ("JPEG", "BMP") and picture.alpha is not None:
        share = picture.alpha[..., None].astype(np.float32) / 255
        white = picture.pixels * share + 255 * (1 - share)
        picture = replace(picture, pixels=white.round().astype(np.uint8), alpha=None)
    of_format: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": quality, "subsampling": 0 if quality >= 90 else 2, "optimize": True},
        "WEBP": {"quality": quality, "exact": True},
        "TIFF": {"compression": "tiff_adobe_deflate"},
    }
    options = of_format.get(form, {})
    if form != "BMP":
        options |= {"icc_profile": picture.icc} if picture.icc else {}
        options |= {"exif": picture.exif} if picture.exif else {}
    if picture.dpi and form != "WEBP":
        options["dpi"] = picture.dpi
    Image.fromarray(picture.planes()).save(target, format=form, **options)


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """An open file that becomes ``path`` when all went well, and leaves nothing otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            yield file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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
