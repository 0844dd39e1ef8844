"""The command `sargan rig`: portraits to data set, contact sheets, and the face model's file."""

import shlex
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..rig.rendering.recipes import Recipe
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


def _share(what: str) -> object:
    return typer.Option(min=0, max=1, help=f"Share of {what}.")


Portraits = Annotated[
    list[Path],
    typer.Argument(help="Folders or pictures of neutral faces; .csv or .tem landmarks beside them are used."),
]
Variants = Annotated[int, typer.Option(min=1, help="Sets of seven expressions per person.")]
Morphs = Annotated[int, typer.Option(min=0, help="New people, each mixed from two portraits.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")]
Motion = Annotated[bool, typer.Option("--motion", help="Add exact motion maps.")]
Resume = Annotated[bool, typer.Option("--resume", help="Resume an interrupted run.")]
Real = Annotated[
    list[str] | None,
    typer.Option(
        help="FOLDER=EXPRESSION: pictures that show it for real; those named like a portrait join its sets. Repeatable."
    ),
]
Recipes = Annotated[Path | None, typer.Option(help="Table of expressions instead of the built-in one.")]
PerExpression = Annotated[int, typer.Option(min=1, help="Different recipes per expression and set.")]
MostCommonOnly = Annotated[
    bool,
    typer.Option(
        "--most-common-only",
        "--one-way",
        help="Show every expression in its most common way only, and variants of that.",
    ),
]
Subtle = Annotated[
    float, typer.Option("--subtle", "--faint", min=0, max=1, help="Share of expressions at intensity 0.4 to 0.8.")
]
HeadTurn = Annotated[float, _share("sets with a turned head")]
Gaze = Annotated[float, _share("sets with another gaze")]
Relight = Annotated[float, _share("sets with a light from one side")]
Backdrop = Annotated[float, _share("sets with another background")]
Beard = Annotated[float, _share("sets with a painted beard")]
Carved = Annotated[
    bool, typer.Option("--carved", help="Faces of one colour are sculpture, also those whose eyes have irises.")
]
Controls = Annotated[int, typer.Option(min=0, help="Further pictures per set with random facial controls.")]
ControlShare = Annotated[
    list[str] | None,
    typer.Option(help="KIND=SHARE of those: alone, several, recipe or eyes, relative to each other. Repeatable."),
]
LeaveOut = Annotated[
    list[Path] | None,
    typer.Option(
        help="CSV with the columns subject (a portrait's name without its ending) and broken (expressions, or all): these "
        "are left out. Repeatable."
    ),
]
FaceModelFile = Annotated[
    Path | None, typer.Option(help="The face model's file; else the one in SARGAN_ASSETS, else the package's.")
]


@rig_app.command(DEFAULT_COMMAND)
def make(
    portraits: Portraits,
    output: Annotated[Path, typer.Option(help="Folder of the data set.")],
    variants: Variants = 2,
    morphs: Morphs = 0,
    size: Annotated[int, typer.Option(min=32, help="Side of the pictures in pixels.")] = 160,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    motion: Motion = False,
    resume: Resume = False,
    real: Real = None,
    recipes: Recipes = None,
    per_expression: PerExpression = 1,
    most_common_only: MostCommonOnly = False,
    subtle: Subtle = 0.15,
    head_turn: HeadTurn = 0.25,
    gaze: Gaze = 0.5,
    relight: Relight = 0.25,
    backdrop: Backdrop = 0.2,
    beard: Beard = 0.0,
    carved: Carved = False,
    controls: Controls = 0,
    control_share: ControlShare = None,
    leave_out: LeaveOut = None,
    face_model: FaceModelFile = None,
) -> None:
    """Make a data set that `datasets.load_dataset` reads."""
    from ..rig.dataset.build import build_dataset
    from ..rig.dataset.left_out import read_left_out
    from ..rig.dataset.work_units import RigSettings
    from ..rig.rendering.variation import RenderOptions

    shares = _control_shares(control_share or [], controls)
    ways = RenderOptions(
        _recipes(recipes, most_common_only), per_expression, subtle=subtle, controls=controls, control_shares=shares
    )
    looks = replace(ways, head_turn=head_turn, gaze=gaze, relight=relight, backdrop=backdrop, beard=beard)
    settings = RigSettings(tuple(portraits), output, variants, morphs, size, seed, command=_typed_command())
    settings = replace(
        settings,
        real=tuple(_real_source(text) for text in real or ()),
        options=replace(looks, motion=motion, carved=carved),
        left_out=read_left_out(*leave_out or ()),
        model=face_model,
    )
    with _ProgressBar() as bar:
        summary = build_dataset(settings, workers=workers, resume=resume, on_progress=bar.show)
    _print_summary(summary, output)


@rig_app.command()
def publish(
    dataset: Annotated[Path, typer.Argument(help="Folder that `sargan rig` wrote.")],
    output: Annotated[
        Path, typer.Argument(help="Folder to write, ready for the Hub; its name becomes the set's title.")
    ],
    sources: Annotated[
        list[Path] | None,
        typer.Option(
            help="CSV with the columns file, licence and attribution, or a folder with SOURCES.csv. Repeatable."
        ),
    ] = None,
    licence: Annotated[
        list[str] | None,
        typer.Option(help="FILE=LICENCE; WHOSE: of all portraits of a table without such columns. Repeatable."),
    ] = None,
    held_out: Annotated[
        float, typer.Option(help="Share of the people for the part test, more than 0, less than 1.")
    ] = 0.12,
    shard_mb: Annotated[int, typer.Option(min=1, help="Megabytes that a shard holds, about.")] = 50,
    sheets: Annotated[int, typer.Option(min=1, help="Contact sheets on the page to look at.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another split.")] = 0,
) -> None:
    """Write a data set as a folder for the Hub: card, licences, splits by people, shards and a page to look at."""
    from ..rig.dataset.hub_folder import PublishSettings, publish_set
    from ..rig.dataset.picture_licences import LicenceTable

    stated = dict(_stated_licence(text) for text in licence or ())
    table = LicenceTable([*(sources or ()), *(path for path in stated if path not in (sources or ()))], stated)
    made = publish_set(PublishSettings(dataset, output, table, held_out, seed, shard_mb, sheets))
    for part, pictures in made.pictures.items():
        typer.echo(f"{part}: {pictures} pictures")
    typer.echo(f"{output}: {made.size / 1e6:.1f} MB, configs {' and '.join(made.configs)}, sheets in viewer/index.html")
    typer.echo(f"Upload it with: hf upload OWNER/{output.resolve().name} {output} --repo-type dataset")


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


def _recipes(path: Path | None, most_common_only: bool) -> "tuple[Recipe, ...]":
    from ..rig.rendering import recipes

    table = recipes.read_recipes(path) if path else recipes.default_recipes()
    return recipes.most_common_only(table) if most_common_only else table


def _stated_licence(text: str) -> tuple[Path, str]:
    table, separator, licence = text.partition("=")
    if not separator or not licence.strip():
        raise ConfigurationError(
            f"--licence takes FILE=LICENCE; WHOSE, for example 'avatars/SOURCES.csv=CC BY 4.0; artflow.ai'; got {text!r}."
        )
    return Path(table), licence.strip()


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
