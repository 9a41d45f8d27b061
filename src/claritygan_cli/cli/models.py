"""``claritygan models``."""

from pathlib import Path
from typing import Annotated

import typer

from claritygan_cli.cli.options import Direction, Json

app = typer.Typer(invoke_without_command=True, help="List the bundled models with their scores; import others.")


@app.callback()
def models(context: typer.Context, json: Json = False) -> None:
    """List the bundled models with their scores; import others."""
    if context.invoked_subcommand is not None:
        return
    import json as json_module
    from dataclasses import asdict

    from claritygan_cli.models.catalogue import catalogue, weights_folder
    from claritygan_cli.models.weights import read_card

    entries = [(entry, read_card(weights_folder() / entry.file)) for entry in catalogue()]
    if json:
        typer.echo(json_module.dumps([{**asdict(entry), **asdict(card)} for entry, card in entries], indent=1))
        return
    for entry, card in entries:
        size = (weights_folder() / entry.file).stat().st_size / 2**20
        default = f", default of '{entry.direction}'" if entry.default else ""
        typer.echo(f"{entry.name}  ({card.generator} generator, {size:.1f} MiB{default})")
        for data, scores in card.scores.items():
            typer.echo(
                f"    {data}: "
                + ", ".join(f"{name} {value:.4g}" for name, value in scores.items() if value is not None)
            )


@app.command("import")
def import_model(
    checkpoint: Annotated[
        Path,
        typer.Argument(help="A generator's .pth in the layout of pytorch-CycleGAN or of the ClarityGAN notebooks."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .safetensors file to write.")],
    direction: Annotated[Direction, typer.Option(help="What it does.")] = Direction.dehaze,
    network: Annotated[str | None, typer.Option(help="Which one, if the file holds several.")] = None,
) -> None:
    """StepKind a pickled checkpoint into a weights file that --model takes."""
    from claritygan_cli.errors import UsageError
    from claritygan_cli.models.importing import import_resnet

    if out.suffix != ".safetensors" or out.resolve() == checkpoint.resolve():
        raise UsageError(f"--out {out}: must be another file that ends in .safetensors")
    if out.exists():
        raise UsageError(f"--out {out}: exists already; name another file")
    card = import_resnet(checkpoint, direction.value, out, network)
    typer.echo(f"{out}: {card.generator} generator, {card.numbers}", err=True)
