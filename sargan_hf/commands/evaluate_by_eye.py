"""`sargan evaluate --compare`, `--open-key`, `--count-faults` and `--sum-faults`: what people see."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..evaluation.samples import Sample

Pictures = Annotated[
    list[str], typer.Argument(help="Folders of pictures or labelled sets; KIND=FOLDER names what a folder holds.")
]
Output = Annotated[Path, typer.Option(help="New folder for the page and its pictures.")]
Faces = Annotated[int | None, typer.Option(min=1, help="So many faces of each kind, drawn at random. Default: all.")]
HeldOut = Annotated[float | None, typer.Option(help="Only this share of the faces, those that training holds out.")]
Seed = Annotated[int, typer.Option(help="Seed of the held-out share and of the draw of faces.")]
Json = Annotated[Path | None, typer.Option("--json", help="File for the same figures as JSON.")]


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="Folder or Hub id of a model, or a folder of edits.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    pictures: Pictures,
    output: Output,
    faces: Faces = None,
    held_out: HeldOut = None,
    seed: Seed = 0,
    shuffle_seed: Annotated[
        int | None, typer.Option(help="Seed of order and sides. Default: one that only the key knows.")
    ] = None,
) -> None:
    """Write a blind test of two models, or of two folders of edits, for people: a page that opens from its file."""
    from ..evaluation.blind_test import write_blind_test
    from ..evaluation.framed_edits import face_finder

    samples = _samples(pictures, faces, held_out, seed)
    with progress("Editing", len(samples)) as advance:
        page, key = write_blind_test(a, b, samples, output, face_finder(), seed=shuffle_seed, on_picture=advance)
    typer.echo(f"Page: {page}\nKey, to be kept from whoever answers: {key}")


def open_key(
    key: Annotated[Path, typer.Argument(help="The key, OUTPUT.key.json.")],
    answers: Annotated[list[Path], typer.Argument(help="What the page saved, a file for every person.")],
    json_file: Json = None,
) -> None:
    """Open the key of a blind test and print who won, by kind and expression."""
    from rich.console import Console
    from rich.table import Table

    from ..evaluation.blind_result import open_result

    result = open_result(key, answers)
    table = Table("pairs", "A wins", "B wins", "same", "both broken", "B of decided", "95 % interval", "identical")
    for tally in result.tallies:
        share = tally.share_of_b()
        shown = (f"{share[0]:.3f}", f"{share[1]:.3f} to {share[2]:.3f}") if share else ("", "none decided")
        counts = map(str, (tally.a, tally.b, tally.same, tally.both_broken))
        table.add_row(tally.group, *counts, *shown, str(tally.identical))
    typer.echo(f"A: {result.key.a}\nB: {result.key.b}")
    for rater, count in result.answered.items():
        typer.echo(f"{rater}: {count} of {len(result.key.pairs)} pairs")
    Console().print(table)
    _write_json(json_file, result.as_dict())


def count_faults(
    model: Annotated[str, typer.Argument(help="Folder or Hub id of a model, or a folder of edits.")],
    pictures: Pictures,
    output: Output,
    faces: Faces = None,
    held_out: HeldOut = None,
    seed: Seed = 0,
) -> None:
    """Write a sheet of edits at 512 px with a form to count their faults on: a page that opens from its file."""
    from ..evaluation.fault_form import write_fault_form
    from ..evaluation.framed_edits import face_finder

    samples = _samples(pictures, faces, held_out, seed)
    with progress("Editing", len(samples)) as advance:
        page, failures = write_fault_form(model, samples, output, face_finder(), advance)
    for name, reason in failures.items():
        typer.echo(f"{name}: {reason}")
    typer.echo(f"Page: {page}")


def sum_faults(
    answers: Annotated[list[Path], typer.Argument(help="What the page saved; several pages of one model add up.")],
    json_file: Json = None,
) -> None:
    """Print the faults that were counted, by kind and expression."""
    from rich.console import Console
    from rich.table import Table

    from ..evaluation.fault_form import FAULTS, PLACES
    from ..evaluation.fault_form import sum_faults as summed

    counts = summed(answers)
    table = Table(
        "kind", "expression", "edits", *FAULTS, "95 % interval of broken", *(f"at {place}" for place in PLACES)
    )
    for count in counts:
        shares = [f"{count.share(fault)[0]:.1%} ({count.faults[fault]})" for fault in FAULTS]
        _, low, high = count.share("broken")
        places = [str(count.faults[place]) for place in PLACES]
        table.add_row(count.kind, count.expression, str(count.edits), *shares, f"{low:.1%} to {high:.1%}", *places)
    Console().print(table)
    _write_json(json_file, [count.as_dict() for count in counts])


def _samples(pictures: Sequence[str], faces: int | None, held_out: float | None, seed: int) -> "list[Sample]":
    """The neutral and unlabelled pictures among `pictures`, as an edit starts from these."""
    from ..errors import DatasetError
    from ..evaluation.samples import load_samples, some_of_each_kind

    found = load_samples(pictures, held_out=held_out, seed=seed)
    neutral = [sample for sample in found if sample.expression in (None, "neutral")]
    if not neutral:
        raise DatasetError(f"None of the {len(found)} pictures in {', '.join(pictures)} is neutral. Add neutral ones.")
    return some_of_each_kind(neutral, faces, seed) if faces else neutral


@contextmanager
def progress(what: str, total: int) -> "Iterator[Callable[[str], object]]":
    """A bar on the terminal; gives the function that moves it on by one picture."""
    from rich.progress import Progress

    with Progress() as bar:
        task = bar.add_task(what, total=total)
        yield lambda name: bar.advance(task)


def _write_json(path: Path | None, content: object) -> None:
    if path is not None:
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
        typer.echo(f"JSON: {path}")
