"""What a published set's file says about it, and what the files share."""

import csv
import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...errors import DatasetError
from ...file_names import escape_unprintable
from ..examples import Example, listing
from ..folders import is_picture

log = logging.getLogger(__name__)


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


def refuse_twins(files: Iterable[tuple[PurePosixPath, object]], title: str) -> None:
    """Raises DatasetError where two files claim to be the same picture of the set; which one is right, nobody knows.

    Args:
        files: each with what it is the picture of, the same for the same.
        title: of the set.
    """
    claimed: defaultdict[object, list[PurePosixPath]] = defaultdict(list)
    for file, of in files:
        claimed[of].append(file)
    twins = [" and ".join(map(escape_unprintable, same)) for same in claimed.values() if len(same) > 1]
    if twins:
        raise DatasetError(
            f"{title} is here more than once, in part: {listing(twins)}. Keep one copy of the set in the folder."
        )


def by_name(found: Iterable[tuple[PurePosixPath, re.Match]]) -> Iterator[tuple[PurePosixPath, str]]:
    """For `refuse_twins`, where the name without suffix says which picture of the set a file is."""
    return ((file, file.stem.lower()) for file, _ in found)


def report_left_out(title: str, count: int, what: str) -> None:
    """Says that `count` files or rows of a set are not read, if there are any; `what` they are is plural."""
    if count:
        log.warning("%s: left out are %s (%d).", title, what, count)


def misfit(title: str, files: Sequence[object], expected: str) -> DatasetError:
    """The error for files whose name or content does not follow a set's rule, or for none at all."""
    if not files:
        return DatasetError(f"There are no files of {title} here. Expected {expected}.")
    count = "1 file does" if len(files) == 1 else f"{len(files)} files do"
    shown = [escape_unprintable(file) if isinstance(file, PurePosixPath | str) else file for file in files]
    return DatasetError(
        f"{count} not fit {title}: {listing(shown)}. Expected {expected}. Move what does not belong to the "
        f"set elsewhere, or give it back its original name."
    )


def read_text(layout: Layout, file: PurePosixPath, title: str) -> str:
    """The text of a file in UTF-8, with or without a byte order mark.

    Raises:
        DatasetError: it cannot be read, or is no such text.
    """
    try:
        return (layout.root / file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(f"{escape_unprintable(file)} of {title} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise misfit(title, [file], f"text in UTF-8 ({error.reason} at byte {error.start})") from error


def csv_rows(layout: Layout, file: PurePosixPath, title: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with a header, each with the line it ends in; blank lines are passed over.

    Raises:
        DatasetError: the file cannot be read, or a row is longer or shorter than the header; names the line.
    """
    try:
        with (layout.root / file).open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, skipinitialspace=True, strict=True)
            if reader.fieldnames is None:
                raise misfit(title, [file], "a header and rows; it is empty")
            for row in reader:
                if None in row or None in row.values():
                    raise misfit(
                        title,
                        [f"line {reader.line_num} of {file}"],
                        f"{len(reader.fieldnames)} fields, as in the header",
                    )
                yield reader.line_num, row
    except OSError as error:
        raise DatasetError(f"{escape_unprintable(file)} of {title} cannot be read: {error.strerror}.") from error
    except csv.Error as error:
        raise misfit(title, [f"line {reader.line_num} of {file}"], f"a row of CSV ({error})") from error
    except UnicodeDecodeError as error:
        raise misfit(title, [f"what follows line {reader.line_num} of {file}"], "text in UTF-8") from error
