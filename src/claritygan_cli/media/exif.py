"""EXIF blocks: kept as the camera wrote them, but for what is no longer true of the result (Exif 3.0, section 4.6).

A block is the bytes of a small TIFF file, without the prefix that JPEG puts before it. Makers' notes hold places within
the block, so it is mended where it stands, and put together anew only where it goes into or comes from a TIFF.
"""

import struct
from collections.abc import Iterator

from claritygan_cli.media.tiff_tags import (
    EXIF,
    LONG,
    RATIONAL,
    SHORT,
    UNDEFINED,
    Directory,
    Layout,
    Tag,
    entries,
    first_directory,
    in_order,
    layout_of,
    next_at,
    number,
    read_directory,
    read_place,
    with_directory,
    without,
    write_directory,
)

PREFIX = b"Exif\0\0"
ORIENTATION = 0x0112
WIDTH, HEIGHT = 0x0100, 0x0101
EXIF_WIDTH, EXIF_HEIGHT = 0xA002, 0xA003
THUMBNAIL, THUMBNAIL_LENGTH = 0x0201, 0x0202
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
INCH, CENTIMETRE = 2, 3
MAKER_NOTE = 0x927C
XMP, IPTC, PHOTOSHOP, ICC = 700, 33723, 34377, 34675
LAYERS = 37724
GEOGRAPHY = frozenset({33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113})
"""GeoTIFF, and what GDAL says beside it."""
FILES_OWN = frozenset(
    {254, 255, 273, 274, 277, 301, 330, 347, XMP, IPTC, PHOTOSHOP, ICC, LAYERS}
    | {*range(256, 270), *range(278, 285), *range(286, 294), 296, 297, 317, *range(320, 326), *range(332, 343)}
    | {*range(512, 522), *range(529, 533)}
)
"""Tags that say how a TIFF file holds its picture, or that are kept in another way."""


def block_of(data: bytes) -> bytes | None:
    """A block without its prefix, if it can be read whole; else None."""
    data = data.removeprefix(PREFIX)
    try:
        layout = layout_of(data)
        read_directory(data, layout, first_directory(data, layout))
    except ValueError:
        return None
    return data


def _directories(block: bytes, layout: Layout) -> Iterator[int]:
    """Places of the picture's own directory and of the camera's settings."""
    first = first_directory(block, layout)
    yield first
    for tag, _, _, values in entries(block, layout, first):
        if tag == EXIF:
            yield read_place(block, layout, values)


