"""The command `sargan edit`."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..batch.edit_batch import Batch, say
from ..batch.edit_jobs import Job, own_share, plan_jobs
from ..batch.find_pictures import Found, find_pictures
from ..batch.journal import read_journal
from ..batch.output_folder import claim_output, remove_left_overs
from ..errors import ConfigurationError
from ..model_source import DEFAULT_MODEL
from . import edit_options as options
from .skip_imports import lean_imports

if TYPE_CHECKING:
    from ..editing.pipeline_sargan import SARGANPipeline
    from ..images import ContentCredentials


def command(
    inputs: Annotated[list[Path], typer.Argument(help="Pictures, and folders to search for pictures.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the edits; made if absent.")],
    expression: options.Expression = None,
    control: options.Controls = None,
    preset: options.PresetName = None,
    presets: options.PresetsFile = None,
    like: options.Like = None,
    recipe: options.RecipeFile = None,
    save_recipe: options.SaveRecipe = None,
    intensity: options.Intensity = None,
    faces: options.Faces = None,
    region: options.Region = None,
    transfer: options.Transfer = None,
    model: options.Model = DEFAULT_MODEL,
    backend: options.Backend = "torch",
    format: Annotated[
        str | None, typer.Option(help="jpg, png, webp, tiff or avif; each picture's own if left out.")
    ] = None,
    content_credentials: Annotated[
        bool, typer.Option("--content-credentials", help="Sign every edit (C2PA) with the certificate and key below.")
    ] = False,
    certificate: Annotated[str, typer.Option(envvar="SARGAN_CERTIFICATE", help="PEM file of the certificates.")] = "",
    private_key: Annotated[str, typer.Option(envvar="SARGAN_PRIVATE_KEY", help="PEM file of the key.")] = "",
    signing_algorithm: Annotated[str, typer.Option(envvar="SARGAN_SIGNING_ALGORITHM", help="Of the key.")] = "es256",
    resume: Annotated[bool, typer.Option("--resume", help="Skip pictures that an earlier run has finished.")] = False,
) -> None:
    """Changes the expression of faces in pictures and whole folders.

    No file is ever overwritten and no half-written one appears. Pictures that cannot be edited are reported, at the end too,
    and the exit code is then 1. Many processes, on CPUs too: `accelerate launch --multi_gpu --num_processes N -m
    sargan_hf.cli edit ...` gives each its own share of the pictures.
    """
    asked = options.Asked(
        expression, control, preset, presets, like, recipe, intensity, faces, region, transfer, save_recipe
    )
    settings = asked.noted | {"model": model, "backend": backend, "content_credentials": content_credentials}
    signer = _signer(certificate, private_key, signing_algorithm) if content_credentials else None
    suffix = None if format is None else _suffix(format)
    edit_pictures(asked, inputs, output, settings, signer, suffix, resume)


def edit_pictures(
    asked: options.Asked,
    inputs: list[Path],
    output: Path,
    settings: dict[str, Any],
    signer: "ContentCredentials | None" = None,
    suffix: str | None = None,
    resume: bool = False,
) -> None:
    """Edits every picture of `inputs` into the folder `output` and says what came of it.

    Args:
        settings: what a run of the same settings is known by; `model` and `backend` among them.

    Raises:
        ConfigurationError, typer.Exit: nothing can be done; some pictures could not be edited.
    """
    found = find_pictures(inputs, output)
    if not found.pictures:
        nothing = [f"There is no picture in {', '.join(map(str, inputs))}.", *found.failures]
        raise ConfigurationError(" ".join([*nothing, *(f"{remark}." for remark in found.remarks())]))
    pipe = load_pipeline(settings["model"], settings["backend"])
    call = asked.call(pipe)
    claim_output(output, settings)
    remove_left_overs(output)
    if _edit(Batch(pipe, call, output, signer, resume), found, suffix):
        raise typer.Exit(1)


def _edit(batch: Batch, found: Found, suffix: str | None) -> int:
    """Edits this process's share of the pictures and returns how many could not be."""
    rank, world_size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    batch.rank = rank
    plan = plan_jobs(found.pictures, batch.output, suffix, read_journal(batch.output))
    jobs = own_share(plan, batch.output, rank, world_size)
    try:
        batch.run(_shown(jobs, rank), len(jobs))
    finally:  # also of a run that is interrupted
        failures = _summary(batch, found if rank == 0 else Found())
    return failures


def load_pipeline(model: str, backend: str) -> "SARGANPipeline":
    """The pipeline of a model, with no more imports than an edit needs."""
    from ..editing.pipeline_sargan import SARGANPipeline

    if backend == "torch":
        import torch  # noqa: F401  # itself it needs what the block below hides

        with lean_imports():
            from ..inference import torch_backend as torch_generator  # noqa: F401
    return SARGANPipeline.from_pretrained(model, backend=backend)


def _suffix(format: str) -> str:
    from ..images.saving import FORMAT_OF_SUFFIX

    suffix = f".{format.lower().removeprefix('.')}"
    if suffix not in FORMAT_OF_SUFFIX:
        known = ", ".join(known[1:] for known in FORMAT_OF_SUFFIX)
        raise ConfigurationError(f"--format {format!r} is not known: use one of {known}.")
    return suffix


def _signer(certificate: str, private_key: str, algorithm: str) -> "ContentCredentials":
    from ..images import ContentCredentials

    if not certificate or not private_key:
        raise ConfigurationError(
            "--content-credentials needs --certificate and --private-key, or SARGAN_CERTIFICATE and SARGAN_PRIVATE_KEY."
        )
    signer = ContentCredentials(certificate, private_key, algorithm)
    signer.check()
    return signer


def _shown(jobs: list[Job], rank: int) -> Iterable[Job]:
    """The jobs, with a progress bar on the terminal of the first process."""
    if rank > 0 or len(jobs) < 2:
        return jobs
    from rich.console import Console
    from rich.progress import track

    return track(jobs, description="Editing", console=Console(stderr=True))


def _summary(batch: Batch, found: Found) -> int:
    """Says what came of the run and returns how many failures there were."""
    failures = [*found.failures, *batch.failures]
    for note in found.notes:
        say(f"note: {note}")
    for failure in failures:
        say(f"failed: {failure}")
    if batch.stopped:
        say(f"error: {batch.stopped}")
    counts = [f"{batch.done} edited"]
    if batch.skipped:
        counts.append(f"{batch.skipped} done before")
    if failures:
        counts.append(f"{len(failures)} failed")
    typer.echo(", ".join(counts))
    for remark in found.remarks():
        typer.echo(remark)
    return len(failures)
