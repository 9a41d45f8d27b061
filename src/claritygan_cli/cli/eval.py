"""``claritygan eval``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from claritygan_cli.cli import options


class Crop(StrEnum):
    """What to do about pictures of different sizes."""

    CENTER = "center"


def evaluate(
    data: Annotated[
        Path | None, typer.Option(help="RESIDE folder (ITS, OTS, SOTS), or one with hazy/ and clear/ or gt/.")
    ] = None,
    model: options.Model = None,
    pred: Annotated[
        Path | None, typer.Option(help="Folder of finished pictures, or a video, with --gt; no model runs.")
    ] = None,
    gt: Annotated[Path | None, typer.Option(help="Folder of their ground truths; a video's, or its frames.")] = None,
    crop: Annotated[Crop | None, typer.Option(help="Compare the common middle where sizes differ.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write a row per picture to this file.")] = None,
    json: options.Json = False,
    device: options.DeviceChoice = options.Device.auto,
    threads: options.Threads = 0,
    working_size: options.WorkingSize = None,
    quiet: options.Quiet = False,
) -> None:
    """Score a dehazer, or finished pictures and videos: PSNR, SSIM, CIEDE2000.

    Pictures are paired by name, RESIDE's names included; frames by their order. Without --data or --pred the bundled
    model is scored on built-in examples, to check an installation.

    A folder without pairs ends with exit code 2; a picture that cannot be read, or whose ground truth has another size,
    with exit code 1 and no scores.
    """
    from claritygan_cli.batch.tasks import Engine
    from claritygan_cli.cli.scores import show_scores
    from claritygan_cli.data.pairs import find_pairs, pair_folders
    from claritygan_cli.errors import UsageError
    from claritygan_cli.evaluation import evaluate as scoring
    from claritygan_cli.evaluation.examples import PHOTOS
    from claritygan_cli.evaluation.video import evaluate_frames, is_frames

    if (pred is None) != (gt is None):
        raise UsageError("--pred and --gt go together")
    if pred is not None and (data is not None or model is not None):
        raise UsageError("--pred scores finished pictures: leave out --data and --model")
    cropped = crop is not None
    video = pred is not None and is_frames(pred)
    if pred is not None and gt is not None and video:
        what, count, scored = str(pred), None, evaluate_frames(pred, gt, cropped)
    elif pred is not None and gt is not None:
        pairs = pair_folders(pred, gt)
        what, count, scored = str(pred), len(pairs), scoring.evaluate_pictures(pairs, cropped)
    else:
        dehazer = Engine(model, device.value, threads, working_size)
        if data is not None:
            pairs = find_pairs(data)
            what, count = str(data), len(pairs)
            scored = scoring.evaluate_model(dehazer.open("dehaze"), pairs, cropped)
        else:
            what, count = "built-in examples", len(PHOTOS) + 1
            scored = scoring.evaluate_examples(dehazer.open("dehaze"), Engine(device=device.value).open("hazify"))
    show_scores(scored, what, count, as_json=json, csv=csv, quiet=quiet, cropped=cropped, rows=not video)
