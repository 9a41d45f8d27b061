"""What goes with a photo's pixels: read from a file of any kind."""

import re
import zlib
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from claritygan_cli.media import exif, jpeg_segments, photoshop, png_chunks
from claritygan_cli.media.tiff_tags import Directory, Layout

LARGEST = 256 << 20
"""Bytes that a compressed profile or text may have."""
COLOUR_CHUNKS = (b"cICP", b"sRGB", b"gAMA", b"cHRM", b"mDCV", b"cLLI")
"""PNG's chunks that say what its colours are, beside its profile."""
TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")
XMP_KEYWORD = b"XML:com.adobe.xmp"
RAW_PROFILE = b"Raw profile type "
"""How ImageMagick keeps other formats' blocks in texts of PNG: they are read, and written as PNG has it."""
XMP_ORIENTATION = re.compile(rb"(<tiff:Orientation>|tiff:Orientation=[\"'])[1-8]")
SRGB_GAMMA = (45455).to_bytes(4, "big")


@dataclass(frozen=True)
class Metadata:
    """What a file says beside its pixels.

    Attributes:
        icc: ICC profile.
        exif: EXIF block without JPEG's prefix, of the upright picture; GeoTIFF's tags stand in it.
        xmp: XMP packet.
        photoshop: Photoshop's image resources, with IPTC.
        dpi: dots per inch across and down.
        colours: PNG's chunks about colours, by their kind.
        texts: PNG's chunks of texts, whole.
        comment: a JPEG's comment.
        left_out: what was there and is not here, in words.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    photoshop: bytes | None = None
    dpi: tuple[float, float] | None = None
    colours: tuple[tuple[bytes, bytes], ...] = ()
    texts: tuple[bytes, ...] = ()
    comment: bytes | None = None
    left_out: tuple[str, ...] = ()

    def colour_alone(self) -> "Metadata":
        """No more than what the pixels mean: profile and colours."""
        return Metadata(icc=self.icc, colours=self.colours, left_out=self.left_out)

    def upright(self, size: tuple[int, int]) -> "Metadata":
        """For the picture turned upright, of a size (width, height)."""
        block = exif.mended(self.exif, size) if self.exif else None
        return replace(self, exif=block, xmp=XMP_ORIENTATION.sub(rb"\g<1>1", self.xmp) if self.xmp else None)


def read_metadata(image: Image.Image, data: bytes) -> Metadata:
    """What an opened file says; for TIFFs see :func:`tiff_metadata`.

    Args:
        data: the file's bytes.
    """
    found = _of_png(data) if png_chunks.is_png(data) else _of_others(image, data)
    if found.exif is None:
        return found
    block = exif.block_of(found.exif)
    if block is None:
        return replace(found, exif=None, left_out=(*found.left_out, "a damaged EXIF block"))
    return replace(found, exif=block, dpi=found.dpi or exif.resolution_of(*exif.tree_of(block)))


def _resolution(image: Image.Image) -> tuple[float, float] | None:
    """Dots per inch that the file itself says: Pillow makes some up for JPEGs."""
    if "jfif_density" in image.info and image.info.get("jfif_unit") not in (1, 2):
        return None
    if image.format in ("JPEG", "MPO") and "jfif_density" not in image.info:
        return None
    return valid_resolution(image.info.get("dpi"))


def valid_resolution(dpi: Any) -> tuple[float, float] | None:
    """Dots per inch, where they are numbers above zero."""
    try:
        x, y = float(dpi[0]), float(dpi[1])
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        return None
    return (x, y) if 0 < x < 1e6 and 0 < y < 1e6 else None


def _of_others(image: Image.Image, data: bytes) -> Metadata:
    info = image.info
    left_out: tuple[str, ...] = ()
    blocks = comment = None
    if image.format in ("JPEG", "MPO"):
        blocks = jpeg_segments.photoshop_blocks(data)
        comment = info.get("comment")
        if image.format == "MPO" and (count := getattr(image, "n_frames", 1)) > 1:
            left_out += (f"{count - 1} further picture{'s' * (count > 2)} in the file (MPO)",)
        if kinds := jpeg_segments.unknown_segments(data):
            left_out += (f"segments {', '.join(kinds)}",)
        if any(content.startswith(jpeg_segments.XMP_EXTENSION) for _, content in jpeg_segments.segments(data)):
            left_out += ("XMP's extension",)
    return Metadata(
        icc=info.get("icc_profile") or None,
        exif=info.get("exif") or None,
        xmp=_as_bytes(info.get("xmp")),
        photoshop=photoshop.of_the_photo(blocks) if blocks else None,
        dpi=_resolution(image),
        comment=comment if isinstance(comment, bytes) else None,
        left_out=left_out,
    )


def _as_bytes(text: Any) -> bytes | None:
    return (text.encode() if isinstance(text, str) else text) or None


def tiff_metadata(layout: Layout, tags: Directory) -> Metadata:
    """What a page of a TIFF says."""
    blocks = exif.tag_bytes(tags, exif.PHOTOSHOP)
    blocks = photoshop.of_the_photo(blocks) if blocks else None
    records = exif.tag_bytes(tags, exif.IPTC)
    if records and not (blocks and photoshop.iptc_of(blocks)):
        blocks = (blocks or b"") + photoshop.from_iptc(records)
    return Metadata(
        icc=exif.tag_bytes(tags, exif.ICC),
        exif=exif.from_tiff(layout, tags),
        xmp=exif.tag_bytes(tags, exif.XMP),
        photoshop=blocks,
        dpi=exif.resolution_of(layout, tags),
        left_out=("Photoshop's layers",) if exif.LAYERS in tags.tags else (),
    )


def _of_png(data: bytes) -> Metadata:
    colours: dict[bytes, bytes] = {}
    texts: list[bytes] = []
    left_out: list[str] = []
    found: dict[str, Any] = {}
    for kind, content, whole in png_chunks.chunks(data, check=False):  # it has been opened, and checked
        try:
            if kind in COLOUR_CHUNKS:
                colours.setdefault(kind, bytes(content))
            elif kind == b"iCCP":
                start = bytes(content[:81]).index(b"\0") + 2
                found["icc"] = png_chunks.inflated(content[start:], LARGEST)
            elif kind == b"eXIf":
                found["exif"] = bytes(content)
            elif kind == b"pHYs" and len(content) == 9 and content[8] == 1:
                across, down = (int.from_bytes(content[at : at + 4], "big") * 0.0254 for at in (0, 4))
                found["dpi"] = valid_resolution((across, down))
            elif kind in TEXT_CHUNKS and not _take_block(kind, bytes(content), found):
                texts.append(bytes(whole))
        except ValueError as error:
            left_out.append(f"a damaged {kind.decode()} chunk ({error})")
    return Metadata(colours=tuple(colours.items()), texts=tuple(texts), left_out=tuple(left_out), **found)


def _take_block(kind: bytes, content: bytes, found: dict[str, Any]) -> bool:
    """Take what a text of PNG holds of other blocks; False where it is but a text.

    Raises:
        ValueError: it is damaged.
    """
    keyword, _, rest = content.partition(b"\0")
    if keyword == XMP_KEYWORD and kind == b"iTXt" and len(rest) > 2:
        text = rest[2:].split(b"\0", 2)[-1]
        found["xmp"] = png_chunks.inflated(text, LARGEST) if rest[0] else text
        return True
    if not keyword.startswith(RAW_PROFILE):
        return False
    text = png_chunks.inflated(rest[1:], LARGEST) if kind == b"zTXt" else rest
    lines = text.split(b"\n", 3)  # empty, name, length, hexadecimal digits
    profile = bytes.fromhex(lines[-1].decode("ascii"))
    match keyword.removeprefix(RAW_PROFILE):
        case b"exif" | b"APP1" if profile.startswith(exif.PREFIX):
            found.setdefault("exif", profile)
        case b"xmp":
            found.setdefault("xmp", profile)
        case b"iptc" | b"8bim":
            found.setdefault("photoshop", photoshop.of_the_photo(profile))
        case b"icc" | b"icm":
            found.setdefault("icc", profile)
        case _:
            return False
    return True


def png_metadata(metadata: Metadata) -> list[bytes]:
    """Chunks of a PNG that hold it; what PNG does not hold is not among them."""
    found = [png_chunks.chunk(kind, content) for kind, content in metadata.colours]
    if metadata.icc:
        found.append(png_chunks.chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.dpi:
        across, down = (round(value / 0.0254).to_bytes(4, "big") for value in metadata.dpi)
        found.append(png_chunks.chunk(b"pHYs", across + down + b"\x01"))
    if metadata.exif:
        found.append(png_chunks.chunk(b"eXIf", metadata.exif))
    if metadata.xmp:
        found.append(png_chunks.chunk(b"iTXt", XMP_KEYWORD + b"\0\0\0\0\0" + metadata.xmp))
    return [*found, *metadata.texts]


def has_own_colours(metadata: Metadata) -> bool:
    """Whether PNG's chunks say that its colours are no sRGB, and no profile says it too."""
    kinds = dict(metadata.colours)
    if metadata.icc or b"sRGB" in kinds:
        return False
    return b"cICP" in kinds or kinds.get(b"gAMA", SRGB_GAMMA) != SRGB_GAMMA or (b"cHRM" in kinds)
