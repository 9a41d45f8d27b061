"""Image files out."""

import io
import os
import struct
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from claritygan_cli.atomic import written_whole
from claritygan_cli.errors import ImageError
from claritygan_cli.media import exif, jpeg_segments, photoshop, png_chunks
from claritygan_cli.media.find import EXTRA_FORMATS, PHOTO_FORMATS
from claritygan_cli.media.image_reader import register_extras
from claritygan_cli.media.metadata import Metadata, has_own_colours, png_metadata
from claritygan_cli.media.picture import Picture
from claritygan_cli.media.png_encoder import encode_png, is_encodable

DEFAULT_QUALITY = 95
"""Of JPEG and its like where the source's own is not known."""
LARGEST_TABLE_VALUE = 255
ICC_PARTS, ICC_PART = 255, 65519
"""Most segments of a JPEG's profile, and bytes in each."""
EXIF_ROOM = jpeg_segments.LONGEST - len(exif.PREFIX)
XMP_ROOM = jpeg_segments.LONGEST - len(b"http://ns.adobe.com/xap/1.0/\0")
DEFLATE = "zlib"


def encode_picture(picture: Picture, suffix: str, quality: int | None = None) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of a photo's file, and what could not be put into it, in words.

    16 bits are kept in PNG and TIFF and rounded to 8 elsewhere. JPEG holds no alpha: it is laid on white.

    Args:
        suffix: a key of :data:`PHOTO_FORMATS`.
        quality: of JPEG, WebP and their like, 1 to 100; None for the source's own, or :data:`DEFAULT_QUALITY`.

    Raises:
        ImageError: the format needs a package that is not installed.
    """
    form = PHOTO_FORMATS[suffix]
    picture, left_out = fitting(picture, form)
    encode = {"PNG": _png, "TIFF": _tiff, "JPEG": _jpeg, "BMP": _bmp}.get(form)
    if encode is None:
        return _by_pillow(picture, form, quality), left_out
    return encode(picture, quality), left_out


def fitting(picture: Picture, form: str) -> tuple[Picture, tuple[str, ...]]:
    """The picture with no more than a format can hold, and what it lost, in words."""
    metadata, left_out = picture.metadata, list(picture.metadata.left_out)
    if form not in ("PNG", "TIFF"):
        if picture.pixels.dtype == np.uint16:
            left_out.append(f"16 bits a sample ({form} holds 8)")
        picture = picture.at_8_bits()
    if form == "JPEG" and picture.alpha is not None:
        left_out.append("transparency, laid on white (JPEG holds none)")
        picture = laid_on_white(picture)
    if form != "TIFF":
        if picture.pages:
            left_out.append(f"{len(picture.pages)} further page{'s' * (len(picture.pages) > 1)} ({form} holds one)")
            picture = replace(picture, pages=())
        if metadata.exif and (block := exif.without_geography(metadata.exif)):
            left_out.append(f"GeoTIFF's tags ({form} holds none)")
            metadata = replace(metadata, exif=block)
    if form not in ("JPEG", "TIFF") and metadata.photoshop:
        kind = "IPTC" if photoshop.iptc_of(metadata.photoshop) else "Photoshop's resources"
        left_out.append(f"{kind} ({form} holds none)")
        metadata = replace(metadata, photoshop=None)
    if form != "PNG":
        if has_own_colours(metadata):
            kinds = ", ".join(kind.decode() for kind, _ in metadata.colours)
            left_out.append(f"what the chunks {kinds} say of the colours ({form} holds none)")
        if metadata.texts:
            left_out.append(f"texts ({form} holds none)")
        metadata = replace(metadata, colours=(), texts=())
    if form == "BMP" and (metadata.exif or metadata.xmp or metadata.icc):
        left_out.append("profile, EXIF and XMP (BMP holds none)")
        metadata = Metadata(dpi=metadata.dpi)
    if form not in ("PNG", "TIFF", "JPEG", "BMP") and metadata.icc and metadata.icc[16:20] == b"GRAY":
        left_out.append(f"the profile of grey ({form} has colour alone)")
        metadata = replace(metadata, icc=None)
    if form == "JPEG":
        metadata = _cut_down(metadata, left_out)
    return replace(picture, metadata=metadata), tuple(left_out)


def laid_on_white(picture: Picture) -> Picture:
    """An 8-bit picture without alpha."""
    if picture.alpha is None:
        return picture
    share = picture.alpha[..., None].astype(np.float32) / 255
    white = picture.pixels * share + 255 * (1 - share)
    return replace(picture, pixels=white.round().astype(np.uint8), alpha=None)


def _cut_down(metadata: Metadata, left_out: list[str]) -> Metadata:
    """No blocks that are too large for a JPEG."""
    if metadata.exif and len(metadata.exif) > EXIF_ROOM:
        block: bytes | None = exif.without_maker_note(metadata.exif)
        if block and len(block) <= EXIF_ROOM:
            left_out.append("the maker's note in EXIF (too large for JPEG)")
        else:
            left_out.append("EXIF (too large for JPEG)")
            block = None
        metadata = replace(metadata, exif=block)
    if metadata.xmp and len(metadata.xmp) > XMP_ROOM:
        left_out.append("XMP (too large for JPEG)")
        metadata = replace(metadata, xmp=None)
    if metadata.icc and len(metadata.icc) > ICC_PARTS * ICC_PART:
        left_out.append("the colour profile (too large for JPEG)")
        metadata = replace(metadata, icc=None)
    return metadata


def _saved(planes: np.ndarray, form: str, **options: Any) -> bytes:
    """Encoded by Pillow, which lets other threads run meanwhile only where it writes to a real file."""
    with tempfile.TemporaryFile() as file:
        Image.fromarray(planes).save(file, format=form, **options)
        file.seek(0)
        return file.read()


def _blocks(metadata: Metadata) -> dict[str, Any]:
    """What Pillow's writers take of the metadata."""
    block = None if metadata.exif is None else exif.PREFIX + metadata.exif
    found = {"icc_profile": metadata.icc, "exif": block, "xmp": metadata.xmp}
    return {name: content for name, content in found.items() if content}


