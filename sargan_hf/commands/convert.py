"""`sargan convert`: turns a reference checkpoint into a model folder."""

from pathlib import Path
from typing import Annotated

import typer

from ..convert import convert_checkpoint
from ..expressions import EXPRESSIONS


def command(
    checkpoint: Annotated[Path, typer.Argument(help="The reference's generator checkpoint, such as sargan_G.ckpt.")],
    output: Annotated[Path, typer.Argument(help="Folder to write the model to.")],
    expressions: Annotated[str, typer.Option(help="Expressions in the order of its training.")] = ",".join(EXPRESSIONS),
) -> None:
    """Turn a checkpoint of the reference implementation into a model folder."""
    convert_checkpoint(checkpoint, output, [name.strip() for name in expressions.split(",")])
    typer.echo(f"Saved {output}")
