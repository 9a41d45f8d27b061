"""``claritygan hazify``."""

import typer

from claritygan_cli.batch.options import BatchOptions, HazifyOptions, InputOptions, ModelOptions, VideoOptions
from claritygan_cli.cli.arguments import Inputs
from claritygan_cli.cli.batch_command import run_batch
from claritygan_cli.cli.from_settings import was_given, with_settings
from claritygan_cli.settings import declared


@with_settings
def hazify(
    context: typer.Context,
    *,
    inputs: Inputs = None,
    where: InputOptions,
    haze: HazifyOptions,
    batch: BatchOptions,
    videos: VideoOptions,
    model: ModelOptions,
) -> None:
    """Put haze into photos and videos, thicker with distance.

    claritygan hazify ./clear --out ./hazy --density 0.6:1.8 --airlight 0.8:1.0 --seed 7
    """

    given = tuple(field.name for field, _ in declared(haze) if was_given(context, field.name))
    run_batch("hazify", inputs or [], where, haze, batch, videos, model, debug=context.obj, given=given)