def _png(picture: Picture, _quality: int | None) -> bytes:
    planes = picture.planes()
    data = encode_png(planes) if planes.dtype == np.uint16 or is_encodable(planes) else _saved(planes, "PNG")
    return png_chunks.with_chunks(data, png_metadata(picture.metadata))


def _jpeg(picture: Picture, quality: int | None) -> bytes:
    metadata, compression = picture.metadata, picture.compression
    options: dict[str, Any] = {"optimize": True}
    tables = compression.tables
    if quality is None and tables and max(max(table) for table in tables) <= LARGEST_TABLE_VALUE:
        options |= {"qtables": tables, "progressive": compression.progressive}
        if compression.subsampling >= 0 and not picture.grey:
            options["subsampling"] = compression.subsampling
    else:
        quality = quality or DEFAULT_QUALITY
        options |= {"quality": quality, "subsampling": 0 if quality >= 90 else 2}
    options |= _blocks(metadata)
    options |= {"comment": metadata.comment} if metadata.comment else {}
    options |= {"dpi": metadata.dpi} if metadata.dpi else {}
    data = _saved(picture.planes(), "JPEG", **options)
    if metadata.photoshop:
        data = jpeg_segments.with_segments(data, jpeg_segments.photoshop_segments(metadata.photoshop))
    return data


def _by_pillow(picture: Picture, form: str, quality: int | None) -> bytes:
    """WebP, AVIF, HEIF, JPEG XL."""
    register_extras()
    Image.init()
    if form not in Image.SAVE:
        needed = next(package for ending, package in EXTRA_FORMATS.items() if PHOTO_FORMATS[ending] == form)
        raise ImageError(f"needs a package for {form}: pip install {needed}")
    metadata = picture.metadata
    options: dict[str, Any] = {"quality": quality or DEFAULT_QUALITY}
    if form == "WEBP":
        options |= {"exact": True, "lossless": quality is None and picture.compression.lossless}
    block = metadata.exif
    if block and form == "AVIF":  # or Pillow writes all of the block anew, to take the orientation out of it
        block = exif.with_hidden_orientation(block)
    options |= _blocks(replace(metadata, exif=block))
    data = _saved(picture.planes(), form, **options)
    return data if block is None or metadata.exif is None else data.replace(block, metadata.exif, 1)


def _bmp(picture: Picture, _quality: int | None) -> bytes:
    """By Pillow; with alpha, which Pillow writes in a way that few read, with a header of version 5."""
    dpi = picture.metadata.dpi or (0.0, 0.0)
    if picture.alpha is None:
        return _saved(picture.planes(), "BMP", dpi=dpi)
    height, width = picture.alpha.shape
    rows = np.dstack([picture.pixels[..., ::-1], picture.alpha])[::-1].tobytes()
    per_metre = [round(value / 0.0254) for value in dpi]
    offset, masks = 14 + 124, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<2sIII", b"BM", offset + len(rows), 0, offset)
    header += struct.pack("<IiiHHIIiiII", 124, width, height, 1, 32, 3, len(rows), *per_metre, 0, 0)
    return header + struct.pack("<4I4s48xI12x", *masks, b"BGRs", 4) + rows


def _tiff(picture: Picture, _quality: int | None) -> bytes:
    """Compressed without loss; one page for each of the picture's."""
    import imageio.v3 as iio

    file = io.BytesIO()
    target: Any = iio.imopen(file, "w", plugin="tifffile", extension=".tiff")
    with target:
        for page in (picture, *picture.pages):
            planes, dpi = page.planes(), page.metadata.dpi
            channels = 1 if planes.ndim == 2 else planes.shape[2]
            target.write(
                planes,
                compression=DEFLATE,
                photometric="minisblack" if channels < 3 else "rgb",
                extrasamples=["unassalpha"] if channels in (2, 4) else None,
                iccprofile=page.metadata.icc,
                resolution=dpi,
                resolutionunit="INCH" if dpi else None,
                metadata=None,
                contiguous=False,
                software=False,
            )
    metadata = picture.metadata
    more = {exif.XMP: metadata.xmp, exif.PHOTOSHOP: metadata.photoshop}
    more[exif.IPTC] = photoshop.iptc_of(metadata.photoshop) if metadata.photoshop else None
    blocks = {number: content for number, content in more.items() if content}
    return exif.into_tiff(file.getvalue(), metadata.exif, blocks) if blocks or metadata.exif else file.getvalue()


def save_picture(path: Path, picture: Picture, quality: int | None = None) -> tuple[str, ...]:
    """Write a photo file, whole or not at all; says what could not be put into it, see :func:`encode_picture`.

    Raises:
        ImageError: it cannot be written.
    """
    try:
        data, left_out = encode_picture(picture, path.suffix.lower(), quality)
        with written_whole(path) as file:
            file.write(data)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    except OSError as error:
        raise ImageError(f"{path}: cannot be written ({error.strerror or error})") from error
    return left_out


def keep_times(source: Path, target: Path) -> None:
    """Give a file the times of another one."""
    known = source.stat()
    os.utime(target, ns=(known.st_atime_ns, known.st_mtime_ns))
