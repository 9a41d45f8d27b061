"""Containers and codecs of videos, and what goes into which."""

from dataclasses import dataclass

import av
from av.codec.codec import UnknownCodecError

from claritygan_cli.errors import SettingError

CODECS = {
    "h264": "libx264",
    "hevc": "libx265",
    "av1": "libsvtav1",
    "vp9": "libvpx-vp9",
    "prores": "prores_ks",
}
"""What users may ask for, with the encoder's name."""
DEFAULT_CRF = {"h264": 18, "hevc": 20, "av1": 26, "vp9": 26}
DEFAULT_OPTIONS = {
    "h264": {"preset": "medium"},
    "hevc": {"preset": "medium", "x265-params": "log-level=error"},
    "av1": {"preset": "8"},
    "vp9": {"b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"},
    "prores": {},
}
THREADS_OPTION = {"hevc": ("x265-params", "pools"), "av1": ("svtav1-params", "lp")}
PRESET_OPTION = {"h264": "preset", "hevc": "preset", "av1": "preset", "vp9": "cpu-used"}
DROPPED_AUDIO = "aac"
"""What audio becomes where a container cannot hold it as it is; WebM knows Opus and Vorbis alone."""


@dataclass(frozen=True)
class Encoding:
    """How videos are encoded.

    Attributes:
        codec: key of :data:`CODECS`; None for what suits the container.
        crf: constant quality, lower is better; None for a good one.
        preset: the encoder's own word for speed; None for a sensible one.
        pixel_format: libav's name, like ``yuv420p10le``; None keeps the video's own where the codec can.
        threads: CPU threads of the encoder; 0 for as many as it likes.
    """

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None
    pixel_format: str | None = None
    threads: int = 0

    def codec_for(self, ending: str) -> str:
        """The codec in a container.

        Raises:
            SettingError: the container cannot hold it, or this installation has no encoder for it.
        """
        if ending == ".gif":
            return "gif"
        codec = self.codec or ("vp9" if ending == ".webm" else "h264")
        holds = {
            ".webm": {"vp9", "av1"},
            ".mp4": {"h264", "hevc", "av1", "vp9"},
            ".m4v": {"h264", "hevc", "av1", "vp9"},
            ".avi": {"h264"},
        }.get(ending, set(CODECS))
        if codec not in holds:
            others = " or ".join(sorted(holds))
            raise SettingError("codec", codec, f"{ending} files cannot hold it; choose {others}, or an .mkv file")
        try:
            av.Codec(CODECS[codec], "w")
        except UnknownCodecError:
            there = ", ".join(name for name, encoder in CODECS.items() if encoder in av.codecs_available)
            raise SettingError("codec", codec, f"this PyAV has no encoder for it; choose one of {there}") from None
        return codec

    def options(self, codec: str) -> dict[str, str]:
        """The encoder's options.

        Raises:
            SettingError: the codec knows no such setting.
        """
        try:
            av.VideoFormat(self.pixel_format or "yuv420p")
        except ValueError:
            raise SettingError("pixel_format", self.pixel_format, "unknown; write one like yuv420p10le") from None
        if codec == "gif":
            return {}  # no setting is for it
        options = dict(DEFAULT_OPTIONS[codec])
        if self.threads and codec in THREADS_OPTION:  # encoders with threads of their own, which libav does not count
            name, setting = THREADS_OPTION[codec]
            options[name] = ":".join([*filter(None, [options.get(name)]), f"{setting}={self.threads}"])
        if codec in DEFAULT_CRF:
            options["crf"] = str(DEFAULT_CRF[codec] if self.crf is None else self.crf)
        elif self.crf is not None:
            raise SettingError("crf", self.crf, f"{codec} has no constant quality; leave it out")
        if self.preset is not None:
            if codec not in PRESET_OPTION:
                raise SettingError("preset", self.preset, f"{codec} has none; leave it out")
            options[PRESET_OPTION[codec]] = self.preset
        return options
