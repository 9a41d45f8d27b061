"""Directories of tags, as TIFF files and EXIF blocks hold them (TIFF 6.0, section 2; BigTIFF)."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Order = str
"""Byte order, as the struct module writes it: ``<`` or ``>``."""
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of one value of each type."""
WORDS = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes that are turned around between the byte orders; types that are not here are bytes."""
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
EXIF, GPS, INTEROP = 0x8769, 0x8825, 0xA005
SUBDIRECTORIES = (EXIF, GPS, INTEROP)
"""Tags whose value is the place of another directory that belongs to the photo."""
MOST_TAGS = 4096
MOST_BYTES = 0xFFFFF000
"""Of a file whose places have 4 bytes, with room for a directory."""
BIG_KINDS = {16: LONG, 17: 9, 18: LONG}
"""Types that BigTIFF alone has, and what they are elsewhere."""


@dataclass(frozen=True)
class Tag:
    """A tag's type and values, the values as bytes in the byte order of its directory."""

    kind: int
    count: int
    data: bytes


@dataclass(frozen=True)
class Directory:
    """Tags by their numbers, and the directories that tags lead to."""

    tags: Mapping[int, Tag] = field(default_factory=dict)
    below: Mapping[int, "Directory"] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """How a file lays out its directories: byte order, and whether places have 8 bytes (BigTIFF) instead of 4."""

    order: Order
    big: bool = False

    @property
    def place(self) -> struct.Struct:
        """Of an offset, or a count of values."""
        return struct.Struct(self.order + ("Q" if self.big else "I"))

    @property
    def count(self) -> struct.Struct:
        """Of the number of tags."""
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def first_at(self) -> int:
        """Where the place of the first directory stands."""
        return 8 if self.big else 4

    def short(self, data: bytes | bytearray, at: int) -> int:
        """A 16-bit number."""
        return int(struct.unpack_from(self.order + "H", data, at)[0])


