"""Labelled pictures that a metadata file lists: which row says what about which picture."""

import logging
import os
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import pyarrow as pa

from ..errors import DatasetError
from ..file_names import escape_unprintable
from .column_roles import table_with_roles
from .columns import LABEL_COLUMNS, assign_columns, choose_label, near_misses
from .examples import Example, listing
from .folders import SPLIT_NAMES, is_picture, several_parts, splits_of
from .tables import Table, read_table

METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
UNREAD_SUFFIXES = (".tsv", ".txt", ".json", ".ndjson", ".xls", ".xlsx", ".ods", ".feather", ".arrow", ".pkl", "")
# What `datasets` adds to these itself.
RESERVED = ("image",)
_COUNT = ""  # a column without content, which keeps the number of rows where a file has no further columns

log = logging.getLogger(__name__)


def is_metadata(file: PurePosixPath) -> bool:
    """Whether a file lists the pictures of its folder."""
    return file.name.lower() in METADATA_NAMES


def refuse_unread_tables(root: Path, files: Sequence[PurePosixPath]) -> None:
    """Raises DatasetError for a table called metadata in a format that is not read: what it says would be lost."""
    read = {file.parent for file in files if is_metadata(file)}
    for file in files:
        named = file.stem.lower() == "metadata" and file.suffix.lower() in UNREAD_SUFFIXES
        if named and file.parent not in read:
            raise DatasetError(f"{root / file} is not read: save it as metadata.csv in UTF-8, or give it another name.")


def examples_from_metadata(
    root: Path,
    files: Sequence[PurePosixPath],
    expressions: Sequence[str],
    roles: Mapping[str, str] = MappingProxyType({}),
) -> tuple[list[Example], pa.Table]:
    """Reads the metadata files in `root`, in the form that `datasets` calls an image folder with metadata.

    Their columns: `file_name`, relative to the file's own folder; the label, in `expression`, `label`, `labels`, `emotion`
    or `class`; `subject`, `pair` and `split` where known; anything else is passed on. A picture without `split` belongs
    to the part that a folder above it is named after.

    Args:
        root: the folder.
        files: everything below it, relative.
        expressions: class names, in the order of the model.
        roles: columns that stand for "image" (the file's name), "expression", "subject" or "pair" by the caller's word.

    Returns:
        The examples of all parts, and the further columns.

    Raises:
        DatasetError: a file cannot be read, or has no file names or labels; names file and row or column.
    """
    metadata = [file for file in files if is_metadata(file)]
    for file in metadata:
        if beside := [other.name for other in metadata if other.parent == file.parent and other != file]:
            raise DatasetError(
                f"{root / file.parent} holds {file.name} and {', '.join(beside)}: keep the one that is right."
            )
    pictures = frozenset(str(file) for file in files if is_picture(file))
    examples: list[Example] = []
    names: list[str] = []
    tables = []
    for file in metadata:
        listed, further = _read(root, file, pictures, expressions, roles)
        names += (name for name, _ in listed)
        examples += (example for _, example in listed)
        tables.append(further)
    if unlisted := sorted(pictures.difference(names)):
        count, shown = f"{len(unlisted)} of {len(pictures)}", listing(list(map(escape_unprintable, unlisted)))
        log.warning(
            "%s: left out are pictures that no metadata file names (%s): %s.", escape_unprintable(root), count, shown
        )
    return _with_splits(names, examples), _joined(tables)


def _read(
    root: Path, file: PurePosixPath, pictures: Collection[str], expressions: Sequence[str], roles: Mapping[str, str]
) -> tuple[list[tuple[str, Example]], pa.Table]:
    """The examples of one file, each with its picture's path inside `root`, and the further columns."""
    path = root / file
    table = table_with_roles(read_table(path), roles)
    columns = _assigned(table)
    candidates = {role: table.texts(columns[role]) for role in LABEL_COLUMNS if role in columns}
    label, labels = choose_label(candidates, expressions, str(path))
    subjects, pairs, splits = (
        table.texts(columns[role]) if role in columns else [""] * len(table) for role in ("subject", "pair", "split")
    )
    names = table.texts(columns["file_name"], outer_blanks=True)
    examples = []
    for row, (name, text, subject, pair, split) in enumerate(zip(names, labels, subjects, pairs, splits, strict=True)):
        place = table.place(row)
        if not name.strip():
            raise DatasetError(
                f"{place} names no picture: fill the column {columns['file_name']!r}, or remove the row."
            )
        picture = _picture(root, file.parent, name, pictures)
        examples.append((picture, Example(root / picture, text, subject, pair, _part(split, place), place)))
    used = {columns[role] for role in ("file_name", label, "subject", "pair", "split") if role in columns}
    further = {name: table.values(name) for name in table.columns if name not in used}
    return examples, pa.table({_COUNT: pa.nulls(len(table)), **further})


