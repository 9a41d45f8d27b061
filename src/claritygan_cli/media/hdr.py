"""HDR10's static metadata: the display that a video was graded on, and its brightest light."""

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

CHROMATICITY, LUMINANCE = 50000, 10000
"""Steps to a unit in HEVC's and H.264's messages (ITU-T H.265, D.3.28)."""
NAMES = {
    "h264": ("x264-params", "mastering-display", "cll"),
    "hevc": ("x265-params", "master-display", "max-cll"),
    "av1": ("svtav1-params", "mastering-display", "content-light"),
}
"""Encoders' own options, by codec, and what they call display and light there; other codecs cannot carry them."""


@dataclass(frozen=True)
class Hdr:
    """SMPTE ST 2086 and CTA-861.3.

    Attributes:
        display: chromaticities (x, y) of red, green, blue and white, then the least and the greatest luminance in
            candelas per square metre; None where the video does not say.
        light: the brightest pixel and the brightest mean of a frame, in the same unit; None likewise.
    """

    display: tuple[Fraction, ...] | None
    light: tuple[int, int] | None

    def options(self, codec: str) -> dict[str, str]:
        """The encoder's option that writes this; empty for codecs that cannot carry it."""
        if codec not in NAMES:
            return {}
        option, display, light = NAMES[codec]
        words = []
        if self.display is not None:
            steps = [CHROMATICITY] * 8 + [LUMINANCE] * 2
            numbers = (
                [f"{float(value):.5f}" for value in self.display]
                if codec == "av1"
                else [str(round(value * step)) for value, step in zip(self.display, steps, strict=True)]
            )
            rx, ry, gx, gy, bx, by, wx, wy, least, greatest = numbers
            words.append(f"{display}=G({gx},{gy})B({bx},{by})R({rx},{ry})WP({wx},{wy})L({greatest},{least})")
        if self.light is not None:
            words.append(f"{light}={self.light[0]},{self.light[1]}")
        return {option: ":".join(words)}


def read_hdr(frame: av.VideoFrame) -> Hdr | None:
    """What a frame says, as libav lays it out (``AVMasteringDisplayMetadata``, ``AVContentLightMetadata``)."""
    display = light = None
    graded: Any = frame.side_data.get("MASTERING_DISPLAY_METADATA")
    if graded is not None:
        *numbers, primaries_there, luminance_there = struct.unpack_from("=22i", graded)
        if primaries_there and luminance_there and all(numbers[1::2]):
            display = tuple(map(Fraction, numbers[::2], numbers[1::2]))
    brightest: Any = frame.side_data.get("CONTENT_LIGHT_LEVEL")
    if brightest is not None:
        pixel, mean = struct.unpack_from("=2I", brightest)
        light = (pixel, mean) if pixel or mean else None  # 0 stands for unknown
    return Hdr(display, light) if display or light else None
