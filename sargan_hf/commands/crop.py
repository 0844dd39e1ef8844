"""`sargan crop`."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    source: Annotated[str, typer.Argument(help="Folder, published set or Hub id with labelled pictures.")],
    output: Annotated[Path, typer.Argument(help="Folder for the crops, to be given to `sargan train`.")],
    size: Annotated[int, typer.Option(min=32, help="Side of the crops; a quarter more than you train at.")] = 160,
    adapter: Annotated[str | None, typer.Option(help="Name of the published set, where it is not recognised.")] = None,
    split: Annotated[
        str | None, typer.Option(help="Part of the set; by default train, or the only one there is.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Revision of a data set on the Hub.")] = None,
) -> None:
    """Cut the faces out of a labelled set, ready for training."""
    from rich.progress import Progress

    from ..data.cropping import write_crops
    from ..data.loading import load_expression_dataset

    dataset = load_expression_dataset(source, split=split, adapter=adapter, revision=revision, refuse_damaged=False)
    part = str(dataset.split or split or "train")
    with Progress() as progress:
        task = progress.add_task("Cropping", total=len(dataset))
        summary = write_crops(dataset, output, size, part, on_picture=lambda: progress.advance(task))
    reasons = [
        f"{count} {what}"
        for count, what in ((summary.faceless, "show no face"), (summary.damaged, "are damaged"))
        if count
    ]
    listed = f"; {' and '.join(reasons)}, listed in skipped-{part}.csv" if reasons else ""
    typer.echo(f"{summary.pictures} faces in {output}{listed}.")
