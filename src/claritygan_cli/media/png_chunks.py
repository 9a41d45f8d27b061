"""The chunks that a PNG file is made of (PNG specification, third edition, section 5.3)."""

import struct
import zlib
from collections.abc import Iterable, Iterator

from claritygan_cli.errors import ImageError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
DECODED = frozenset({b"tRNS", b"acTL"})
"""Chunks that are not critical and that decoders need all the same: transparency, number of frames."""
AFTER_HEADER = len(SIGNATURE) + 25


def is_png(data: bytes) -> bool:
    """Whether bytes begin as a PNG does."""
    return data.startswith(SIGNATURE)


def is_critical(kind: bytes) -> bool:
    """Whether a picture cannot be shown without chunks of this kind."""
    return not kind[0] & 0x20


def chunks(data: bytes, check: bool = True) -> Iterator[tuple[bytes, memoryview, memoryview]]:
    """(kind, content, the whole chunk) of each chunk, in order; decoders differ in what they check, so all is.

    Args:
        check: whether to see that checksums are right; needs no doing twice.

    Raises:
        ImageError: a checksum is wrong, or the file ends too early.
    """
    at, view = len(SIGNATURE), memoryview(data)
    while at + 12 <= len(data):
        (length,), kind = struct.unpack_from(">I", data, at), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            break
        if check and zlib.crc32(view[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise ImageError(f"damaged or truncated picture (checksum of {kind.decode('ascii', 'replace')!r})")
        yield kind, view[at + 8 : end - 4], view[at:end]
        if kind == b"IEND":
            return
        at = end
    raise ImageError("damaged or truncated picture (it has no end)")


def pixels_alone(data: bytes) -> bytes:
    """The file with no more than decoders need: however large its texts and profiles are, nothing can be made of them.

    Raises:
        ImageError: as :func:`chunks`.
    """
    kept = [whole for kind, _, whole in chunks(data) if is_critical(kind) or kind in DECODED]
    return b"".join([SIGNATURE, *kept])


def chunk(kind: bytes, content: bytes) -> bytes:
    """Length, kind, content, checksum."""
    return b"".join(
        [struct.pack(">I", len(content)), kind, content, struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))]
    )


def with_chunks(data: bytes, more: Iterable[bytes]) -> bytes:
    """A PNG with chunks put behind its header."""
    return b"".join([data[:AFTER_HEADER], *more, memoryview(data)[AFTER_HEADER:]])


def inflated(content: bytes | memoryview, most: int) -> bytes:
    """Compressed content.

    Raises:
        ValueError: it is damaged, or would have more than ``most`` bytes.
    """
    decoder = zlib.decompressobj()
    try:
        found = decoder.decompress(content, most)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not decoder.eof:
        raise ValueError("too large, or damaged")
    return found
