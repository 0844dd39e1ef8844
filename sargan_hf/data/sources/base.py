"""What a published set's file says about it, and what the files share."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...errors import DatasetError
from ..examples import Example, listing
from ..folders import is_picture


@dataclass(frozen=True)
class Layout:
    """The files of a folder, as a source's functions see them.

    Attributes:
        root: the folder.
        files: everything below it, relative, in a fixed order.
        cache: folder for pictures that have to be taken out of videos or tables.
    """

    root: Path
    files: Sequence[PurePosixPath]
    cache: Path

    @property
    def pictures(self) -> list[PurePosixPath]:
        """Those of the files that are pictures."""
        return [file for file in self.files if is_picture(file)]

    def with_suffix(self, *suffixes: str) -> list[PurePosixPath]:
        """Those of the files that end in one of `suffixes`, given in lower case."""
        return [file for file in self.files if file.suffix.lower() in suffixes]


@dataclass(frozen=True)
class Source:
    """A published set and its rules.

    Attributes:
        name: what `adapter` calls it.
        title: its full name and reference.
        licence: what its users have agreed to, in a sentence.
        obtain: where it is to be had.
        rule: how its files are named, what is left out, and which of them pair.
        recognises: whether a folder is this set.
        read: the folder's labelled pictures. Raises DatasetError, naming the file that does not fit.
        beyond: its labels that are none of the seven expressions: left out unless the model is to know them.
    """

    name: str
    title: str
    licence: str
    obtain: str
    rule: str
    recognises: Callable[[Layout], bool]
    read: Callable[[Layout], list[Example]]
    beyond: frozenset[str] = frozenset()


def mostly(files: Sequence[PurePosixPath], pattern: re.Pattern) -> bool:
    """Whether there are files, and the names of at least half of them match."""
    return bool(files) and 2 * sum(1 for file in files if pattern.fullmatch(file.name)) >= len(files)


def matches(
    files: Iterable[PurePosixPath], pattern: re.Pattern, title: str, example: str
) -> list[tuple[PurePosixPath, re.Match]]:
    """Each file with the match of its name.

    Raises:
        DatasetError: no files, or files whose names do not match, with the first of them and a name that would.
    """
    found = [(file, pattern.fullmatch(file.name)) for file in files]
    wrong = [file for file, match in found if match is None]
    if wrong or not found:
        raise misfit(title, wrong, f"names like {example}")
    return found


def misfit(title: str, files: Sequence[object], expected: str) -> DatasetError:
    """The error for files whose name or content does not follow a set's rule, or for none at all."""
    if not files:
        return DatasetError(f"There are no files of {title} here. Expected {expected}.")
    count = "1 file does" if len(files) == 1 else f"{len(files)} files do"
    return DatasetError(
        f"{count} not fit {title}: {listing(files)}. Expected {expected}. Move what does not belong to the "
        f"set elsewhere, or give it back its original name."
    )
