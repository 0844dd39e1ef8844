"""Which files of a run are pictures, and a report of the others: no file is skipped silently."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ConfigurationError
from ..file_names import escape_unprintable
from ..images import looks_like_picture


@dataclass
class Found:
    """What lies in the files and folders given.

    Attributes:
        pictures: path of each picture and its path relative to the output folder, in an order that depends on names alone.
        failures: sentences about folders that cannot be searched.
        notes: sentences about links to folders, which are not followed.
        others: how many files are no pictures, or hidden.
        hidden_folders: how many folders are hidden, which are not searched.
        repeated: how many names mean a file that is in `pictures` already.
    """

    pictures: list[tuple[Path, Path]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    others: int = 0
    hidden_folders: int = 0
    repeated: int = 0

    def remarks(self) -> list[str]:
        """Sentences about what was left alone."""
        parts = [_count(self.others, "other file"), _count(self.hidden_folders, "hidden folder")]
        parts = [part for part in parts if part]
        said = [f"{' and '.join(parts)} left alone"] if parts else []
        if self.repeated:
            said.append(f"{_count(self.repeated, 'picture')} met under a second name, edited once")
        return said


def find_pictures(inputs: Sequence[Path], output: Path) -> Found:
    """Every picture of `inputs` once.

    A folder is searched at all depths for files that are called pictures or begin like one. Hidden files and folders, links
    to folders and `output` itself are left out; hidden means a name that begins with a dot. A file that is given by name is
    taken whatever it is called. A folder keeps its inner layout; with more than one input its own name comes on top.

    Args:
        inputs: files and folders; a path that does not exist counts as a picture and fails when its turn comes.
        output: folder of the edits.

    Raises:
        ConfigurationError: `output` is one of the inputs: a second run would edit the edits of the first.
    """
    found, seen = Found(), set()
    for entry in inputs:
        if not os.path.isdir(entry):
            _take(entry, Path(entry.name), found, seen)
            continue
        if _same(entry, output):
            raise ConfigurationError(
                f"{entry} is both input and output: choose another --output, such as {entry / 'edits'}."
            )
        _search(entry, Path(entry.resolve().name if len(inputs) > 1 else ""), output, found, seen)
    return found


def _search(entry: Path, top: Path, output: Path, found: Found, seen: set[str]) -> None:
    def report(error: OSError) -> None:
        name = escape_unprintable(error.filename or entry)
        found.failures.append(f"{name}: the folder cannot be searched: {error.strerror or error}.")

    for folder, subfolders, names in os.walk(entry, onerror=report):
        subfolders[:] = [name for name in sorted(subfolders) if _is_searched(Path(folder, name), output, found)]
        for name in sorted(names):
            path = Path(folder, name)
            if name.startswith(".") or not looks_like_picture(path):
                found.others += 1
            else:
                _take(path, top / path.relative_to(entry), found, seen)


def _is_searched(folder: Path, output: Path, found: Found) -> bool:
    if _same(folder, output):
        return False
    if folder.name.startswith("."):
        found.hidden_folders += 1
        return False
    if os.path.islink(folder):
        found.notes.append(
            f"{escape_unprintable(folder)} is a link to a folder, which is not followed: name it to edit it, too."
        )
        return False
    return True


def _take(path: Path, relative: Path, found: Found, seen: set[str]) -> None:
    real = os.path.realpath(path)
    if real in seen:
        found.repeated += 1
        return
    seen.add(real)
    found.pictures.append((path, relative))


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _count(number: int, what: str) -> str:
    return "" if not number else f"{number} {what}" if number == 1 else f"{number} {what}s"
