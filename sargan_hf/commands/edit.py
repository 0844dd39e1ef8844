"""The command `sargan edit`."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..batch.edit_batch import Batch, say
from ..batch.edit_jobs import Job, own_share, plan_jobs
from ..batch.find_pictures import Found, find_pictures
from ..batch.journal import read_journal
from ..batch.output_folder import claim_output, remove_left_overs
from ..errors import ConfigurationError
from ..expressions import ExpressionSpec, parse_expression
from ..faces.choice import parse_faces
from ..model_source import DEFAULT_MODEL
from .skip_imports import lean_imports

if TYPE_CHECKING:
    from ..editing.pipeline_sargan import SARGANPipeline
    from ..images import ContentCredentials


def command(
    inputs: Annotated[list[Path], typer.Argument(help="Pictures, and folders to search for pictures.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the edits; made if absent.")],
    expression: Annotated[
        str, typer.Option("--expression", "-e", help='A name, or a blend such as "happy=0.6,surprised=0.4".')
    ] = "happy",
    intensity: Annotated[float, typer.Option(help="0 changes nothing, 1 is as trained, 1.5 exaggerates.")] = 1.0,
    faces: Annotated[str, typer.Option(help="largest, all, or numbers such as 1 or 1,3, the largest first.")] = "all",
    region: Annotated[str | None, typer.Option(help="mouth or eyes; the whole face if left out.")] = None,
    transfer: Annotated[str, typer.Option(help="motion, or residual and paste for comparison.")] = "motion",
    model: Annotated[str, typer.Option(help="Folder or Hub id of the model.")] = DEFAULT_MODEL,
    backend: Annotated[str, typer.Option(help="torch, or onnx for an exported model.")] = "torch",
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
    call = {"intensity": intensity, "faces": parse_faces(faces), "region": region, "transfer": transfer}
    settings = {"expression": expression, **call, "model": model, "backend": backend}
    settings["content_credentials"] = content_credentials
    signer = _signer(certificate, private_key, signing_algorithm) if content_credentials else None
    suffix = None if format is None else _suffix(format)
    found = find_pictures(inputs, output)
    if not found.pictures:
        nothing = [f"There is no picture in {', '.join(map(str, inputs))}.", *found.failures]
        raise ConfigurationError(" ".join([*nothing, *(f"{remark}." for remark in found.remarks())]))
    pipe = _load(model, backend)
    wanted = parse_expression(expression)
    _check(pipe, wanted, intensity, transfer, region)
    claim_output(output, settings)
    remove_left_overs(output)
    if _edit(Batch(pipe, wanted, call, output, signer, resume), found, suffix):
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


def _load(model: str, backend: str) -> "SARGANPipeline":
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


def _check(
    pipe: "SARGANPipeline", expression: ExpressionSpec, intensity: float, transfer: str, region: str | None
) -> None:
    """A wrong setting is one error now and not one for every picture."""
    from ..editing.masks import region_weight
    from ..editing.requests import check_settings

    pipe.conditions(expression, 1)
    check_settings(intensity, transfer)
    if region is not None:
        region_weight(region, pipe.generator.sample_size)


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
