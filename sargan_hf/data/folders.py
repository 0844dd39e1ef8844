"""Labelled pictures in a folder: sub-folders named after expressions, or a metadata file."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from ..errors import DatasetError, ExpressionError
from ..expressions import resolve_expression
from ..pictures.opening import PICTURE_SUFFIXES
from .examples import Example

METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
LABEL_COLUMNS = ("expression", "label", "labels", "emotion", "class")
# What folders and files call the parts of a published set.
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "train_set": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "val_set": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}


def list_files(root: Path) -> list[PurePosixPath]:
    """All files below `root` in a fixed order, relative to it, without hidden ones."""
    files = []
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = PurePosixPath(Path(folder).relative_to(root).as_posix())
        files += [inside / name for name in sorted(names) if not name.startswith(".")]
    return files


def is_picture(file: PurePosixPath) -> bool:
    """Whether the suffix is that of a picture."""
    return file.suffix.lower() in PICTURE_SUFFIXES


def split_of(file: PurePosixPath) -> str:
    """Part of the set that a file belongs to, from the folders above it; "train" where none says otherwise."""
    return next((SPLIT_NAMES[part.lower()] for part in file.parts[:-1] if part.lower() in SPLIT_NAMES), "train")


def examples_from_class_folders(
    root: Path, files: Sequence[PurePosixPath], expressions: Sequence[str]
) -> list[Example]:
    """Pictures labelled by the nearest folder above them that names an expression.

    A picture that no such folder is above is labelled with its own folder's name, which the reader of the labels will then
    report as unknown. Who is in the pictures stays open.
    """
    return [
        Example(root / file, _folder_label(file, expressions), split=split_of(file))
        for file in files
        if is_picture(file)
    ]


def names_expression(name: str, expressions: Sequence[str]) -> bool:
    """Whether `name` is an expression or an alias of one."""
    try:
        return bool(resolve_expression(name, expressions))
    except ExpressionError:
        return False


def examples_from_metadata(root: Path, metadata: PurePosixPath) -> tuple[list[Example], pa.Table]:
    """Reads one metadata file, in the form that `datasets` calls an image folder with metadata.

    Args:
        root: the folder.
        metadata: path of the file inside it. Its columns: `file_name`, relative to its own folder; the label, in
            `expression`, `label`, `labels`, `emotion` or `class`; `subject` and `pair` where known; anything else is passed on.

    Returns:
        The examples, and the further columns.

    Raises:
        DatasetError: the file cannot be read, or has no file names or labels.
    """
    path = root / metadata
    table = _read_table(path)
    label = next((name for name in LABEL_COLUMNS if name in table.column_names), None)
    if "file_name" not in table.column_names or label is None:
        raise DatasetError(
            f"{path} has the columns {', '.join(table.column_names)}: it needs file_name and one of "
            f"{', '.join(LABEL_COLUMNS)}, and should have subject and pair."
        )
    columns = {name: _strings(table, name) for name in ("file_name", label, "subject", "pair")}
    rows = zip(*columns.values(), strict=True)
    examples = [
        Example(path.parent / file, expression, subject or "", pair or "", split_of(metadata.parent / file))
        for file, expression, subject, pair in rows
    ]
    return examples, table.drop_columns([name for name in columns if name in table.column_names])


def _folder_label(file: PurePosixPath, expressions: Sequence[str]) -> str:
    folders = list(reversed(file.parts[:-1]))
    named = (folder for folder in folders if names_expression(folder, expressions))
    return next(named, folders[0] if folders else "")


def _read_table(path: Path) -> pa.Table:
    try:
        if path.suffix == ".csv":
            # Numbers in these columns are names: person 007 is not person 7.
            texts = dict.fromkeys(("file_name", "subject", "pair", *LABEL_COLUMNS), pa.string())
            options = pa.csv.ConvertOptions(column_types=texts, strings_can_be_null=True)
            return pa.csv.read_csv(path, convert_options=options)
        if path.suffix == ".jsonl":
            return pa.json.read_json(path)
        return pa.parquet.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DatasetError(f"{path} cannot be read as {path.suffix[1:].upper()}: {error}") from error


def _strings(table: pa.Table, name: str) -> list[str | None]:
    if name not in table.column_names:
        return [None] * len(table)
    return [None if value is None else str(value) for value in table[name].to_pylist()]
