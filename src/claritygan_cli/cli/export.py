"""``claritygan export``."""

from pathlib import Path
from typing import Annotated

import typer

from claritygan_cli.cli.arguments import MODEL
from claritygan_cli.errors import SettingError


def export(
    model: Annotated[str, MODEL],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .onnx file to write.", show_default=False)],
    whole: Annotated[
        bool, typer.Option("--whole", help="From a picture of any size to the finished one, not the network alone.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Write a model as an ONNX graph, for other programs.

    claritygan export scattering-dehaze --out dehaze.onnx --whole
    """
    from claritygan_cli.models.exporting import OPSET, export_graph, graph_of
    from claritygan_cli.models.finding import find_card
    from claritygan_cli.models.loading import open_model

    if out.suffix != ".onnx":
        raise SettingError("out", out, "must end in .onnx")
    if out.exists() and not overwrite:
        raise SettingError("out", out, "exists already; --overwrite replaces it")
    generator, card = open_model(model, find_card(model).direction)
    graph = graph_of(generator, card, whole)
    error = export_graph(graph, card, out)
    sides = "1, 3, H, W" if whole else f"N, 3, {graph.multiple} i, {graph.multiple} j"
    inputs, outputs = ", ".join([f"image ({sides}) in [0, 1]", *graph.inputs[1:]]), ", ".join(graph.outputs)
    typer.echo(f"{out}: opset {OPSET}; {inputs} -> {outputs}; within {error:.1g} of PyTorch", err=True)
