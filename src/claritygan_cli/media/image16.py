"""Pictures of 16 bits a sample, which Pillow would silently cut to 8: PNG by PyAV, TIFF by imageio and tifffile."""

import io
import struct
import zlib
from fractions import Fraction
from typing import IO

import numpy as np

from claritygan_cli.errors import ImageError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_FORMATS = {1: "gray16be", 2: "rgba64be", 3: "rgb48be", 4: "rgba64be"}
ADOBE_DEFLATE = "zlib"


def is_png16(data: bytes) -> bool:
    """Whether a file's bytes are a PNG of 16 bits a sample (its IHDR says so)."""
    return len(data) > 24 and data.startswith(PNG_SIGNATURE) and data[24] == 16


def check_png(data: bytes) -> None:
    """See that a PNG is as it was written: every critical chunk whole, and the last one there. Other files pass.

    Decoders differ in what they check, and may hand out half a picture.

    Raises:
        ImageError: a checksum is wrong, or the file ends too early.
    """
    if not data.startswith(PNG_SIGNATURE):
        return
    at, view = len(PNG_SIGNATURE), memoryview(data)
    while at + 12 <= len(data):
        (length,), kind = struct.unpack_from(">I", data, at), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            break
        critical = not kind[0] & 0x20
        if critical and zlib.crc32(view[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise ImageError(f"damaged or truncated picture (checksum of {kind.decode('ascii', 'replace')!r})")
        if kind == b"IEND":
            return
        at = end
    raise ImageError("damaged or truncated picture (it has no end)")


def read_png(data: bytes, alpha: bool) -> np.ndarray:
    """(H, W, 3), or (H, W, 4) with ``alpha``, uint16.

    Raises:
        ImageError: the file is damaged.
    """
    import av  # slow to load, and training on bare machines goes without it

    try:
        with av.open(io.BytesIO(data), "r") as container:
            frame = next(container.decode(video=0))
            return frame.to_ndarray(format="rgba64be" if alpha else "rgb48be").astype(np.uint16)
    except (av.error.FFmpegError, StopIteration) as error:
        raise ImageError(f"damaged or truncated picture ({error})") from error


def write_png(file: IO[bytes], planes: np.ndarray, icc: bytes | None, exif: bytes | None) -> None:
    """Write (H, W) or (H, W, 2 to 4) uint16; grey with alpha is written as colour with alpha."""
    import av

    channels = 1 if planes.ndim == 2 else planes.shape[2]
    if channels == 2:
        planes = np.concatenate([planes[..., :1]] * 3 + [planes[..., 1:]], axis=2)
    name = PNG_FORMATS[channels]
    encoder = av.CodecContext.create("png", "w")
    encoder.height, encoder.width = planes.shape[:2]
    encoder.pix_fmt, encoder.time_base = name, Fraction(1)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(planes), format=name)
    data = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    after_header = len(PNG_SIGNATURE) + 25
    file.write(data[:after_header])
    if icc is not None:
        file.write(png_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    if exif is not None:
        file.write(png_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")))
    file.write(data[after_header:])


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Length, type, data, CRC (PNG specification, section 5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def read_tiff(data: bytes, planar: bool) -> np.ndarray:
    """The first page, (H, W, C) uint16.

    Args:
        planar: whether the file holds one plane after the other.

    Raises:
        ImageError: its compression is not understood.
    """
    import imageio.v3 as iio

    try:
        planes = np.asarray(iio.imread(data, plugin="tifffile", extension=".tiff", index=0))
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        raise ImageError("16-bit colour TIFF of this compression cannot be read; save it with Deflate (ZIP)") from error
    return np.moveaxis(planes, 0, -1) if planar else planes


def write_tiff(file: IO[bytes], planes: np.ndarray, icc: bytes | None) -> None:
    """Write (H, W) or (H, W, 2 to 4) uint16, compressed without loss."""
    import imageio.v3 as iio

    channels = 1 if planes.ndim == 2 else planes.shape[2]
    data = iio.imwrite(
        "<bytes>",
        planes,
        plugin="tifffile",
        extension=".tiff",
        compression=ADOBE_DEFLATE,
        photometric="minisblack" if channels < 3 else "rgb",
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        iccprofile=icc,
        metadata=None,
    )
    file.write(data)
