"""Photoshop's image resources: small named blocks, one of which holds IPTC (Adobe Photoshop File Formats, 2019)."""

import struct
from collections.abc import Iterator

SIGNATURE = b"8BIM"
IPTC = 0x0404
FILES_OWN = frozenset({1005, 1033, 1036, 1039, 1058, 1060})
"""Resolution, thumbnails, and profile, EXIF and XMP once more."""


def resources(blocks: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """(number, content, the whole resource) of each. Stops where they are damaged."""
    at = 0
    while blocks[at : at + 4] == SIGNATURE and at + 7 <= len(blocks):
        (number,) = struct.unpack_from(">H", blocks, at + 4)
        named = at + 6
        sized = named + (blocks[named] + 2) // 2 * 2
        if sized + 4 > len(blocks):
            return
        (length,) = struct.unpack_from(">I", blocks, sized)
        end = sized + 4 + (length + 1) // 2 * 2
        if sized + 4 + length > len(blocks):
            return
        yield number, blocks[sized + 4 : sized + 4 + length], blocks[at:end].ljust(end - at, b"\0")
        at = end


def of_the_photo(blocks: bytes) -> bytes | None:
    """The resources that are still true of another picture of the same photo; None where there are none."""
    return b"".join(whole for number, _, whole in resources(blocks) if number not in FILES_OWN) or None


def iptc_of(blocks: bytes) -> bytes | None:
    """IPTC's records; None where there are none."""
    return next((content for number, content, _ in resources(blocks) if number == IPTC), None)


def from_iptc(records: bytes) -> bytes:
    """A resource that holds IPTC's records."""
    padding = b"\0" * (len(records) % 2)
    return SIGNATURE + struct.pack(">HHI", IPTC, 0, len(records)) + records + padding
