"""``claritygan eval``."""

from claritygan_cli.batch.options import ModelOptions
from claritygan_cli.cli.from_settings import with_settings
from claritygan_cli.errors import SettingError
from claritygan_cli.evaluation.options import EvalOptions


@with_settings
def evaluate(what: EvalOptions, model: ModelOptions) -> None:
    """Score a dehazer, or finished pictures and videos: PSNR, SSIM, CIEDE2000.

    Pictures are paired by name, RESIDE's names included; frames by their order. Without a data set or finished pictures
    the bundled model is scored on built-in examples, to check an installation.

    A folder without pairs ends with exit code 2; a picture that cannot be read, or whose ground truth has another size,
    with exit code 1 and no scores.

    claritygan eval --data SOTS/indoor

    claritygan eval --pred results/ --gt clear/ --csv scores.csv
    """
    from claritygan_cli.batch.tasks import open_translator
    from claritygan_cli.cli.scores import show_scores
    from claritygan_cli.data.pairs import find_pairs, pair_folders
    from claritygan_cli.evaluation import evaluate as scoring
    from claritygan_cli.evaluation.examples import PHOTOS
    from claritygan_cli.evaluation.metrics import PROTOCOL
    from claritygan_cli.evaluation.report_page import Thumbnails, row_of, write_page

    crop, frames = what.crop is not None, False
    thumbnail = Thumbnails() if what.report is not None else None
    if what.pred is not None and what.gt is not None:
        if model.model is not None:
            raise SettingError("model", model.model, "finished pictures are scored without one; leave it out")
        from claritygan_cli.evaluation.video import evaluate_frames, is_frames

        name, frames = str(what.pred), is_frames(what.pred)
        pairs = [] if frames else pair_folders(what.pred, what.gt)
        finished = evaluate_frames(what.pred, what.gt, crop, thumbnail) if frames else None
        scored = finished or scoring.evaluate_pictures(pairs, crop, thumbnail)
        count = None if frames else len(pairs)
    elif what.data is not None:
        pairs = find_pairs(what.data)
        name, count = str(what.data), len(pairs)
        scored = scoring.evaluate_model(open_translator("dehaze", model), pairs, crop, thumbnail)
    else:
        name, count = "built-in examples", len(PHOTOS) + 1
        hazifier = open_translator("hazify", ModelOptions(device=model.device))
        scored = scoring.evaluate_examples(open_translator("dehaze", model), hazifier, thumbnail)
    if thumbnail is not None and count is not None:
        thumbnail.share(3 * count)
    found = show_scores(
        scored, name, count, as_json=what.json, csv=what.csv, quiet=what.quiet, cropped=crop, rows=not frames
    )
    if what.report is not None:
        write_page(what.report, f"claritygan eval: {name}", PROTOCOL, [row_of(one) for one in found])
