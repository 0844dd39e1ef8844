"""`sargan mouths`: makes the training set of a mouth refiner."""

from pathlib import Path
from typing import Annotated

import typer

from ..data.loading import load_expression_dataset
from ..data.mouth_pairs import make_mouths
from ..expressions import EXPRESSIONS
from ..inference import load_generator


def mouths(
    source: Annotated[
        str, typer.Argument(metavar="SET", help="Folder or Hub id of an expression set of 256 px or more.")
    ],
    output: Annotated[Path, typer.Argument(help="Folder of the new set.")],
    model: Annotated[str, typer.Option(help="Model with the mouths to refine: a folder or Hub id.")],
    seed: Annotated[int, typer.Option(help="Of the starting expressions and of the alignment's error.")] = 0,
) -> None:
    """Make the training set of a mouth refiner: mouths as blurred as a model leaves them, beside the true ones."""
    dataset = load_expression_dataset(source, expressions=EXPRESSIONS)
    print(f"{make_mouths(dataset, load_generator(model), output, seed):,} mouths are in {output}.")
