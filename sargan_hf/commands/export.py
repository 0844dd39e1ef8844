"""`sargan export`: writes a model as ONNX."""

from pathlib import Path
from typing import Annotated

import typer

from ..hub import load_model
from ..inference.load_generator import MOUTH_FOLDER, mouth_folder
from ..inference.onnx_export import export_onnx
from ..model_source import find_source


def command(
    model: Annotated[str, typer.Argument(help="Model folder, or repository on the Hub.")],
    output: Annotated[Path, typer.Argument(help="Folder to write config.json and onnx/ to; may be the model's own.")],
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of the repository.")] = None,
) -> None:
    """Write a model as ONNX: float32, half precision and 8-bit weights, each with its measured error."""
    source = find_source(model, revision=revision)
    files = export_onnx(load_model(source, revision=revision), output)
    mouth = mouth_folder(source, revision=revision)
    if mouth is not None:
        files += export_onnx(load_model(source, revision=revision, subfolder=mouth), Path(output, MOUTH_FOLDER))
    for file in files:
        size = file.path.stat().st_size / 1e6
        typer.echo(f"{file.path}  {size:.1f} MB  error {file.largest_error:.1e} (mean {file.mean_error:.1e})")
