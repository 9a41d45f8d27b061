"""``claritygan quantize``."""

from typing import Annotated

import typer

from claritygan_cli.cli.arguments import MODEL
from claritygan_cli.cli.from_settings import with_settings
from claritygan_cli.deploy.options import QuantizeOptions


@with_settings
def quantize(
    model: Annotated[str, MODEL],
    options: QuantizeOptions,
) -> None:
    """Make a model's network compute with 8-bit whole numbers: smaller, and faster where the processor has them.

    The result is for dehaze, hazify and eval --model. Size, time and scores before and after are printed and stand in
    its card; where more is lost than allowed, nothing is written, and the exit code is 1.

    claritygan quantize scattering-dehaze --calibration hazy-photos/ --out small.onnx
    """
    import json

    from tqdm import tqdm

    from claritygan_cli.deploy.quantize import quantize_model, table

    with tqdm(
        total=1, disable=None, delay=1, leave=False, bar_format="{percentage:5.1f}% {elapsed}<{remaining}"
    ) as bar:

        def show(share: float) -> None:
            bar.update(share - bar.n)

        report = quantize_model(model, options, show)
    typer.echo(json.dumps(report.as_dict(), indent=2) if options.json else table(report))
    typer.echo(f"{options.out}: written", err=True)
