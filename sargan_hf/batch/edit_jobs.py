"""Where the edit of each picture goes, and which process of a run makes it."""

import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..file_names import fit_name, fold_name
from ..images import is_picture_suffix
from ..images.saving import FORMAT_OF_SUFFIX
from .journal import Record, match_records

HOLDS_EVERYTHING = ".png"  # every mode and size that a picture can have


@dataclass(frozen=True)
class Job:
    """One picture to edit and the file its edit goes to.

    Attributes:
        source: the picture.
        picture: its path relative to the folder it was found in, as the journal notes it.
        target: the file for its edit, in the output folder.
        fallback: a PNG file for an edit that the format of `target` cannot hold; None where there is nothing to fall back to.
    """

    source: Path
    picture: Path
    target: Path
    fallback: Path | None = None


def plan_jobs(
    pictures: Sequence[tuple[Path, Path]], output: Path, suffix: str | None = None, records: Sequence[Record] = ()
) -> list[Job]:
    """A target of its own under `output` for every picture.

    Names that would meet are numbered: `a.jpg`, `a-2.jpg`; so are those that some file systems take for one, which differ in
    capitals or in how accents are composed. The plan depends on names and on the records of earlier runs alone. Processes
    that read more or fewer records of the same run still make the same plan, as a record holds the name that was planned.

    Args:
        pictures: path of each picture and its path relative to the output folder (see `find_pictures`).
        output: folder of the edits.
        suffix: ".png" and the like for all edits; None keeps each picture's own where edits can be saved in it, else ".png".
        records: edits that are finished.
    """
    wanted = [_wanted(relative, suffix) for _, relative in pictures]
    earlier = _earlier(pictures, wanted, records)
    taken = {fold_name(parent) for name in wanted for parent in name.parents}
    taken |= {fold_name(name) for record in records for name in (record.target, record.saved)}
    targets = [
        Path(earlier[index].target) if index in earlier else _free_name(name, taken)
        for index, name in enumerate(wanted)
    ]
    jobs = []
    for index, ((source, relative), target) in enumerate(zip(pictures, targets, strict=True)):
        fallback = None
        if index in earlier and earlier[index].saved != earlier[index].target:
            fallback = output / earlier[index].saved
        elif suffix is None and target.suffix.lower() != HOLDS_EVERYTHING:
            fallback = output / _free_name(target.with_suffix(HOLDS_EVERYTHING), taken)
        jobs.append(Job(source, relative, output / target, fallback))
    return jobs


def own_share(jobs: Iterable[Job], output: Path, rank: int, world_size: int) -> list[Job]:
    """The jobs of process `rank` of `world_size`: each job belongs to exactly one process, by its target's name."""
    names = ((job, os.fsencode(job.target.relative_to(output).as_posix())) for job in jobs)
    return [job for job, name in names if zlib.crc32(name) % world_size == rank]


def _wanted(relative: Path, suffix: str | None) -> Path:
    own = relative.suffix.lower()
    ending = suffix or (relative.suffix if own in FORMAT_OF_SUFFIX else HOLDS_EVERYTHING)
    stem = relative.stem if is_picture_suffix(own) else relative.name  # "party.2024" is a name and no suffix
    return relative.with_name(fit_name(stem, ending))


def _earlier(
    pictures: Sequence[tuple[Path, Path]], wanted: Sequence[Path], records: Sequence[Record]
) -> dict[int, Record]:
    """The record of each picture's edit in the format that is wanted now, by the picture's place in the list."""
    matched: dict[int, Record] = {}
    for suffix in {name.suffix.lower() for name in wanted}:
        places = [index for index, name in enumerate(wanted) if name.suffix.lower() == suffix]
        alike = [record for record in records if Path(record.target).suffix.lower() == suffix]
        found = match_records([pictures[index] for index in places], alike)
        matched |= {places[index]: record for index, record in found.items()}
    return matched


def _free_name(target: Path, taken: set[str]) -> Path:
    number, name = 1, target
    while fold_name(name) in taken:
        number += 1
        name = target.with_name(fit_name(target.stem, f"-{number}{target.suffix}"))
    taken.add(fold_name(name))
    return name
