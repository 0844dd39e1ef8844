"""The same picture twice: a wrong label if it has two, and a leak if it is on both sides of a split."""

import hashlib
import logging
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset, Image

from ..expressions import NO_CLASS
from .examples import listing
from .image_decoding import picture_name, stored_pictures

BATCH_ROWS = 512
ENDING = 64  # bytes: pictures of one length whose ends differ need not be read as a whole

log = logging.getLogger(__name__)


def identical_pictures(dataset: Dataset) -> list[list[int]]:
    """Rows whose pictures are the same bytes, in groups of two and more. Only pictures of one length are looked into."""
    if not isinstance(dataset.features.get("image"), Image):
        return []
    same = _grouped(range(len(dataset)), _lengths(dataset))
    for key in (_ending, _digest):
        rows = sorted(row for group in same for row in group)
        keys = dict(zip(rows, _keys(dataset, rows, key), strict=True))
        same = [part for group in same for part in _grouped(group, (keys[row] for row in group))]
    return same


def report_identical_pictures(dataset: Dataset, origin: str) -> None:
    """Warns of pictures that are in the set, of the common schema, more than once; `origin` is what messages call it."""
    groups = identical_pictures(dataset)
    if not groups:
        return
    labels, stored = dataset["expression"][:], stored_pictures(dataset)
    names = dataset.features["expression"].names
    torn = [group for group in groups if len({labels[row] for row in group}) > 1]
    if torn:
        shown = [
            " and ".join(f"{picture_name(stored, row)} ({_label(names, labels[row])})" for row in group[:3])
            for group in torn
        ]
        log.warning(
            "%s: one picture has several labels (%d): %s. Remove the copies whose label is wrong.",
            origin,
            len(torn),
            listing(shown),
        )
    if alike := [group for group in groups if group not in torn]:
        shown = [" and ".join(picture_name(stored, row) for row in group[:3]) for group in alike]
        log.warning("%s: one picture is there more than once (%d): %s.", origin, len(alike), listing(shown))


def _label(names: Sequence[str], label: int) -> str:
    return "no class" if label == NO_CLASS else names[label]


def _grouped(rows: Iterable[int], keys: Iterable[object]) -> list[list[int]]:
    groups: defaultdict[object, list[int]] = defaultdict(list)
    for row, key in zip(rows, keys, strict=True):
        if key:  # empty files are damaged, not alike
            groups[key].append(row)
    return [group for group in groups.values() if len(group) > 1]


def _lengths(dataset: Dataset) -> Iterator[int | None]:
    """Bytes of every picture, None where it cannot be read."""
    for batch in dataset.select_columns("image").with_format("arrow").iter(BATCH_ROWS):
        contents, paths = _contents_and_paths(cast(pa.Table, batch))
        lengths = pc.call_function("binary_length", [contents]).to_pylist()
        for length, path in zip(lengths, paths.to_pylist(), strict=True):
            yield length if length is not None else _file_size(path)


def _contents_and_paths(table: pa.Table) -> tuple[pa.Array, pa.Array]:
    """The bytes and the path of every picture of a table, null where there is none."""
    cells = table["image"].combine_chunks()
    fields = (pc.StructFieldOptions(indices=[name]) for name in ("bytes", "path"))
    contents, paths = (pc.call_function("struct_field", [cells], options) for options in fields)
    return contents, paths


def _file_size(path: str | None) -> int | None:
    try:
        return os.stat(path).st_size if path else None
    except (OSError, ValueError):
        return None


def _keys(dataset: Dataset, rows: list[int], key: Callable[[BinaryIO], bytes]) -> Iterator[bytes | None]:
    """`key` of the content of each of the rows, None where it cannot be read."""
    stored = dataset.select_columns("image").with_format("arrow")
    for start in range(0, len(rows), BATCH_ROWS):
        contents, paths = _contents_and_paths(cast(pa.Table, stored[rows[start : start + BATCH_ROWS]]))
        for content, path in zip(contents, paths, strict=True):
            try:
                with pa.BufferReader(content.as_buffer()) if content.is_valid else open(path.as_py(), "rb") as file:
                    yield key(file)
            except OSError:
                yield None


def _ending(file: BinaryIO) -> bytes:
    length = file.seek(0, os.SEEK_END)
    file.seek(max(0, length - ENDING))
    return file.read()


def _digest(file: BinaryIO) -> bytes:
    digest = hashlib.blake2b()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.digest()
