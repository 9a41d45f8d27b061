"""``claritygan models``."""

import json as json_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claritygan_cli.cli.arguments import MODEL, Direction, Json
from claritygan_cli.errors import SettingError

if TYPE_CHECKING:
    from claritygan_cli.models.card import ModelCard
    from claritygan_cli.models.catalogue import Entry

IMPORT = "import"


def models(
    context: typer.Context,
    name: Annotated[
        str | None,
        MODEL,
    ] = None,
    json: Json = False,
) -> None:
    """List the bundled models with their scores, or print one model's card.

    claritygan models

    claritygan models scattering-dehaze
    """
    from dataclasses import asdict

    from claritygan_cli.models.catalogue import catalogue, weights_folder
    from claritygan_cli.models.finding import find_card

    if name is not None:
        card = find_card(name)
        typer.echo(json_module.dumps(asdict(card), indent=1) if json else described(card))
        return
    entries = [(entry, known_card(entry)) for entry in catalogue()]
    if json:
        listed = [{**asdict(entry), **(asdict(card) if card else {})} for entry, card in entries]
        typer.echo(json_module.dumps(listed, indent=1))
        return
    for entry, known in entries:
        size = (weights_folder() / entry.file).stat().st_size / 2**20
        kind = f"{known.generator} generator" if known else f"for '{entry.direction}'; its card needs ONNX Runtime"
        default = f", default of '{entry.direction}'" if entry.default else ""
        default += f", of '{entry.direction}' in ONNX Runtime on fast 8-bit processors" if entry.int8_default else ""
        typer.echo(f"{entry.name}  ({kind}, {size:.1f} MiB{default})")
        for data, scores in (known.scores if known else {}).items():
            typer.echo(f"    {data}: {numbers(scores)}")


def known_card(entry: "Entry") -> "ModelCard | None":
    """The card of a bundled model; None for a graph where there is no ONNX Runtime to read it."""
    from claritygan_cli.models.finding import find_card

    if entry.file.endswith(".onnx") and find_spec("onnxruntime") is None:
        return None
    return find_card(entry.name)


def numbers(values: dict[str, Any]) -> str:
    """Scores in a line."""
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items() if value is not None)


def described(card: "ModelCard") -> str:
    """A card as text."""
    lines = [f"{card.generator} generator, for {card.direction}"]
    for title, values in (
        ("architecture", card.architecture),
        ("restoration", card.restoration),
        ("recipe", card.recipe),
    ):
        lines += ["", title, *(f"    {name}: {value}" for name, value in values.items())]
    lines += ["", "trained on", *(f"    {name}" for name in card.data)]
    lines += ["", "scores", *(f"    {name}: {numbers(values)}" for name, values in card.scores.items())]
    return "\n".join(lines)


def import_model(
    checkpoint: Annotated[
        Path,
        typer.Argument(help="A generator's .pth in the layout of pytorch-CycleGAN or of the ClarityGAN notebooks."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .safetensors file to write.", show_default=False)],
    direction: Annotated[Direction, typer.Option(help="What it does.")] = Direction.dehaze,
    network: Annotated[
        str | None, typer.Option(help="Which one, if the file holds several.", show_default=False)
    ] = None,
) -> None:
    """Turn a pickled checkpoint into a weights file that --model takes."""
    from claritygan_cli.models.importing import import_resnet

    if out.suffix != ".safetensors" or out.resolve() == checkpoint.resolve():
        raise SettingError("out", out, "must be another file that ends in .safetensors")
    if out.exists():
        raise SettingError("out", out, "exists already; name another file")
    card = import_resnet(checkpoint, direction.value, out, network)
    typer.echo(f"{out}: {card.generator} generator, {card.architecture}", err=True)
