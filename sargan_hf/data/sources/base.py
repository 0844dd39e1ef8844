"""What a published set's file is to say about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...errors import DatasetError
from ..examples import Example, listing


@dataclass(frozen=True)
class Layout:
    """The files of a folder, as a source's functions see them.

    Attributes:
        root: the folder.
        files: everything below it, relative, in a fixed order.
    """

    root: Path
    files: Sequence[PurePosixPath]


@dataclass(frozen=True)
class Source:
    """A published set and its rules.

    Attributes:
        name: what `adapter` calls it.
        title: its full name and reference.
        licence: what its users have agreed to, in a sentence.
        obtain: where it is to be had.
        rule: how its files are named, and which of them pair.
        recognises: whether a folder is this set.
        read: the folder's labelled pictures. Raises DatasetError, naming the file that does not fit.
    """

    name: str
    title: str
    licence: str
    obtain: str
    rule: str
    recognises: Callable[[Layout], bool]
    read: Callable[[Layout], list[Example]]


def misfit(title: str, files: Sequence[object], expected: str) -> DatasetError:
    """The error for files whose name or content does not follow a set's rule."""
    return DatasetError(
        f"This does not fit the naming rule of {title}: {listing(files)}. Expected {expected}; "
        f"move what does not belong to the set elsewhere, or put its original name back."
    )
