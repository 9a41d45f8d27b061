"""``claritygan dehaze``."""

import typer

from claritygan_cli.batch.options import BatchOptions, DehazeOptions, InputOptions, ModelOptions, VideoOptions
from claritygan_cli.cli.arguments import Inputs
from claritygan_cli.cli.batch_command import run_batch
from claritygan_cli.cli.from_settings import with_settings
from claritygan_cli.errors import SettingError


@with_settings
def dehaze(
    context: typer.Context,
    *,
    inputs: Inputs = None,
    where: InputOptions,
    haze: DehazeOptions,
    batch: BatchOptions,
    videos: VideoOptions,
    model: ModelOptions,
) -> None:
    """Take haze out of photos and videos.

    claritygan dehaze ./photos --out ./clear

    claritygan dehaze ride.mp4 --out clear.mp4 --codec hevc
    """

    if haze.report_maps and batch.report is None:
        raise SettingError("report_maps", None, "belongs to a report; name its file")
    run_batch("dehaze", inputs or [], where, haze, batch, videos, model, debug=context.obj)