def _assigned(table: Table) -> dict[str, str]:
    """The columns of a metadata file by what they stand for."""
    names, path = list(table.columns), str(table.path)
    columns = assign_columns(names, ("file_name", *LABEL_COLUMNS, "subject", "pair", "split"), path)
    missing = [role for role in ("file_name", "expression") if role not in columns]
    if any(role in columns for role in LABEL_COLUMNS):
        missing = [role for role in missing if role == "file_name"]
    free = [name for name in names if name not in columns.values()]
    if missing:
        if not names:
            raise DatasetError(
                f"{path} is empty: it needs a header with file_name and expression, and a row a picture."
            )
        hints = near_misses(free, missing)
        raise DatasetError(
            f"{path} has the columns {', '.join(names)}: it needs file_name and one of {', '.join(LABEL_COLUMNS)}, and "
            f"should have subject and pair.{_sentences(hints)}"
        )
    wanted = [role for role in ("subject", "pair", "split") if role not in columns]
    if hints := near_misses(free, wanted):
        raise DatasetError(f"{path} has the columns {', '.join(names)}.{_sentences(hints)}")
    for name in free:
        if name in RESERVED:
            raise DatasetError(f"{path} has a column {name!r}, which is what the loaded set calls its own: rename it.")
        _refuse_hidden_parts(table, name)
    return columns


def _refuse_hidden_parts(table: Table, name: str) -> None:
    """Raises if a further column holds nothing but names of several parts of a set: it would be trained on as a whole."""
    column = table.columns[name]
    if parts := several_parts(column if isinstance(column, list) else column.to_pylist()):
        raise DatasetError(
            f"{table.path}: the column {name!r} names parts of the set ({', '.join(parts)}): rename it to split, "
            f"so that they are kept apart."
        )


def _sentences(hints: Sequence[str]) -> str:
    return "".join(f" {hint[0].upper()}{hint[1:]}." for hint in hints)


def _part(split: str, place: str) -> str:
    """The part of the set that a row names, "" where it names none."""
    if split and split.lower() not in SPLIT_NAMES:
        raise DatasetError(
            f"{place} has the split {split!r}. Accepted are train, validation and test: change it, or rename the column."
        )
    return SPLIT_NAMES[split.lower()] if split else ""


def _picture(root: Path, folder: PurePosixPath, name: str, pictures: Collection[str]) -> str:
    """Path inside `root` of the picture that a row names: as it stands, or else as another system writes the same name."""
    above = "" if folder == PurePosixPath() else f"{folder}/"
    if above + name in pictures:
        return above + name
    stripped = name.strip()
    for written in (name, stripped, stripped.replace("\\", "/")):
        for spelling in (written, *(unicodedata.normalize(form, written) for form in ("NFC", "NFD"))):
            inside = _inside(root, os.path.join(above, spelling))
            if inside in pictures or os.path.exists(root / inside):
                return inside
    return _inside(root, above + stripped)


def _inside(root: Path, name: str) -> str:
    """The shortest path of a file: relative to `root` where it is in there."""
    path = os.path.normpath(root / name)
    below = f"{root}{os.sep}"
    return path.removeprefix(below)


def _with_splits(names: Sequence[str], examples: Sequence[Example]) -> list[Example]:
    """The examples with the part that a folder is named after, where their row does not say.

    Folders outside of the set say nothing.
    """
    files = [PurePosixPath(os.path.basename(name) if os.path.isabs(name) else name) for name in names]
    parts = iter(splits_of([file for file, example in zip(files, examples, strict=True) if not example.split]))
    return [example if example.split else example.in_part(next(parts)) for example in examples]


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    try:
        return pa.concat_tables(tables, promote_options="permissive").drop_columns([_COUNT])
    except pa.ArrowException as error:
        raise DatasetError(
            f"The metadata files do not fit together: {error}. Give their columns the same kind."
        ) from error
