"""Which edit was made from which picture, kept in the output folder so that a resumed run maps names as the first one did."""

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

JOURNAL = ".sargan-edit-{rank}.jsonl"


@dataclass(frozen=True)
class Record:
    """One finished edit. Paths are text, those of edits relative to the output folder.

    Attributes:
        picture: the picture's path relative to the folder it was found in.
        path: where the picture was.
        size: of the picture in bytes. It distinguishes pictures of one name, even after they were moved.
        target: the name that was planned for the edit.
        saved: the name that the edit has, with another format if the planned one could not hold it.
    """

    picture: str
    path: str
    size: int
    target: str
    saved: str


def read_journal(output: Path) -> list[Record]:
    """The records of every process that has worked in the folder; a line that a killed process left unfinished is skipped."""
    records: dict[str, Record] = {}  # by target: an edit that was made a second time has two lines
    for file in sorted(output.glob(JOURNAL.format(rank="*"))):
        with contextlib.suppress(OSError):
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                with contextlib.suppress(ValueError, TypeError):
                    record = Record(**json.loads(line))
                    records[record.target] = record
    return list(records.values())


def write_record(output: Path, rank: int, record: Record) -> None:
    """Adds a line to the process's own file. Without it a resumed run still knows the edit by its planned name."""
    line = json.dumps(asdict(record)) + "\n"  # ASCII, so that names which are no UTF-8 come back as they were
    with contextlib.suppress(OSError), open(output / JOURNAL.format(rank=rank), "a", encoding="ascii") as file:
        file.write(line)


def match_records(pictures: list[tuple[Path, Path]], records: list[Record]) -> dict[int, Record]:
    """For each picture that has one, by its place in the list, the record of its edit.

    A record belongs to the picture of its name at its path; failing that, as pictures are moved, to one of its name and size.

    Args:
        pictures: path and relative path of each.
        records: at most one for each picture, as for edits in one format.
    """
    waiting: dict[str, list[Record]] = {}
    for record in records:
        waiting.setdefault(record.picture, []).append(record)
    matched: dict[int, Record] = {}
    for is_the_same in (
        lambda path, record: _real(path) == record.path,
        lambda path, record: _size(path) == record.size,
    ):
        for index, (path, relative) in enumerate(pictures):
            candidates = waiting.get(str(relative), [])
            fitting = None if index in matched else next((r for r in candidates if is_the_same(path, r)), None)
            if fitting is not None:
                matched[index] = fitting
                candidates.remove(fitting)
    return matched


def record_of(source: Path, relative: Path, target: Path, saved: Path) -> Record:
    """The record of an edit that was just saved; `target` and `saved` are relative to the output folder."""
    return Record(str(relative), _real(source), _size(source), str(target), str(saved))


def _real(path: Path) -> str:
    return os.path.realpath(path)


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return -1
