"""``claritygan benchmark``."""

from typing import Annotated

import typer

from claritygan_cli.cli.arguments import complete_model
from claritygan_cli.cli.from_settings import with_settings
from claritygan_cli.deploy.options import BenchmarkOptions


@with_settings
def benchmark(
    options: BenchmarkOptions,
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="Bundled models, .safetensors or .onnx files, run folders.",
            show_default="the dehazer",
            autocompletion=complete_model,
        ),
    ] = None,
) -> None:
    """Measure how fast models translate photos here, and in how much memory: from pixels to pixels, on the CPU.

    Reading and writing files is not part of it. Close other programs first.

    claritygan benchmark scattering-dehaze small.onnx --threads 2
    """
    import json
    from dataclasses import asdict

    from tqdm import tqdm

    from claritygan_cli.deploy.benchmark import machine, measurements, table

    wanted = models or ["scattering-dehaze"]
    found = list(tqdm(measurements(wanted, options), unit="measurement", disable=None, delay=1, leave=False))
    described = machine()
    if options.json:
        rows = [asdict(one) | {"megapixels_a_second": one.megapixels_a_second} for one in found]
        typer.echo(json.dumps({"machine": described, "measurements": rows}, indent=2))
        return
    typer.echo(table(found))
    versions = ", ".join(f"{name} {number}" for name, number in described["versions"].items())
    instructions = " ".join(described["instructions"]) or "no special instructions"
    typer.echo(f"{described['system']}, {described['cores']} cores, {instructions}; {versions}")
