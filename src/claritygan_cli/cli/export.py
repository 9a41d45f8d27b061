"""``claritygan export``."""

from pathlib import Path
from typing import Annotated

import typer

from claritygan_cli.errors import SettingError


def export(
    model: Annotated[
        str, typer.Argument(help="A bundled model, a .safetensors file, or a run's folder.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .onnx file to write.", show_default=False)],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Write a model's network as an ONNX graph, for other programs.

    claritygan export scattering-dehaze --out dehaze.onnx
    """
    from claritygan_cli.models.exporting import OPSET, export_network, outputs_of
    from claritygan_cli.models.loading import find_card, open_model

    if out.suffix != ".onnx":
        raise SettingError("out", out, "must end in .onnx")
    if out.exists() and not overwrite:
        raise SettingError("out", out, "exists already; --overwrite replaces it")
    generator, card = open_model(model, find_card(model).direction)
    error = export_network(generator, card, out)
    sides, outputs = generator.multiple, ", ".join(outputs_of(generator, card))
    typer.echo(
        f"{out}: opset {OPSET}; image (N, 3, {sides} i, {sides} j) in [0, 1] -> {outputs}; within {error:.1g} of PyTorch",
        err=True,
    )
