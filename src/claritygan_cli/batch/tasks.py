"""What is done to each input: a task for either direction, for photos and for videos."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from claritygan_cli.atomic import file_sha256
from claritygan_cli.batch.haze_parameters import draw_parameters, parse_airlight, parse_density
from claritygan_cli.batch.options import DehazeOptions, HazifyOptions, IfClear, ModelOptions
from claritygan_cli.batch.plan import Job
from claritygan_cli.data.pairs import Truths, truths_below
from claritygan_cli.engine.amounts import AddHaze, Amount, RemoveHaze
from claritygan_cli.engine.haze_summary import HazeSummary
from claritygan_cli.errors import ClarityganError, DataError, SettingError
from claritygan_cli.evaluation.metrics import Scores, score
from claritygan_cli.media.find import image_files
from claritygan_cli.media.image_reader import read_picture
from claritygan_cli.media.picture import Picture
from claritygan_cli.models.finding import find_model
from claritygan_cli.models.kinds import Direction
from claritygan_cli.models.photo_translator import PhotoTranslator, graph_file, load_photo_translator

if TYPE_CHECKING:
    from claritygan_cli.models.image_translator import ImageTranslator
    from claritygan_cli.models.video_translator import VideoTranslator


CAPTIONS: dict[Direction, tuple[str, str]] = {"dehaze": ("hazy", "dehazed"), "hazify": ("clear", "hazy")}
"""Of inputs and results."""


@dataclass(frozen=True)
class Translated:
    """A translated photo, the haze that was seen in it, scores where its truth is known, what was wrong although
    the photo is good, what is to become of it instead where it has too little haze, and, where that is wanted, its
    transmission, (h, w) float32 in (0, 1]."""

    picture: Picture
    haze: HazeSummary | None = None
    scores: Scores | None = None
    problem: str = ""
    left_alone: IfClear | None = None
    transmission: np.ndarray | None = None


class Task(Protocol):
    """What is done to inputs.

    Attributes:
        captions: of an input and of its result.
    """

    captions: tuple[str, str]

    def photo(self, picture: Picture, job: Job, threads: int) -> Translated:
        """The photo translated, with all that goes with it, by so many CPU threads. Several photos may be at once."""
        ...

    def parallel(self) -> AbstractContextManager[None]:
        """In which photos are given; see :meth:`PhotoTranslator.parallel`."""
        ...

    def video(self, name: str, temporal: float) -> "VideoTranslator":
        """What translates the frames of one video, whose name is given; ``temporal`` as in
        :class:`VideoTranslator`."""
        ...


def open_translator(direction: Direction, options: ModelOptions) -> PhotoTranslator:
    """The model that the options name, where they want it, for photos.

    Raises:
        ModelError, UsageError: see :func:`load_photo_translator`.
    """
    return load_photo_translator(
        direction,
        options.model,
        options.device,
        options.threads,
        options.working_size,
        options.tile,
        options.runtime,
    )


def model_checksum(direction: Direction, options: ModelOptions) -> str:
    """A checksum of the files that :class:`Opened` would open; opens none but to read its bytes.

    Raises:
        ModelError, UsageError: there is no such model or runtime.
    """
    files = [
        graph_file(direction, options.model, options.device, options.runtime),
        find_model(options.model, direction),
    ]
    return " ".join(sha256 or file_sha256(path) for path, sha256 in filter(None, files))


class Opened:
    """A model for photos and, once a video comes, for the frames of videos, which torch translates.

    Raises:
        ModelError, UsageError: see :func:`load_photo_translator`.
    """

    def __init__(self, direction: Direction, options: ModelOptions) -> None:
        self._direction, self._options = direction, options
        self.photos = open_translator(direction, options)

    @cached_property
    def _frames(self) -> "ImageTranslator":
        from claritygan_cli.models.image_translator import ImageTranslator
        from claritygan_cli.models.loading import load_translator

        if isinstance(self.photos, ImageTranslator):
            return self.photos
        options = self._options
        return load_translator(
            self._direction, options.model, options.device, options.threads, options.working_size, options.tile
        )

    def video(self, temporal: float, amount: Amount | None) -> "VideoTranslator":
        """What translates the frames of one video; arguments as of :class:`VideoTranslator`."""
        from claritygan_cli.models.video_translator import VideoTranslator

        return VideoTranslator(self._frames, temporal, amount)


class DehazeTask:
    """Dehazes photos and videos, and scores photos where their ground truth is known.

    Raises:
        ModelError, UsageError: the model, the device or the folder of ground truths is not usable.
    """

    captions = CAPTIONS["dehaze"]

    def __init__(self, options: DehazeOptions, model: ModelOptions) -> None:
        self.folder = options.ground_truth
        self.truths = find_truths(options.ground_truth)
        self.model = Opened("dehaze", model)
        self.translator = self.model.photos
        self.amount = RemoveHaze(options.strength)
        self.least, self.if_clear = options.min_haze, options.if_clear
        self.maps = options.report_maps
        if self.least is not None and not self.translator.scatters:
            raise SettingError("min_haze", None, f"{model.model} translates pixels and tells no haze; leave this out")

    def parallel(self) -> AbstractContextManager[None]:
        """See :class:`Task`."""
        return self.translator.parallel()

    def photo(self, picture: Picture, job: Job, threads: int) -> Translated:
        """See :class:`Task`."""
        seen: list[HazeSummary | None] = []

        def translate(pixels: np.ndarray) -> np.ndarray:
            result, haze = self.translator.translate(pixels, self.amount, threads)
            seen.append(haze)
            return result

        result = picture.translated(translate)
        transmission = self.translator.transmission(picture.pixels) if self.maps else None
        haze = seen[0] if seen else None  # of the first page; None for a photo of which nothing is seen
        done = Translated(result, haze, transmission=transmission)
        if self.least is not None and haze is not None and 1 - haze.transmission < self.least:
            done = replace(done, picture=picture, left_alone=self.if_clear)
        if not self.truths:
            return done
        try:
            return replace(done, scores=self._scores(done.picture, job))
        except ClarityganError as error:
            return replace(done, problem=f"{job.source}: done, but not scored: {error}")

    def video(self, name: str, temporal: float) -> "VideoTranslator":
        """See :class:`Task`."""
        return self.model.video(temporal, self.amount)

    def _scores(self, result: Picture, job: Job) -> Scores:
        path = self.truths.of(Path(str(job.source)), Path(job.name)) if self.truths else None
        if path is None:
            raise DataError(f"no ground truth of its name in {self.folder}")
        ours, truth = result.at_8_bits().pixels, read_picture(path).at_8_bits().pixels
        if ours.shape != truth.shape:
            raise DataError(f"its ground truth {path} has another size")
        return score(ours, truth)


def find_truths(folder: Path | None) -> Truths | None:
    """The ground truths of a folder; None for none.

    Raises:
        SettingError: there is no such folder, or no picture in it.
    """
    if folder is None:
        return None
    if not image_files(folder):
        raise SettingError("ground_truth", folder, "no such folder, or no pictures in it")
    return truths_below(folder)


class HazifyTask:
    """Puts haze into photos and videos.

    Args:
        given: the fields of ``options`` that the user set.

    Raises:
        ModelError, UsageError: the model or the device is not usable, or the model has no use for what was given.
    """

    captions = CAPTIONS["hazify"]

    def __init__(self, options: HazifyOptions, model: ModelOptions, given: tuple[str, ...] = ()) -> None:
        self.density, self.airlight = parse_density(options.density), parse_airlight(options.airlight)
        self.seed = options.seed
        self.model = Opened("hazify", model)
        self.translator = self.model.photos
        self.fixed = not self.translator.scatters
        if self.fixed and given:
            raise SettingError(given[0], None, f"{model.model} puts in the haze that it was trained on; leave this out")

    def amount(self, name: str) -> AddHaze | None:
        """The haze of the photo or video of a name."""
        if self.fixed:
            return None
        density, (red, green, blue) = draw_parameters(self.density, self.airlight, self.seed, name)
        return AddHaze(density, (red, green, blue))

    def parallel(self) -> AbstractContextManager[None]:
        """See :class:`Task`."""
        return self.translator.parallel()

    def photo(self, picture: Picture, job: Job, threads: int) -> Translated:
        """See :class:`Task`."""
        amount = self.amount(job.name)
        return Translated(picture.translated(lambda pixels: self.translator(pixels, amount, threads)))

    def video(self, name: str, temporal: float) -> "VideoTranslator":
        """See :class:`Task`."""
        return self.model.video(temporal, self.amount(name))


def make_task(haze: DehazeOptions | HazifyOptions, model: ModelOptions, given: tuple[str, ...] = ()) -> Task:
    """The task that takes such options.

    Args:
        given: the fields of ``haze`` that the user set.

    Raises:
        ModelError, UsageError: as :class:`DehazeTask` and :class:`HazifyTask`.
    """
    return DehazeTask(haze, model) if isinstance(haze, DehazeOptions) else HazifyTask(haze, model, given)
