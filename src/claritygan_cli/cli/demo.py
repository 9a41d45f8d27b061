"""``claritygan demo``."""

from pathlib import Path
from typing import Annotated

import typer

from claritygan_cli.cli import options


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the pictures.")],
    device: options.DeviceChoice = options.Device.auto,
    threads: options.Threads = 0,
) -> None:
    """Hazify, dehaze and score real photographs; nothing to download.

    The photos are scikit-image's own. The motorcycle scene's haze follows its measured depth; that of the others
    follows the depth that the hazifier predicts.
    """
    from claritygan_cli.batch.tasks import Engine
    from claritygan_cli.cli.scores import show_scores
    from claritygan_cli.evaluation.demo import SHEET, run_demo

    engine = Engine(device=device.value, threads=threads)
    scored = run_demo(out, engine.open("dehaze"), engine.open("hazify"))
    show_scores(scored, "demo", len(scored))
    typer.echo(f"Pictures are in {out}; look at {out / SHEET} first.", err=True)