def is_tiff(data: bytes) -> bool:
    """Whether bytes begin as a TIFF does."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def layout_of(data: bytes) -> Layout:
    """Read a header.

    Raises:
        ValueError: it is none.
    """
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    if order is None or len(data) < 8 or (version := struct.unpack_from(order + "H", data, 2)[0]) not in (42, 43):
        raise ValueError("no TIFF header")
    return Layout(order, version == 43)


def first_directory(data: bytes, layout: Layout) -> int:
    """Place of the first directory.

    Raises:
        ValueError: there is none.
    """
    return read_place(data, layout, layout.first_at)


def read_place(data: bytes, layout: Layout, at: int) -> int:
    """An offset.

    Raises:
        ValueError: it stands behind the end, or leads there.
    """
    if at + layout.place.size > len(data):
        raise ValueError("a directory ends too early")
    place = int(layout.place.unpack_from(data, at)[0])
    if place > len(data):
        raise ValueError("a directory lies behind the end")
    return place


def entries(data: bytes, layout: Layout, at: int) -> Iterator[tuple[int, int, int, int]]:
    """(tag, type, number of values, place of the values) of each entry of a directory. Unknown types are left out.

    Raises:
        ValueError: the directory is damaged.
    """
    if at + layout.count.size > len(data):
        raise ValueError("a directory lies behind the end")
    (number,) = layout.count.unpack_from(data, at)
    place, size = layout.place, 4 + 2 * layout.place.size
    at += layout.count.size
    if number > MOST_TAGS or at + number * size > len(data):
        raise ValueError("a directory ends too early")
    for entry in range(at, at + number * size, size):
        tag, kind = layout.short(data, entry), layout.short(data, entry + 2)
        (count,) = place.unpack_from(data, entry + 4)
        length = SIZES.get(kind, 0) * count
        values = entry + 4 + place.size
        if length > place.size:
            (values,) = place.unpack_from(data, values)
        if values + length > len(data):
            raise ValueError(f"the values of tag {tag} lie behind the end")
        if kind in SIZES:
            yield tag, kind, count, values


def next_at(data: bytes, layout: Layout, at: int) -> int:
    """Where a directory says where the next one is."""
    (number,) = layout.count.unpack_from(data, at)
    return at + layout.count.size + int(number) * (4 + 2 * layout.place.size)


def has_unknown_types(data: bytes, layout: Layout, at: int) -> bool:
    """Whether a directory has entries that :func:`entries` leaves out. They may be from the future, or damaged."""
    (number,) = layout.count.unpack_from(data, at)
    return sum(1 for _ in entries(data, layout, at)) < number


def read_directory(data: bytes, layout: Layout, at: int, depth: int = 0) -> Directory:
    """A directory with those below it.

    Raises:
        ValueError: it is damaged.
    """
    tags: dict[int, Tag] = {}
    below: dict[int, Directory] = {}
    for tag, kind, count, values in entries(data, layout, at):
        if tag in SUBDIRECTORIES:
            if depth < len(SUBDIRECTORIES):
                below[tag] = read_directory(data, layout, read_place(data, layout, values), depth + 1)
        else:
            tags[tag] = Tag(kind, count, bytes(data[values : values + SIZES[kind] * count]))
    return Directory(tags, below)


def in_order(directory: Directory, old: Order, new: Order) -> Directory:
    """The same directory in another byte order."""
    if old == new:
        return directory
    tags = {
        number: Tag(tag.kind, tag.count, _turned(tag.data, WORDS[tag.kind])) if tag.kind in WORDS else tag
        for number, tag in directory.tags.items()
    }
    return Directory(tags, {number: in_order(part, old, new) for number, part in directory.below.items()})


def _turned(data: bytes, size: int) -> bytes:
    return b"".join(data[at : at + size][::-1] for at in range(0, len(data), size))


def numbers(layout: Layout, directory: Directory, tag: int) -> tuple[int, ...]:
    """The values of a tag of whole numbers; none where there is no such tag."""
    found = directory.tags.get(tag)
    if found is None or found.kind not in (SHORT, LONG):
        return ()
    return struct.unpack(f"{layout.order}{found.count}{'H' if found.kind == SHORT else 'I'}", found.data)


def number(layout: Layout, directory: Directory, tag: int) -> int | None:
    """The first value of a tag of whole numbers; None where there is none."""
    return next(iter(numbers(layout, directory, tag)), None)


def without(directory: Directory, tags: frozenset[int]) -> Directory:
    """The directory less some tags of its own."""
    return Directory({n: tag for n, tag in directory.tags.items() if n not in tags}, directory.below)


def write_directory(directory: Directory, layout: Layout, at: int, following: int = 0) -> bytes:
    """The bytes of a directory, its values, and the directories below it, to stand at a place.

    Args:
        at: an even number.
        following: place of the next directory; 0 for none.
    """
    numbers = sorted({*directory.tags, *directory.below})
    place = layout.place
    head = layout.count.size + len(numbers) * (4 + 2 * place.size) + place.size
    rows, values = [], bytearray()
    for number in numbers:
        here = at + head + len(values)
        if number in directory.below:
            kind = 16 if layout.big else LONG
            part = write_directory(directory.below[number], layout, here)
            row, count = place.pack(here), 1
            values += part
        else:
            tag = directory.tags[number]
            kind, count = tag.kind, tag.count
            fits = len(tag.data) <= place.size
            row = tag.data.ljust(place.size, b"\0") if fits else place.pack(here)
            values += b"" if fits else tag.data
        values += b"\0" * (len(values) % 2)
        rows.append(struct.pack(layout.order + "HH", number, kind) + place.pack(count) + row)
    return b"".join([layout.count.pack(len(numbers)), *rows, place.pack(following), bytes(values)])


def with_directory(data: bytes, layout: Layout, directory: Directory, following: int = 0) -> bytes:
    """A file whose first directory is another one; it is put at the end.

    Args:
        following: place of the next directory; 0 for none.
    """
    at = len(data) + len(data) % 2
    head = data[: layout.first_at] + layout.place.pack(at)
    tail = write_directory(directory, layout, at, following)
    return b"".join([head, memoryview(data)[len(head) :], b"\0" * (at - len(data)), tail])


def alone(data: bytes, layout: Layout, directory: Directory) -> bytes:
    """A file in which a directory is the only one. BigTIFF becomes the plain kind, since not every reader knows both
    byte orders of the other.

    Raises:
        ValueError: the file is too large for that.
    """
    if not layout.big:
        return with_directory(data, layout, directory)
    if len(data) > MOST_BYTES:
        raise ValueError("a BigTIFF of more than 4 GB")
    plain = Layout(layout.order)
    head = data[:2] + struct.pack(layout.order + "H", 42)
    return with_directory(head + data[len(head) :], plain, _with_short_places(directory, layout.order))


def _with_short_places(directory: Directory, order: Order) -> Directory:
    """The directory with 4 bytes for what has 8 in BigTIFF alone."""
    tags = {}
    for number, tag in directory.tags.items():
        if tag.kind in BIG_KINDS:
            values = struct.unpack(f"{order}{tag.count}{'q' if tag.kind == 17 else 'Q'}", tag.data)
            kept = struct.pack(f"{order}{tag.count}{'i' if tag.kind == 17 else 'I'}", *values)
            tags[number] = Tag(BIG_KINDS[tag.kind], tag.count, kept)
        else:
            tags[number] = tag
    return Directory(tags, directory.below)
