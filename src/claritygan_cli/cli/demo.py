"""``claritygan demo``."""

from pathlib import Path
from typing import Annotated

import typer

from claritygan_cli.batch.options import ModelOptions
from claritygan_cli.cli.from_settings import with_settings


@with_settings
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the pictures.", show_default=False)],
    model: ModelOptions,
) -> None:
    """Hazify, dehaze and score real photographs; nothing to download.

    The photos are scikit-image's own. The motorcycle scene's haze follows its measured depth; that of the others
    follows the depth that the hazifier predicts.
    """
    from claritygan_cli.batch.tasks import open_translator
    from claritygan_cli.cli.scores import show_scores
    from claritygan_cli.evaluation.demo import SHEET, run_demo

    hazifier = open_translator("hazify", ModelOptions(device=model.device, threads=model.threads))
    scored = run_demo(out, open_translator("dehaze", model), hazifier)
    show_scores(scored, "demo", len(scored))
    typer.echo(f"Pictures are in {out}; look at {out / SHEET} first.", err=True)
