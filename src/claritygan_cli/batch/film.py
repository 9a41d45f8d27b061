"""One film from file to file: decoding, translation and encoding run side by side, a few frames ahead of each other."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import av

from claritygan_cli.batch.ahead import ahead
from claritygan_cli.errors import ImageError, UsageError
from claritygan_cli.files import written_whole
from claritygan_cli.media.film_formats import Encoding
from claritygan_cli.media.film_reader import FULL, FilmReader, Piece, planar, planar_name, plane_arrays
from claritygan_cli.media.film_writer import FilmWriter
from claritygan_cli.models.film import FilmFrame, FilmTranslator, coding_of

AHEAD = 3
"""Frames that wait between two stages."""


@dataclass(frozen=True)
class FilmOptions:
    """What is made of a film.

    Attributes:
        encoding: of the result.
        temporal: share of the haze that is kept from frame to frame, 0 to 1.
        start, end: seconds of the film.
        max_frames: greatest number of frames.
        strict: leave nothing where a film is damaged.
    """

    encoding: Encoding = field(default_factory=Encoding)
    temporal: float = 0.95
    start: float | None = None
    end: float | None = None
    max_frames: int | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.temporal <= 1:
            raise UsageError(f"--temporal {self.temporal:g}: must lie between 0 and 1")
        if self.end is not None and self.end <= (self.start or 0):
            raise UsageError(f"--end {self.end:g}: must lie behind --start {self.start or 0:g}")


@dataclass(frozen=True)
class FilmResult:
    """What became of a film: frames written, frames that the network looked at, and what was wrong with it."""

    frames: int
    looks: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def translated(film: FilmReader, translate: FilmTranslator) -> Generator[Piece]:
    """A film's pieces, its frames translated."""
    with closing(ahead(film.pieces(), AHEAD)) as pieces:
        for piece in pieces:
            yield translated_frame(piece, film, translate) if isinstance(piece, av.VideoFrame) else piece


def translated_frame(source: av.VideoFrame, film: FilmReader, translate: FilmTranslator) -> av.VideoFrame:
    """A frame of a film, translated, with the same time and tags."""
    frame = planar(source)
    result = av.VideoFrame(frame.width, frame.height, planar_name(frame))
    result.pts, result.time_base, result.duration = source.pts, source.time_base, source.duration
    result.colorspace, result.color_range, result.color_primaries, result.color_trc = film.tags
    bits = frame.format.components[0].bits
    coding = coding_of(frame.width, frame.height, bits, film.tags[0], film.tags[1] == FULL)
    translate(FilmFrame(plane_arrays(frame), coding, film.rotation), plane_arrays(result))
    return result


def translate_film(
    source: Path,
    target: Path,
    translate: FilmTranslator,
    options: FilmOptions,
    progress: Callable[[int | None], None] = lambda _expected: None,
) -> FilmResult:
    """Translate a film file; the result is there whole or not at all.

    Args:
        progress: called after each frame with the number expected in all, where that is known.

    Raises:
        ImageError: the film cannot be read or encoded; or, with ``strict``, is damaged.
        UsageError: the container and the codec do not go together.
    """
    ending = target.suffix.lower()
    from_zero = ending in (".avi", ".gif")
    with (
        FilmReader(source, options.start, options.end, options.max_frames, from_zero) as film,
        written_whole(target) as file,
    ):
        with (
            FilmWriter(Path(file.name), ending, film, options.encoding) as writer,
            closing(ahead(translated(film, translate), AHEAD)) as pieces,
        ):
            for piece in pieces:
                if isinstance(piece, av.VideoFrame):
                    writer.frame(piece)
                    progress(film.expected)
                else:
                    writer.packet(piece)
        if film.problems and options.strict:
            raise ImageError(f"{source}: {'; '.join(film.problems)}; nothing is kept with --strict")
    return FilmResult(film.frames, translate.looks, tuple(film.problems), tuple(writer.notes))
