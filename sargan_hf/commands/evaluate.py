"""`sargan evaluate`: measures a model, and with a flag in front writes pages for people's eyes."""

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from ..errors import ConfigurationError
from . import evaluate_by_eye

# Each of these flags makes another command of this one, with options of its own.
MODES = {
    "--compare": evaluate_by_eye.compare,
    "--open-key": evaluate_by_eye.open_key,
    "--count-faults": evaluate_by_eye.count_faults,
    "--sum-faults": evaluate_by_eye.sum_faults,
}
_MEASURE = "measure"
_RESERVE_PRINTED = ("ecs_top1", "ecs_top1_before", "ecs_rises", "neutralised_top1", "round_trip_top1")
_EPILOG = "For people's eyes: " + ", ".join(f"sargan evaluate {flag} --help" for flag in MODES)


Data = Annotated[
    list[str],
    typer.Argument(
        help="Labelled expression datasets, or folders of pictures without labels; KIND=FOLDER names what one holds."
    ),
]
Classifiers = Annotated[
    list[str] | None,
    typer.Option(help="Expression classifier: facex, fer, a folder or Hub id; repeatable. Default: facex and fer."),
]
HeldOut = Annotated[
    float | None, typer.Option(help="Evaluate on this share of the people, those that training holds out.")
]
People = Annotated[Path | None, typer.Option(help="Text file with one subject a line: evaluate on these people only.")]
Reserve = Annotated[
    bool,
    typer.Option(
        "--reserve", help="Let the net in reserve (face-api, MIT, from npm) read the edits too. For releases only."
    ),
]


def command(
    model: Annotated[str, typer.Argument(help="Folder or Hub id of a model.")],
    data: Data,
    report: Annotated[Path, typer.Option(help="Folder for report.json, edits.csv, sheets and index.html.")],
    classifier: Classifiers = None,
    split: Annotated[str | None, typer.Option(help="Split of the dataset.")] = None,
    held_out: HeldOut = None,
    people: People = None,
    max_people: Annotated[int | None, typer.Option(help="Evaluate on so many people drawn at random.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the split, the draw and the bootstrap.")] = 0,
    revision: Annotated[str | None, typer.Option(help="Revision of the model on the Hub.")] = None,
    reserve: Reserve = False,
) -> None:
    """Measure a model: readability, identity, fidelity, background and intensity, each with n and an interval."""
    from ..editing.pipeline_sargan import SARGANPipeline
    from ..evaluation.evaluate import default_evaluators, evaluate, some_people
    from ..evaluation.report import write_report
    from ..evaluation.samples import load_samples

    chosen = _read_people(people) if people else None
    samples = load_samples(data, split=split, held_out=held_out, people=chosen, seed=seed)
    if max_people:
        samples = some_people(samples, max_people, seed)
    evaluators = default_evaluators(classifier or ["facex", "fer"], reserve)
    pipeline = SARGANPipeline.from_pretrained(model, **({"revision": revision} if revision else {}))
    about = {"model": model, "data": ", ".join(data), "split": split, "held_out": held_out}
    with evaluate_by_eye.progress("Editing and measuring", len(samples)) as advance:
        evaluation = evaluate(pipeline, samples, evaluators, seed=seed, on_picture=advance, **about)
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
        if figure.domain == figure.skin_tone == figure.group == "all" and (
            figure.expression == "all" or figure.metric == "ecs_top1"
        ):
            name = figure.metric if figure.expression == "all" else f"  {figure.expression}"
            table.add_row(escape(name), f"{figure.value:.3f}", figure.interval, str(figure.n), str(figure.people))
    console = Console()
    console.print(table)
    if evaluation.reserve:
        _print_reserve(evaluation.reserve, console)
    if evaluation.measurements.failures:
        console.print(f"{len(evaluation.measurements.failures)} pictures could not be edited, see the report.")


def _print_reserve(reserve, console) -> None:
    from rich.table import Table

    from ..evaluation.reserve_net import RESERVE_LICENCE, RESERVE_WARNING

    title = f"In reserve: {', '.join(reserve.classifiers)} ({RESERVE_LICENCE})"
    table = Table("figure", "expression", "value", "95 % interval", "n", "people", title=title)
    for figure in reserve.figures:
        if figure.domain == figure.skin_tone == figure.group == "all" and figure.metric in _RESERVE_PRINTED:
            counts = (str(figure.n), str(figure.people))
            table.add_row(figure.metric, figure.expression, f"{figure.value:.3f}", figure.interval, *counts)
    console.print(table)
    console.print(RESERVE_WARNING, style="bold")


class _Modes(TyperGroup):
    """Reads `sargan evaluate --compare A B` as the command of that name, and anything else as measuring."""

    def parse_args(self, ctx, args: list[str]) -> list[str]:
        mode = next((arg for arg in args if arg in MODES), None)
        rest = list(args)
        if mode is not None:
            rest.remove(mode)
        return super().parse_args(ctx, [mode.strip("-") if mode else _MEASURE, *rest])

    def resolve_command(self, ctx, args: list[str]):
        name, found, rest = super().resolve_command(ctx, args)
        # As people type it, for "Usage: sargan evaluate --compare".
        return "" if name == _MEASURE else f"--{name}", found, rest


def _make_app() -> typer.Typer:
    app = typer.Typer(cls=_Modes, add_completion=False, pretty_exceptions_enable=False)
    app.command(_MEASURE, epilog=_EPILOG)(command)
    for flag, function in MODES.items():
        app.command(flag.strip("-"))(function)
    return app


evaluate_app = _make_app()
