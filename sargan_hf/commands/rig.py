"""The command `sargan rig`: portraits to data set, contact sheets, and the face model's file."""

import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..rig.rendering.variation import ControlShares

DEFAULT_COMMAND = "make"


class _MakeByDefault(TyperGroup):
    """`sargan rig PORTRAITS` means `sargan rig make PORTRAITS`."""

    def parse_args(self, ctx, args):
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)


rig_app = typer.Typer(
    cls=_MakeByDefault,
    no_args_is_help=True,
    add_completion=False,
    help="Neutral portraits in, a labelled seven-expression data set out: sargan rig PORTRAITS --output DIR.",
)

Portraits = Annotated[
    list[Path],
    typer.Argument(help="Folders or pictures of neutral faces; .csv or .tem landmarks beside them are used."),
]


@rig_app.command(DEFAULT_COMMAND)
def make(
    portraits: Portraits,
    output: Annotated[Path, typer.Option(help="Folder of the data set.")],
    variants: Annotated[int, typer.Option(min=1, help="Sets of seven expressions per person.")] = 2,
    morphs: Annotated[int, typer.Option(min=0, help="New people, each mixed from two portraits.")] = 0,
    size: Annotated[int, typer.Option(min=32, help="Side of the pictures in pixels.")] = 160,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    motion: Annotated[bool, typer.Option("--motion", help="Add exact motion maps.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted run.")] = False,
    real: Annotated[
        list[str] | None,
        typer.Option(
            help="FOLDER=EXPRESSION: pictures that show it for real; those named like a portrait join its sets. Repeatable."
        ),
    ] = None,
    recipes: Annotated[Path | None, typer.Option(help="Table of expressions instead of the built-in one.")] = None,
    per_expression: Annotated[int, typer.Option(min=1, help="Different recipes per expression and set.")] = 1,
    most_common_only: Annotated[
        bool,
        typer.Option(
            "--most-common-only", "--one-way", help="Use each expression's most common recipe and its variants."
        ),
    ] = False,
    subtle: Annotated[
        float, typer.Option("--subtle", "--faint", min=0, max=1, help="Share of expressions at intensity 0.4 to 0.8.")
    ] = 0.15,
    head_turn: Annotated[float, typer.Option(min=0, max=1, help="Share of sets with a turned head.")] = 0.25,
    gaze: Annotated[float, typer.Option(min=0, max=1, help="Share of sets with another gaze.")] = 0.5,
    relight: Annotated[float, typer.Option(min=0, max=1, help="Share of sets with a light from one side.")] = 0.25,
    backdrop: Annotated[float, typer.Option(min=0, max=1, help="Share of sets with another background.")] = 0.2,
    beard: Annotated[float, typer.Option(min=0, max=1, help="Share of sets with a painted beard.")] = 0.0,
    controls: Annotated[int, typer.Option(min=0, help="Further pictures per set with drawn facial controls.")] = 0,
    control_share: Annotated[
        list[str] | None,
        typer.Option(help="KIND=SHARE of those: alone, several, recipe or eyes, relative to each other. Repeatable."),
    ] = None,
    face_model: Annotated[
        Path | None, typer.Option(help="The face model's file; else the one in SARGAN_ASSETS, else the package's.")
    ] = None,
) -> None:
    """Make a data set that `datasets.load_dataset` reads."""
    from ..rig.dataset.build import build_dataset
    from ..rig.dataset.work_units import RigSettings
    from ..rig.rendering.recipes import commonest_ways, default_recipes, read_recipes
    from ..rig.rendering.variation import RenderOptions

    table = read_recipes(recipes) if recipes else default_recipes()
    options = RenderOptions(
        recipes=commonest_ways(table) if most_common_only else table,
        recipes_per_expression=per_expression,
        faint=subtle,
        head_turn=head_turn,
        gaze=gaze,
        relight=relight,
        backdrop=backdrop,
        beard=beard,
        controls=controls,
        control_shares=_control_shares(control_share or [], controls),
        motion=motion,
    )
    settings = RigSettings(
        portraits=tuple(portraits),
        output=output,
        variants=variants,
        morphs=morphs,
        size=size,
        seed=seed,
        real=tuple(_real_source(text) for text in real or ()),
        options=options,
        model=face_model,
        command=_typed_command(),
    )
    with _ProgressBar() as bar:
        summary = build_dataset(settings, workers=workers, resume=resume, on_progress=bar.show)
    _print_summary(summary, output)


