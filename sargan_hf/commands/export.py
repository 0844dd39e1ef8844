"""`sargan export`: writes a model as ONNX, or as a folder that edits faces in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ConfigurationError
from ..hub import load_model
from ..inference.load_generator import MOUTH_FOLDER, mouth_folder
from ..model_source import DEFAULT_MODEL, find_source


def command(
    model: Annotated[str, typer.Argument(help="Model folder, or repository on the Hub.")] = DEFAULT_MODEL,
    output: Annotated[
        Path | None, typer.Argument(help="Folder to write config.json and onnx/ to; may be the model's own.")
    ] = None,
    web: Annotated[
        Path | None, typer.Option(help="Folder to write a page to that edits on the visitor's own device.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of the repository.")] = None,
) -> None:
    """Write a model as ONNX: float32, half precision and 8-bit weights, each with its measured error."""
    if output is None and web is None:
        raise ConfigurationError("Say where to write: `sargan export MODEL OUT`, or `sargan export MODEL --web OUT`.")
    if output is not None:
        _write_onnx(model, output, revision)
    if web is not None:
        write_web(model, web, revision)


def _write_onnx(model: str, output: Path, revision: str | None) -> None:
    from ..inference.onnx_export import export_onnx

    source = find_source(model, revision=revision)
    files = export_onnx(load_model(source, revision=revision), output)
    mouth = mouth_folder(source, revision=revision)
    if mouth is not None:
        files += export_onnx(load_model(source, revision=revision, subfolder=mouth), Path(output, MOUTH_FOLDER))
    for file in files:
        size = file.path.stat().st_size / 1e6
        typer.echo(f"{file.path}  {size:.1f} MB  error {file.largest_error:.1e} (mean {file.mean_error:.1e})")


def write_web(model: str, web: Path, revision: str | None = None) -> None:
    """Writes the web folder of a model and its mouth refiner, and says how large it is."""
    from ..web.web_folder import write_web_folder

    source = find_source(model, revision=revision)
    mouth = mouth_folder(source, revision=revision)
    sizes = write_web_folder(
        load_model(source, revision=revision),
        None if mouth is None else load_model(source, revision=revision, subfolder=mouth),
        web,
        Path(source.name).name,
    )
    typer.echo(
        f"{web}  {sum(sizes.values()) / 1e6:.1f} MB in {len(sizes)} files. `sargan web --folder {web}` shows it."
    )
