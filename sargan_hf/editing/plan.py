"""Which pictures a run of `sargan edit` takes, where each edit goes, and which process makes it."""

import contextlib
import json
import os
import re
import time
import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigurationError
from ..pictures import PICTURE_SUFFIXES
from ..pictures.saving import FORMAT_OF_SUFFIX

SETTINGS_FILE = ".sargan-edit.json"
LEFT_OVER = re.compile(r"\..*[0-9a-f]{32}\.part")  # what `save_picture` and `claim_output` call an unfinished file
UNFINISHED_SECONDS = 600  # nobody takes that long to save one picture: older ones belong to a process that was killed


@dataclass(frozen=True)
class Job:
    """One picture to edit and the file its edit goes to."""

    source: Path
    target: Path


def plan_jobs(inputs: Sequence[Path], output: Path, suffix: str | None = None) -> list[Job]:
    """Every picture of `inputs` once, with a target of its own under `output`.

    A folder is searched at all depths for pictures by suffix (links to folders are not followed, `output` itself is left
    out) and keeps its inner layout; with more than one input its own name comes on top. A file is taken whatever its suffix.
    Names that would meet, also those that differ in capitals only, are numbered: `a.jpg`, `a-2.jpg`. The plan depends on
    names alone, never on what is already done, so that every process and every resumed run makes the same one.

    Args:
        inputs: files and folders; a path that does not exist stays in the plan and fails when its turn comes.
        output: folder of the edits.
        suffix: ".png" and the like for all edits; None keeps each picture's own where edits can be saved in it, else ".png".
    """
    jobs, taken, seen = [], set(), set()
    for source, relative in _pictures(inputs, output):
        real = os.path.realpath(source)
        if real in seen:
            continue
        seen.add(real)
        own = source.suffix.lower()
        target = relative.with_suffix(suffix or (source.suffix if own in FORMAT_OF_SUFFIX else ".png"))
        target = _free_name(target, taken)
        jobs.append(Job(source, output / target))
    return jobs


def own_share(jobs: Iterable[Job], output: Path, rank: int, world_size: int) -> list[Job]:
    """The jobs of process `rank` of `world_size`: each job belongs to exactly one process, by its target's name."""
    return [job for job in jobs if zlib.crc32(job.target.relative_to(output).as_posix().encode()) % world_size == rank]


def claim_output(output: Path, settings: dict[str, object]) -> None:
    """Makes the output folder and notes the settings in it.

    Raises:
        ConfigurationError: the folder cannot be made, or holds edits made with other settings, which a resumed run would
            silently mix with the new ones.
    """
    note = output / SETTINGS_FILE
    try:
        output.mkdir(parents=True, exist_ok=True)
        if not note.exists():
            # Several processes may get here at once; each writes the same, and a rename is never seen half done.
            draft = output / f".{uuid.uuid4().hex}.part"
            draft.write_text(json.dumps(settings, indent=1))
            draft.replace(note)
            return
        earlier = json.loads(note.read_text())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"Cannot use {output} as output folder ({error}): choose another --output.") from error
    differing = [name for name in settings if earlier.get(name) != settings[name]]
    if differing:
        was = ", ".join(f"{name} {earlier.get(name)!r} instead of {settings[name]!r}" for name in differing)
        raise ConfigurationError(f"{output} holds edits made with {was}: choose another --output.")


def remove_left_overs(output: Path) -> None:
    """Removes the unfinished files of killed runs from the output folder; another process may do the same meanwhile."""
    for path in output.rglob(".*.part"):
        with contextlib.suppress(FileNotFoundError):
            if LEFT_OVER.fullmatch(path.name) and time.time() - path.stat().st_mtime > UNFINISHED_SECONDS:
                path.unlink()


def _pictures(inputs: Sequence[Path], output: Path) -> Iterator[tuple[Path, Path]]:
    """Pairs of a picture and its path relative to the output folder, in an order that depends on names alone."""
    for entry in inputs:
        if not entry.is_dir():
            yield entry, Path(entry.name)
            continue
        top = Path(entry.resolve().name if len(inputs) > 1 else "")
        for folder, subfolders, names in os.walk(entry):
            subfolders[:] = sorted(name for name in subfolders if not _same(Path(folder, name), output))
            for name in sorted(names):
                if Path(name).suffix.lower() in PICTURE_SUFFIXES and not name.startswith("."):
                    yield Path(folder, name), top / Path(folder, name).relative_to(entry)


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _free_name(target: Path, taken: set[str]) -> Path:
    number, name = 1, target
    while str(name).lower() in taken:
        number += 1
        name = target.with_stem(f"{target.stem}-{number}")
    taken.add(str(name).lower())
    return name
