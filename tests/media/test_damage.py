"""No damaged picture passes as whole: mutated files against independent decoders."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from claritygan_cli.errors import ImageError
from claritygan_cli.media.image_reader import decode_picture

KINDS: dict[str, dict[str, object]] = {
    "PNG": {},
    "JPEG": {"quality": 90},
    "TIFF": {"compression": "tiff_adobe_deflate"},
    "WEBP": {"lossless": True},
    "GIF": {},
    "BMP": {},
}
MUTATIONS = 50


def encoded(photo: np.ndarray, kind: str) -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 1
    extra = {"exif": exif} if kind in ("PNG", "JPEG", "TIFF", "WEBP") else {}
    Image.fromarray(photo[:60, :80]).save(file, kind, **KINDS[kind], **extra)
    return file.getvalue()


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    changed = bytearray(data)
    choice = random.integers(3)
    if choice == 0:
        changed[random.integers(len(changed))] ^= 1 << random.integers(8)
    elif choice == 1:
        del changed[random.integers(len(changed)) :]
    else:
        start = random.integers(len(changed))
        changed[start : start + 16] = random.bytes(16)
    return bytes(changed)


def is_rejected(data: bytes) -> bool:
    """Whether Pillow, asked for the pixels alone, or the PNG format's own checksums say that the file is damaged."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except Exception:
        return True
    return data.startswith(b"\x89PNG") and not has_good_checksums(data)


def has_good_checksums(data: bytes) -> bool:
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunk, end = data[at + 4 : at + 8 + length], at + 12 + length
        if end > len(data):
            return False
        if not chunk[0] & 32 and zlib.crc32(chunk) != struct.unpack_from(">I", data, end - 4)[0]:
            return False
        if chunk[:4] == b"IEND":
            return True
        at = end
    return False


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
@pytest.mark.filterwarnings("ignore:.*:UserWarning:PIL")
@pytest.mark.parametrize("kind", KINDS)
def test_mutated_files_are_refused_or_good(photo: np.ndarray, kind: str) -> None:
    random, data, refused = np.random.default_rng(7), encoded(photo, kind), 0
    for _ in range(MUTATIONS):
        damaged = mutated(data, random)
        try:
            decode_picture(damaged, "x")
        except ImageError:
            refused += 1
        else:
            assert not is_rejected(damaged)
    assert refused > 5


def test_one_flipped_bit_of_a_png_is_noticed(photo: np.ndarray) -> None:
    data = encoded(photo, "PNG")
    start = data.index(b"IDAT") + 4
    decode_picture(data, "x")
    for at in range(start, len(data) - 16, max(1, (len(data) - start) // 60)):
        damaged = bytearray(data)
        damaged[at] ^= 1
        with pytest.raises(ImageError, match="damaged or truncated"):
            decode_picture(bytes(damaged), "x")
