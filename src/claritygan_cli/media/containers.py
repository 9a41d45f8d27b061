"""What decoders do not say of containers: whether a Matroska, WebM or GIF file is whole, and how often a GIF loops.

libav finds its way again behind a hole in such files, and only its log knows of it, which cannot be read safely while
several threads decode.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

EBML_HEADER, SEGMENT, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
VOID, CHECKSUM = 0xEC, 0xBF
IN_SEGMENT = frozenset(
    {CLUSTER, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, VOID, CHECKSUM}
)
"""Matroska's elements of the first level (RFC 9559, section 5): clusters, seek head, info, tracks, cues, attachments,
chapters, tags."""
IN_CLUSTER = frozenset({0xE7, 0x5854, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF, VOID, CHECKSUM})
"""Time stamp, silent tracks, position, size of the last one, blocks."""


def _number(file: IO[bytes], keep_mark: bool) -> int | None:
    """A number of variable length (RFC 8794, section 4); None at the end, or where there is none. Sizes that are not
    known are -1.
    """
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    if len(rest) < length - 1:
        return None
    value = int.from_bytes(first + rest, "big")
    if keep_mark:
        return value
    mark = 1 << 7 * length
    return -1 if value == 2 * mark - 1 else value - mark


def is_damaged_matroska(path: Path) -> bool:
    """Whether the elements of a Matroska or WebM file do not follow each other as they should."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        cluster_end: int | None = None  # of the cluster that is being read; None outside, -1 if not known
        while (at := file.tell()) < size:
            if cluster_end is not None and cluster_end == at:
                cluster_end = None
            kind, length = _number(file, keep_mark=True), _number(file, keep_mark=False)
            if kind is None or length is None:
                return True
            if kind == SEGMENT:
                if length >= 0:  # what stands behind it, like padding, is no part of the video
                    end = file.tell() + length
                    if end > size:
                        return True
                    size = end
                continue
            if kind == EBML_HEADER:
                pass
            elif cluster_end is not None and kind in IN_CLUSTER:
                if length < 0 or (cluster_end >= 0 and file.tell() + length > cluster_end):
                    return True
            elif kind not in IN_SEGMENT or (cluster_end is not None and cluster_end >= 0):
                return True
            elif kind == CLUSTER:
                cluster_end = -1 if length < 0 else file.tell() + length
                if cluster_end > size:
                    return True
                continue
            else:
                cluster_end = None
            if length < 0 or file.tell() + length > size:
                return True
            file.seek(length, os.SEEK_CUR)
    return False


@dataclass(frozen=True)
class GifFile:
    """The blocks of a GIF file (GIF89a, section 12 on).

    Attributes:
        images: number of pictures.
        loop: times that it is repeated after the first, 0 for ever; None where it is shown once.
        delay: hundredths of seconds that the last picture stays; 0 where nothing is said.
        damaged: whether blocks do not follow each other as they should.
    """

    images: int
    loop: int | None
    delay: int
    damaged: bool


def read_gif(path: Path) -> GifFile:
    """Walk through a GIF's blocks; pixels are not decoded."""
    data = path.read_bytes()
    images, loop, delay, at = 0, None, 0, 13

    def table(flags: int) -> int:
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    def blocks(at: int) -> tuple[bytes, int]:
        """The first sub-block, and what follows the last."""
        first = data[at + 1 : at + 1 + data[at]]
        while data[at]:
            at += 1 + data[at]
        return first, at + 1

    try:
        at += table(data[10])
        while at < len(data) and data[at] != 0x3B:
            if data[at] == 0x21:
                label = data[at + 1]
                content, at = blocks(at + 2)
                if label == 0xF9 and len(content) == 4:
                    delay = int.from_bytes(content[1:3], "little")
                elif label == 0xFF and content.startswith(b"NETSCAPE"):
                    loop = int.from_bytes(data[at - 3 : at - 1], "little")
            elif data[at] == 0x2C:
                _, at = blocks(at + 11 + table(data[at + 9]))
                images += 1
            else:
                return GifFile(images, loop, delay, True)
    except IndexError:
        return GifFile(images, loop, delay, True)
    return GifFile(images, loop, delay, False)
