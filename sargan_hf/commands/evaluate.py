"""`sargan evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ConfigurationError


def command(
    model: Annotated[str, typer.Argument(help="Folder or Hub id of a model.")],
    data: Annotated[str, typer.Argument(help="Labelled expression dataset, or a folder of pictures without labels.")],
    report: Annotated[Path, typer.Option(help="Folder for report.json, edits.csv, sheets and index.html.")],
    classifier: Annotated[
        list[str] | None,
        typer.Option(help="Expression classifier: facex, fer, a folder or Hub id; repeatable. Default: facex and fer."),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split of the dataset.")] = None,
    held_out: Annotated[
        float | None, typer.Option(help="Evaluate on this share of the people, those that training holds out.")
    ] = None,
    people: Annotated[
        Path | None, typer.Option(help="Text file with one subject a line: evaluate on these people only.")
    ] = None,
    max_people: Annotated[int | None, typer.Option(help="Evaluate on so many people drawn at random.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the split, the draw and the bootstrap.")] = 0,
    revision: Annotated[str | None, typer.Option(help="Revision of the model on the Hub.")] = None,
) -> None:
    """Measure a model: readability, identity, fidelity, background and intensity, each with n and an interval."""
    from rich.progress import Progress

    from ..editing.pipeline_sargan import SARGANPipeline
    from ..evaluation.evaluate import default_evaluators, evaluate, some_people
    from ..evaluation.report import write_report
    from ..evaluation.samples import load_samples

    chosen = _read_people(people) if people else None
    samples = load_samples(data, split=split, held_out=held_out, people=chosen, seed=seed)
    if max_people:
        samples = some_people(samples, max_people, seed)
    evaluators = default_evaluators(classifier or ["facex", "fer"])
    pipeline = SARGANPipeline.from_pretrained(model, **({"revision": revision} if revision else {}))
    with Progress() as progress:
        task = progress.add_task("Editing and measuring", total=len(samples))
        evaluation = evaluate(
            pipeline,
            samples,
            evaluators,
            seed=seed,
            on_picture=lambda name: progress.advance(task),
            model=model,
            data=data,
            split=split,
            held_out=held_out,
        )
    page = write_report(evaluation, report)
    _print_summary(evaluation)
    typer.echo(f"Report: {page}")


def _read_people(path: Path) -> list[str]:
    try:
        names = path.read_text(encoding="utf-8").split()
    except OSError as error:
        raise ConfigurationError(f"The list of people {path} cannot be read: {error.strerror}.") from error
    if not names:
        raise ConfigurationError(f"The list of people {path} is empty; put one subject on each line.")
    return names


def _print_summary(evaluation) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("figure", "value", "95 % interval", "n", "people")
    for figure in evaluation.figures:
        if figure.domain == figure.skin_tone == "all" and (figure.expression == "all" or figure.metric == "ecs_top1"):
            name = figure.metric if figure.expression == "all" else f"  {figure.expression}"
            table.add_row(escape(name), f"{figure.value:.3f}", figure.interval, str(figure.n), str(figure.people))
    console = Console()
    console.print(table)
    if evaluation.measurements.failures:
        console.print(f"{len(evaluation.measurements.failures)} pictures could not be edited, see the report.")
