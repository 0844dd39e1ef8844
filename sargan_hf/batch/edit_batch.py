"""Edits one picture after the other; what goes wrong with one of them is its failure and never the end of the others."""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..errors import ImageError, SARGANError
from ..file_names import escape_unprintable
from .edit_jobs import Job
from .journal import record_of, write_record
from .output_folder import why_unwritable

if TYPE_CHECKING:
    from PIL import Image

    from ..editing.pipeline_sargan import SARGANPipeline
    from ..images import ContentCredentials

LONGEST_REASON = 500  # characters


class NotWrittenError(ImageError):
    """The system refused to write an edit: the disk is full, the folder read-only, the name too long."""


@dataclass
class Batch:
    """A run over many pictures and what came of it.

    Attributes:
        pipe, call: the pipeline, and its arguments except the picture.
        output: folder of the edits.
        signer: signs every edit, or None.
        resume: whether edits that are there already are kept, and not a failure.
        rank: of this process among those that share the work.
        done, skipped: how many pictures were edited, and how many before.
        failures: a line for each picture that was not, with its name and the reason.
        stopped: why the run ended early, or "".
    """

    pipe: "SARGANPipeline"
    call: dict[str, Any]
    output: Path
    signer: "ContentCredentials | None" = None
    resume: bool = False
    rank: int = 0
    done: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)
    stopped: str = ""

    def run(self, jobs: Iterable[Job], count: int) -> None:
        """Edits `count` pictures, or as many as can be written."""
        for number, job in enumerate(jobs, start=1):
            try:
                self._edit(job)
            except Exception as error:  # whatever it is, the other pictures can do nothing about it
                failure = f"{escape_unprintable(job.source)}: {_reason(error)}"
                self.failures.append(failure)
                if count > 1:
                    say(f"failed: {failure}")
                if isinstance(error, NotWrittenError) and self._must_stop(count - number):
                    return

    def _edit(self, job: Job) -> None:
        if _same(job.source, job.target):
            raise ImageError("its edit would take its place: choose another --output.")
        there = next((path for path in (job.target, job.fallback) if path is not None and _is_taken(path)), None)
        if there is not None:
            if not self.resume:
                raise ImageError(f"{there} exists: use --resume to keep it, or another --output.")
            if not there.is_file():
                raise ImageError(f"{there} is in the way and is not a picture: remove it.")
            self.skipped += 1
            return
        edited = self.pipe(job.source, **self.call)
        saved, remarks = self._save(edited.images[0], job)
        target, kept = job.target.relative_to(self.output), saved.relative_to(self.output)
        write_record(self.output, self.rank, record_of(job.source, job.picture, target, kept))
        self.done += 1
        for note in [*edited.notes, *remarks]:
            say(f"note: {note}")

    def _save(self, image: "Image.Image", job: Job) -> tuple[Path, list[str]]:
        from ..images import save_image

        try:
            job.target.parent.mkdir(parents=True, exist_ok=True)
            try:
                return save_image(image, job.target, self.signer), []
            except ImageError as error:
                if job.fallback is None or _system_error(error):
                    raise
                save_image(image, job.fallback, self.signer)
                return job.fallback, [f"{_reason(error)} It is saved as {job.fallback.name}."]
        except (ImageError, OSError) as error:
            if _system_error(error):
                raise NotWrittenError(_reason(error)) from error
            raise

    def _must_stop(self, left: int) -> bool:
        reason = why_unwritable(self.output)
        if reason:
            self.stopped = (
                f"Nothing more can be written to {self.output} ({reason}). {left} pictures were not tried: make room and "
                "continue with --resume."
            )
        return bool(reason)


def say(text: str) -> None:
    """A line for the terminal, whatever is in the names; a terminal that is gone is no reason to stop."""
    with contextlib.suppress(OSError):
        typer.echo(escape_unprintable(text), err=True)


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _is_taken(path: Path) -> bool:
    """Whether something is there that must not be replaced. An empty file is what a crash of the machine leaves of an edit."""
    return os.path.lexists(path) and not (os.path.isfile(path) and os.path.getsize(path) == 0)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        text = f"it does not fit into memory: make it smaller. {text}".strip()
    elif isinstance(error, OSError) and not isinstance(error, SARGANError):
        text = f"{error.filename or ''} {error.strerror or text}".strip() + "."
    elif not isinstance(error, SARGANError):
        text = f"an unexpected error ({type(error).__name__}: {text})."
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 4]} ..."


def _system_error(error: BaseException | None) -> bool:
    """Whether the system, and no encoder, is behind an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return True
        error = error.__cause__
    return False
