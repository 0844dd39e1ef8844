"""The command `sargan edit`."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ConfigurationError, NoFaceError, PictureError
from ..expressions import ExpressionSpec
from .lean_imports import lean_imports
from .plan import Job, claim_output, own_share, plan_jobs, remove_left_overs

if TYPE_CHECKING:
    from ..pictures import ContentCredentials
    from ..pipeline_sargan import SARGANPipeline

DEFAULT_MODEL = "weights/sargan-motion-128"


def command(
    inputs: Annotated[list[Path], typer.Argument(help="Pictures, and folders to search for pictures.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the edits; made if absent.")],
    expression: Annotated[
        str, typer.Option("--expression", "-e", help='A name, or a blend such as "happy=0.6,surprised=0.4".')
    ] = "happy",
    intensity: Annotated[float, typer.Option(help="0 changes nothing, 1 is as trained, 1.5 exaggerates.")] = 1.0,
    faces: Annotated[str, typer.Option(help="largest, all, or indices such as 0 or 0,2, the largest first.")] = "all",
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

    No file is ever overwritten and no half-written one appears. Pictures that cannot be edited are reported at the end, and
    the exit code is then 1. Many processes, on CPUs too: `accelerate launch --multi_gpu --num_processes N -m sargan_hf.cli edit
    ...` gives each its own share of the pictures.
    """
    rank, world_size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    settings = {
        "expression": expression,
        "intensity": intensity,
        "faces": faces,
        "region": region,
        "transfer": transfer,
        "model": model,
        "backend": backend,
        "content_credentials": content_credentials,
    }
    signer = _signer(certificate, private_key, signing_algorithm) if content_credentials else None
    suffix = None if format is None else f".{format.lower().removeprefix('.')}"
    jobs = own_share(plan_jobs(inputs, output, suffix), output, rank, world_size)
    if not jobs and world_size == 1:
        raise ConfigurationError(f"There is no picture in {', '.join(map(str, inputs))}.")
    pipe = _load(model, backend)
    wanted = parse_expression(expression)
    pipe.conditions(wanted, 1)  # a wrong name is one error now, not one for every picture
    claim_output(output, settings)
    remove_left_overs(output)
    call = {"intensity": intensity, "faces": parse_faces(faces), "region": region, "transfer": transfer}
    done, skipped, failures = _edit_all(pipe, _shown(jobs, rank), wanted, call, signer, resume)
    _summary(done, skipped, failures)
    if failures:
        raise typer.Exit(1)


def _load(model: str, backend: str) -> "SARGANPipeline":
    from ..pipeline_sargan import SARGANPipeline

    if backend == "torch":
        import torch  # noqa: F401  # itself it needs what the block below hides

        with lean_imports():
            from ..generators import torch_generator  # noqa: F401
    return SARGANPipeline.from_pretrained(model, backend=backend)


def parse_expression(text: str) -> ExpressionSpec:
    """ "happy" stays a name; "happy=0.6,surprised=0.4" becomes a blend.

    Raises:
        ConfigurationError: a weight is not a number.
    """
    if "=" not in text:
        return text
    parts = [part.partition("=") for part in text.split(",")]
    try:
        return {name.strip(): float(weight) for name, _, weight in parts}
    except ValueError as error:
        raise ConfigurationError(
            f'--expression {text!r} is not a blend: write names and weights like "happy=0.6,surprised=0.4".'
        ) from error


def parse_faces(text: str) -> str | list[int]:
    """ "largest" and "all" stay as they are; "0,2" becomes [0, 2].

    Raises:
        ConfigurationError: anything else.
    """
    if text in ("largest", "all"):
        return text
    if all(part.strip().isdecimal() for part in text.split(",")):
        return [int(part) for part in text.split(",")]
    raise ConfigurationError(f"--faces {text!r} is not known: use largest, all, or indices such as 0 or 0,2.")


def _signer(certificate: str, private_key: str, algorithm: str) -> "ContentCredentials":
    from ..pictures import ContentCredentials

    if not certificate or not private_key:
        raise ConfigurationError(
            "--content-credentials needs --certificate and --private-key, or SARGAN_CERTIFICATE and SARGAN_PRIVATE_KEY."
        )
    signer = ContentCredentials(certificate, private_key, algorithm)
    signer.check()
    return signer


def _edit_all(
    pipe: "SARGANPipeline",
    jobs: Iterable[Job],
    expression: ExpressionSpec,
    call: dict,
    signer: "ContentCredentials | None",
    resume: bool,
) -> tuple[int, int, list[str]]:
    from ..pictures import save_picture

    done, skipped, failures = 0, 0, []
    for job in jobs:
        try:
            if job.target.exists():
                if not resume:
                    raise PictureError(f"{job.target} exists: use --resume to keep it, or another --output.")
                skipped += 1
                continue
            edited = pipe(job.source, expression, **call)
            job.target.parent.mkdir(parents=True, exist_ok=True)
            save_picture(edited.images[0], job.target, signer)
            done += 1
            for note in edited.notes:
                typer.echo(f"note: {note}", err=True)
        except (PictureError, NoFaceError, OSError) as error:
            failures.append(f"{job.source}: {error}")
    return done, skipped, failures


def _shown(jobs: list[Job], rank: int) -> Iterable[Job]:
    """The jobs, with a progress bar on the terminal of the first process."""
    if rank > 0 or len(jobs) < 2:
        return jobs
    from rich.console import Console
    from rich.progress import track

    return track(jobs, description="Editing", console=Console(stderr=True))


def _summary(done: int, skipped: int, failures: list[str]) -> None:
    counts = [f"{done} edited"]
    if skipped:
        counts.append(f"{skipped} done before")
    if failures:
        counts.append(f"{len(failures)} failed")
    for failure in failures:
        typer.echo(f"failed: {failure}", err=True)
    typer.echo(", ".join(counts))
