"""Pictures of 16 bits a sample, which Pillow would silently cut to 8."""

import io
import struct
from collections.abc import Callable

import numpy as np
from PIL import Image

from claritygan_cli.errors import ImageError
from claritygan_cli.media import png_chunks
from claritygan_cli.media.exif import WIDTH
from claritygan_cli.media.tiff_tags import LONG, SHORT, Directory, Layout, Tag, alone, number, numbers

BITS, PHOTOMETRIC, PLANAR = 258, 262, 284
SAMPLES, PREDICTOR, TILE_WIDTH, EXTRA, SAMPLE_FORMAT = 277, 317, 322, 338, 339
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
SEPARATE, DIFFERENCES, PREMULTIPLIED, STRAIGHT, UNSIGNED = 2, 2, 1, 2, 1


def is_png16(data: bytes) -> bool:
    """Whether a file's bytes are a PNG of 16 bits a sample (its IHDR says so)."""
    return len(data) > 24 and png_chunks.is_png(data) and data[24] == 16


def is_grey(data: bytes) -> bool:
    """Whether a PNG has no colour (its IHDR says so)."""
    return data[25] in (0, 4)


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


def has_16_bits(layout: Layout, page: Directory) -> bool:
    """Whether any sample of a TIFF's page has more than 8 bits, and it is no map of depth or heights.

    Raises:
        ImageError: they are of a kind that is not supported.
    """
    bits = set(numbers(layout, page, BITS) or (1,))
    if max(bits) <= 8:
        return False
    plain = number(layout, page, PHOTOMETRIC) in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB)
    formats = set(numbers(layout, page, SAMPLE_FORMAT) or (UNSIGNED,))
    if (
        bits != {16}
        or len(page.tags[BITS].data) > 8
        or not plain
        or formats != {UNSIGNED}
        or number(layout, page, PREDICTOR) not in (None, 1, 2)
    ):
        raise ImageError("an unusual TIFF; save it as plain 16-bit RGB or grey")
    return True


def read_tiff(data: bytes, layout: Layout, page: Directory, opened: Callable[[bytes], Image.Image]) -> np.ndarray:
    """A page of 16 bits a sample, (H, W, C) uint16, as it is stored; white has the highest numbers, colours are not
    premultiplied.

    libtiff undoes whatever compression there is. Pillow would cut its samples, so the page is told to be of 8 bits and
    twice as wide.

    Args:
        page: its tags, without an orientation, which Pillow would follow.
        opened: opens the bytes of a file.

    Raises:
        ImageError: as decoders of 8 bits.
    """

    def short(*values: int) -> Tag:
        return Tag(SHORT, len(values), struct.pack(f"{layout.order}{len(values)}H", *values))

    def long(value: int) -> Tag:
        return Tag(LONG, 1, struct.pack(layout.order + "I", value))

    tags = dict(page.tags)
    bits = numbers(layout, page, BITS)
    (width,) = numbers(layout, page, WIDTH)
    tile_width = (numbers(layout, page, TILE_WIDTH) or (width,))[0]
    differences = number(layout, page, PREDICTOR) == DIFFERENCES
    photometric = number(layout, page, PHOTOMETRIC)
    extra = numbers(layout, page, EXTRA)
    separate = number(layout, page, PLANAR) == SEPARATE
    tags[BITS] = short(*[8] * len(bits))
    tags[WIDTH] = long(2 * width)
    tags[PHOTOMETRIC] = short(RGB if photometric == RGB else BLACK_IS_ZERO)
    if TILE_WIDTH in tags:
        tags[TILE_WIDTH] = long(2 * tile_width)
    tags.pop(EXTRA, None)
    if len(bits) in (2, 4):  # Pillow leaves out samples of another meaning
        tags[EXTRA] = short(STRAIGHT)
    tags.pop(PREDICTOR, None)
    with opened(alone(data, layout, Directory(tags))) as image:
        stored = np.array(image)
    height, channels = stored.shape[0], 1 if stored.ndim == 2 else stored.shape[2]
    kind = layout.order + "u2"
    if separate and channels > 1:
        bands = [np.ascontiguousarray(stored[..., c]).view(kind) for c in range(channels)]
        planes = np.stack(bands, axis=2).astype(np.uint16)
    else:
        planes = stored.reshape(height, -1).view(kind).reshape(height, width, channels).astype(np.uint16)
    if differences:
        for start in range(0, width, tile_width):
            tile = planes[:, start : start + tile_width]
            np.cumsum(tile, axis=1, dtype=np.uint16, out=tile)
    if photometric == WHITE_IS_ZERO:
        planes[..., 0] = 65535 - planes[..., 0]
    if PREMULTIPLIED in extra[:1] and channels in (2, 4):
        alpha = planes[..., -1:].astype(np.float32)
        straight = planes[..., :-1] * (65535 / np.maximum(alpha, 1))
        planes[..., :-1] = straight.round().clip(0, 65535).astype(np.uint16)
    return planes
