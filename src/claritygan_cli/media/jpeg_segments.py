"""The segments before a JPEG's pixels (ITU-T T.81, annex B), as far as Pillow does not read or write them."""

import struct
from collections.abc import Iterable, Iterator

START, END = b"\xff\xd8", 0xD9
SCAN = 0xDA
LONGEST = 0xFFFF - 2
"""Bytes that a segment can hold."""
APP = 0xE0
"""Marker of the first of sixteen kinds of segments that are the programs' own."""
PHOTOSHOP = b"Photoshop 3.0\0"
XMP_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
KNOWN = (
    b"JFIF\0",
    b"JFXX\0",
    b"Exif\0",
    b"http://ns.adobe.com/xap/1.0/\0",
    XMP_EXTENSION,
    b"ICC_PROFILE\0",
    b"MPF\0",
    PHOTOSHOP,
    b"Adobe",
    b"Ducky",
)
"""How segments begin that are kept, written anew, or say how the file was made."""


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker's second byte, content) of the segments before the first scan. Stops where the file is damaged."""
    at = len(START)
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, (length,) = data[at + 1], struct.unpack_from(">H", data, at + 2)
        if marker in (SCAN, END) or length < 2:
            return
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + length


def photoshop_blocks(data: bytes) -> bytes | None:
    """Photoshop's image resources, which IPTC is one of; None where there are none."""
    parts = [content[len(PHOTOSHOP) :] for marker, content in segments(data) if content.startswith(PHOTOSHOP)]
    return b"".join(parts) or None


def unknown_segments(data: bytes) -> tuple[str, ...]:
    """Names of kinds of segments that nothing here knows: ``APP11``."""
    kinds = {marker - APP for marker, content in segments(data) if not content.startswith(KNOWN)}
    return tuple(f"APP{kind}" for kind in sorted(kinds) if 0 <= kind < 16)


def photoshop_segments(blocks: bytes) -> list[bytes]:
    """Segments that hold Photoshop's image resources."""
    room = LONGEST - len(PHOTOSHOP)
    parts = [PHOTOSHOP + blocks[at : at + room] for at in range(0, len(blocks), room)]
    return [struct.pack(">BBH", 0xFF, APP + 13, len(part) + 2) + part for part in parts]


def with_segments(data: bytes, more: Iterable[bytes]) -> bytes:
    """A JPEG with segments put behind those of the programs that it begins with."""
    at = len(START)
    while data[at] == 0xFF and 0 <= data[at + 1] - APP < 16:
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return b"".join([data[:at], *more, memoryview(data)[at:]])
