"""Whole requests: dehaze or hazify a set of inputs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from claritygan_cli.batch.haze_parameters import Span, draw_parameters
from claritygan_cli.batch.plan import Job, Plan
from claritygan_cli.batch.run import Result, Translate, Translated, run_jobs
from claritygan_cli.batch.video import VideoOptions, VideoResult, translate_video
from claritygan_cli.data.folders import image_files
from claritygan_cli.data.pairs import by_stem, truth_for
from claritygan_cli.engine.generators import ResnetGenerator
from claritygan_cli.errors import UsageError
from claritygan_cli.evaluation.metrics import score
from claritygan_cli.media.image_io import read_picture
from claritygan_cli.media.picture import Picture
from claritygan_cli.models.catalogue import open_model
from claritygan_cli.models.image_translator import ImageTranslator, choose_device
from claritygan_cli.models.video_translator import VideoTranslator
from claritygan_cli.models.weights import Direction


@dataclass(frozen=True)
class Engine:
    """Which model runs, and where.

    Attributes:
        model: name or path; None for the bundled default.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        threads: CPU threads; 0 leaves torch's choice.
        working_size: longest side at which the network predictions; None for the model's own.
    """

    model: str | None = None
    device: str = "auto"
    threads: int = 0
    working_size: int | None = None

    def open(self, direction: Direction) -> ImageTranslator:
        """Load the model.

        Raises:
            ModelError, UsageError: see :func:`open_model` and :func:`choose_device`.
        """
        if self.threads:
            torch.set_num_threads(self.threads)
        generator, _ = open_model(self.model, direction)
        return ImageTranslator(generator, choose_device(self.device), self.working_size)


@dataclass(frozen=True)
class Work:
    """What is done to inputs.

    Attributes:
        photo: translates one photo.
        video: from a video's name and the share of haze to keep from frame to frame, what translates its frames.
    """

    photo: Translate
    video: Callable[[str, float], VideoTranslator]


def dehazing(engine: Engine, strength: float = 1.0, ground_truth: Path | None = None) -> Work:
    """Dehazes photos and videos, and scores photos where their ground truth is known.

    Args:
        strength: 0 leaves photos as they are, 1 removes the haze that was seen, above removes more.
        ground_truth: folder of clear photos of the same names (RESIDE's names included).

    Raises:
        ModelError, UsageError: the model, device or folder is not usable.
    """
    if not strength >= 0:
        raise UsageError(f"--strength {strength}: must be a number of 0 or more")
    truths = by_stem(image_files(ground_truth)) if ground_truth else {}
    if ground_truth and not truths:
        raise UsageError(f"--ground-truth {ground_truth}: no such folder, or no pictures in it")
    translator = engine.open("dehaze")

    def translate(picture: Picture, job: Job) -> Translated:
        result = replace(picture, pixels=translator(picture.pixels, strength=strength))
        if not truths:
            return Translated(result)
        path = truth_for(job.source.stem, truths)
        if path is None:
            return Translated(result, problem=f"{job.source}: done, but no ground truth of its name in {ground_truth}")
        ours, truth = result.at_8_bits().pixels, read_picture(path).at_8_bits().pixels
        if ours.shape != truth.shape:
            return Translated(result, problem=f"{job.source}: done, but its ground truth {path} has another size")
        return Translated(result, score(ours, truth))

    return Work(translate, lambda _name, temporal: VideoTranslator(translator, temporal, strength=strength))


def hazing(
    engine: Engine, density: Span, airlight: tuple[Span, ...], seed: int = 0, asked: tuple[str, ...] = ()
) -> Work:
    """Puts haze into photos and videos.

    Args:
        density, airlight: what each photo's or video's haze is drawn from.
        seed: with its name it decides what is drawn.
        asked: options for all that, as the user wrote them.

    Raises:
        ModelError, UsageError: the model or device is not usable, or the model has no use for what was asked.
    """
    translator = engine.open("hazify")
    whole = isinstance(translator.generator, ResnetGenerator)  # puts in the haze that it was trained on
    if whole and asked:
        raise UsageError(f"{', '.join(asked)}: {engine.model} puts in the haze that it was trained on; leave this out")

    def translate(picture: Picture, job: Job) -> Translated:
        amount, colour = draw_parameters(density, airlight, seed, job.name)
        light = torch.tensor(colour, device=translator.device).reshape(1, 3, 1, 1)
        parameters = {} if whole else {"density": amount, "airlight": light}
        return Translated(replace(picture, pixels=translator(picture.pixels, **parameters)))

    def video(name: str, temporal: float) -> VideoTranslator:
        amount, colour = draw_parameters(density, airlight, seed, name)
        return VideoTranslator(translator, temporal, density=amount, airlight=colour)

    return Work(translate, video)


def do_plan(
    plan: Plan,
    work: Work,
    videos: VideoOptions,
    overwrite: bool,
    quality: int,
    debug: bool,
    progress: Callable[[Job, int | None], None],
) -> Iterator[Result]:
    """All results of a plan: first the inputs that lead to no job, then the jobs'.

    Args:
        progress: called for each frame of a video, with the number of frames expected if that is known.

    Raises:
        UsageError: the videos' codec and the containers do not go together.
    """

    for ending in {job.target.suffix.lower() for job in plan.jobs if job.video}:
        videos.encoding.options(videos.encoding.codec_for(ending))

    def translate_job(job: Job) -> VideoResult:
        translator = work.video(job.name, videos.temporal)
        return translate_video(job.source, job.target, translator, videos, partial(progress, job))

    for name, reason in plan.problems:
        yield Result(Job(name, Path(name), Path()), "failed", f"{name}: {reason}")
    yield from run_jobs(plan.jobs, work.photo, translate_job, overwrite, quality, debug)