@rig_app.command()
def sheet(
    dataset: Annotated[Path, typer.Argument(help="Folder that `sargan rig` wrote.")],
    output: Annotated[Path | None, typer.Option(help="Folder for the pages; DATASET/sheets by default.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Sets on a page.")] = 12,
    pages: Annotated[int, typer.Option(min=1, help="Number of pages.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Which sets are drawn.")] = 0,
) -> None:
    """Put sets of a data set on contact sheets (PNG), to look at."""
    from ..rig.dataset.set_sheet import write_sheets

    for page in write_sheets(dataset, output or dataset / "sheets", rows=rows, pages=pages, seed=seed):
        typer.echo(page)


@rig_app.command("build-model")
def build_model(
    facekit: Annotated[Path, typer.Argument(help="Checkout of the public ICT-FaceKit, or its folder of OBJ files.")],
    output: Annotated[Path, typer.Argument(help="The file to write: .npz, or packed as .npz.xz.")],
) -> None:
    """Make the face model's file from the OBJ files of the public ICT-FaceKit."""
    from ..rig.face_model.build_model import build_face_model

    shapes = build_face_model(facekit, output)
    typer.echo(f"{output}: {shapes}")


class _ProgressBar:
    """Units, pictures per second and skipped portraits on the terminal."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            TextColumn("people"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]:.1f} pictures/s, {task.fields[skipped]} skipped"),
            TimeElapsedColumn(),
        )
        self._task = self._bar.add_task("rig", total=None, speed=0.0, skipped=0)

    def __enter__(self) -> "_ProgressBar":
        self._bar.start()
        return self

    def __exit__(self, *_) -> None:
        self._bar.stop()

    def show(self, progress) -> None:
        elapsed = self._bar.tasks[0].elapsed or 1.0
        self._bar.update(
            self._task,
            completed=progress.finished,
            total=progress.units,
            speed=progress.pictures / elapsed,
            skipped=progress.skipped,
        )


def _real_source(text: str) -> tuple[Path, str]:
    folder, separator, expression = text.rpartition("=")
    if not separator:
        raise ConfigurationError(f"--real takes FOLDER=EXPRESSION, for example smiling=happy; got {text!r}.")
    return Path(folder), expression


def _control_shares(texts: list[str], controls: int) -> "ControlShares":
    """The shares named by KIND=SHARE; kinds that are not named keep theirs."""
    from ..rig.rendering.variation import ControlShares

    if texts and not controls:
        raise ConfigurationError("--control-share says what the pictures of --controls show: give --controls too.")
    shares = asdict(ControlShares())
    for text in texts:
        kind, _, share = text.partition("=")
        if kind not in shares or not share.replace(".", "", 1).isdigit():
            raise ConfigurationError(
                f"--control-share takes KIND=SHARE, for example alone=0.5, with a kind of {', '.join(shares)}; got {text!r}."
            )
        shares[kind] = float(share)
    return ControlShares(**shares)


def _typed_command() -> str:
    """The command line as it was typed, for the data set card; going on later does not change what it makes."""
    return shlex.join(["sargan", *(argument for argument in sys.argv[1:] if argument != "--resume")])


def _print_summary(summary, output: Path) -> None:
    typer.echo(f"{summary.pictures} pictures of {summary.subjects} people in {output}")
    if summary.skipped:
        typer.echo(f"{len(summary.skipped)} portraits were skipped (all in {output / 'skipped.csv'}):")
        for name, reason in summary.skipped[:10]:
            typer.echo(f"  {name}: {reason}")