def _numbers(block: bytes, layout: Layout, wanted: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """(tag, type, place) of tags that hold one whole number."""
    for directory in _directories(block, layout):
        for tag, kind, count, values in entries(block, layout, directory):
            if tag in wanted and kind in (SHORT, LONG) and count == 1:
                yield tag, kind, values


def _format(layout: Layout, kind: int) -> str:
    return layout.order + ("H" if kind == SHORT else "I")


def orientation_of(block: bytes) -> int:
    """1 to 8; 1 where nothing is said."""
    layout = layout_of(block)
    for _, kind, at in _numbers(block, layout, (ORIENTATION,)):
        (value,) = struct.unpack_from(_format(layout, kind), block, at)
        return int(value) if 1 <= value <= 8 else 1
    return 1


def resolution_of(layout: Layout, directory: Directory) -> tuple[float, float] | None:
    """Dots per inch across and down, where a directory says them."""
    tags = directory.tags
    found = [tags.get(number) for number in (X_RESOLUTION, Y_RESOLUTION)]
    if any(tag is None or tag.kind != RATIONAL or tag.count != 1 for tag in found):
        return None
    fractions = [struct.unpack(layout.order + "II", tag.data) for tag in found if tag is not None]
    unit = number(layout, directory, RESOLUTION_UNIT)
    scale = {INCH: 1.0, CENTIMETRE: 2.54}.get(INCH if unit is None else unit)
    if scale is None or any(below == 0 or above == 0 for above, below in fractions):
        return None
    x, y = (scale * above / below for above, below in fractions)
    return x, y


def mended(block: bytes, size: tuple[int, int]) -> bytes:
    """A block for the upright picture: orientation 1, its size (width, height), and no thumbnail of how it was.

    All else stays where it stands.
    """
    layout, changed = layout_of(block), bytearray(block)
    now = {ORIENTATION: 1, WIDTH: size[0], EXIF_WIDTH: size[0], HEIGHT: size[1], EXIF_HEIGHT: size[1]}
    for tag, kind, at in _numbers(block, layout, tuple(now)):
        struct.pack_into(_format(layout, kind), changed, at, min(now[tag], 0xFFFF if kind == SHORT else 0xFFFFFFFF))
    end = next_at(block, layout, first_directory(block, layout))
    if end + layout.place.size > len(block):
        return bytes(changed)
    (second,) = layout.place.unpack_from(block, end)
    layout.place.pack_into(changed, end, 0)
    try:
        values = {tag: place for tag, _, _, place in entries(block, layout, second)} if second else {}
        places = (values.get(THUMBNAIL, len(block)), values.get(THUMBNAIL_LENGTH, len(block)))
        start, length = (layout.place.unpack_from(block, place)[0] for place in places)
    except (ValueError, struct.error):  # a damaged thumbnail goes all the same
        return bytes(changed)
    changed[start : start + length] = bytes(len(changed[start : start + length]))
    return bytes(changed[:start] if 0 < length == len(changed) - start else changed)


def with_hidden_orientation(block: bytes) -> bytes:
    """A block of the same length whose orientation stands under another number, where programs do not find it."""
    layout, changed = layout_of(block), bytearray(block)
    for _, _, at in _numbers(block, layout, (ORIENTATION,)):
        struct.pack_into(layout.order + "H", changed, at - layout.place.size - 4, ORIENTATION - 1)
    return bytes(changed)


def tree_of(block: bytes) -> tuple[Layout, Directory]:
    """A block's layout, and its tags."""
    layout = layout_of(block)
    return layout, read_directory(block, layout, first_directory(block, layout))


def block_from(directory: Directory, order: str) -> bytes:
    """A block put together anew."""
    layout = Layout(order)
    header = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    return header + write_directory(directory, layout, 8)


def without_maker_note(block: bytes) -> bytes:
    """A block put together anew, and smaller: without what only the maker's own programs read."""
    layout, tree = tree_of(block)
    below = {n: without(part, frozenset({MAKER_NOTE})) for n, part in tree.below.items()}
    return block_from(Directory(tree.tags, below), layout.order)


def without_geography(block: bytes) -> bytes | None:
    """A block put together anew without GeoTIFF's tags; None where there are none."""
    layout, tree = tree_of(block)
    if not GEOGRAPHY & set(tree.tags):
        return None
    return block_from(without(tree, GEOGRAPHY), layout.order)


def from_tiff(layout: Layout, directory: Directory) -> bytes | None:
    """What a page of a TIFF file says of the photo and not of the file, as a block; None where it says nothing."""
    kept = without(directory, FILES_OWN)
    if not kept.tags and not kept.below:
        return None
    return block_from(_in_4_bytes(kept), layout.order)


def _in_4_bytes(directory: Directory) -> Directory:
    """Less what only BigTIFF can hold."""
    tags = {number: tag for number, tag in directory.tags.items() if tag.kind < 16}
    return Directory(tags, {number: _in_4_bytes(part) for number, part in directory.below.items()})


def into_tiff(data: bytes, block: bytes | None, more: dict[int, bytes]) -> bytes:
    """A TIFF file with the tags of a block in its first directory, and some tags of bytes."""
    layout = layout_of(data)
    at = first_directory(data, layout)
    own = read_directory(data, layout, at)
    tags, below = dict(own.tags), dict(own.below)
    if block is not None:
        source, tree = tree_of(block)
        said = in_order(without(tree, FILES_OWN), source.order, layout.order)
        tags, below = {**said.tags, **tags}, {**said.below, **below}
    tags |= {place: Tag(UNDEFINED, len(content), content) for place, content in more.items()}
    following = read_place(data, layout, next_at(data, layout, at))
    return with_directory(data, layout, Directory(tags, below), following)


def tag_bytes(directory: Directory, number: int) -> bytes | None:
    """The bytes of a tag; None where it is missing."""
    tag = directory.tags.get(number)
    return None if tag is None or not tag.data else tag.data
