"""From a list of labelled picture files to a data set of the common schema.

Nothing is decoded or copied: the data set holds the paths, and pictures are read when they are asked for.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from datasets import ClassLabel, Dataset, DatasetInfo, Features, Image, Value
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from ..errors import DatasetError, ExpressionError
from ..expressions import ALIASES, resolve_expression

LISTED = 5  # of the offenders, an error names this many and counts the rest


@dataclass(frozen=True)
class Example:
    """One labelled picture.

    Attributes:
        path: the picture file.
        expression: a name or alias of an expression.
        subject: the person; "a+b" for a mix of two; "" where unknown.
        pair: equal for pictures that differ in expression only; "" where unpaired.
        split: "train", "validation" or "test", as published.
    """

    path: Path
    expression: str
    subject: str = ""
    pair: str = ""
    split: str = "train"


def schema_features(expressions: Sequence[str]) -> Features:
    """The columns that every expression data set has."""
    return Features(
        {
            "image": Image(),
            "expression": ClassLabel(names=list(expressions)),
            "subject": Value("string"),
            "pair": Value("string"),
        }
    )


def dataset_from_examples(
    examples: Sequence[Example],
    expressions: Sequence[str],
    origin: str,
    extra: Mapping[str, pa.ChunkedArray] | None = None,
) -> Dataset:
    """Makes the data set of `examples`, in their order.

    Its fingerprint is a hash of each file's path, size and modification time, of labels and further columns: the same
    folder has the same fingerprint in every process, and another one as soon as a file changes.

    Args:
        examples: the pictures.
        expressions: class names, in the order of the model.
        origin: what messages call the source.
        extra: further columns, as long as `examples`.

    Raises:
        DatasetError: files that are missing or no pictures, or labels that are not among `expressions`.
    """
    if not examples:
        raise DatasetError(f"There are no pictures in {origin}.")
    labels = label_indices((example.expression for example in examples), expressions, origin)
    stamps = _check_files(examples, origin)
    paths = pa.array([str(example.path) for example in examples])
    columns = {
        "image": pa.StructArray.from_arrays([pa.nulls(len(paths), pa.binary()), paths], names=["bytes", "path"]),
        "expression": pa.array(labels, pa.int64()),
        "subject": pa.array([example.subject for example in examples]),
        "pair": pa.array([example.pair for example in examples]),
    }
    table = pa.table(columns | dict(extra or {}))
    features = schema_features(expressions)
    features |= Features.from_arrow_schema(table.drop_columns(list(features)).schema)
    digest = hashlib.sha256(repr((features, stamps)).encode())
    for batch in table.to_batches():
        digest.update(_stream_bytes(batch))
    return Dataset(table, DatasetInfo(features=Features(features)), fingerprint=digest.hexdigest()[:16])


def label_indices(labels: Iterable[str | None], expressions: Sequence[str], origin: str) -> list[int]:
    """Indices into `expressions` of labels by any of their names.

    Raises:
        DatasetError: labels that are not among `expressions`, all listed, with those that are accepted.
    """
    labels = list(labels)
    index = {}
    unknown = []
    for label, count in Counter(labels).items():
        try:
            index[label] = list(expressions).index(resolve_expression(label, expressions))
        except ExpressionError:
            unknown.append(f"{label!r} ({count} {'picture' if count == 1 else 'pictures'})")
    if unknown:
        raise DatasetError(
            f"{origin} has labels that are no known expression: {listing(unknown)}. Accepted are {accepted(expressions)}. "
            f"Rename or remove them, or pass `expressions` with the names that the model shall know."
        )
    return [index[label] for label in labels]


def accepted(expressions: Sequence[str]) -> str:
    """The accepted labels in words, with the commonest aliases."""
    described = (
        f"{expression} ({', '.join(ALIASES[expression][:3])})" if expression in ALIASES else expression
        for expression in expressions
    )
    return ", ".join(described)


def listing(items: Sequence[object]) -> str:
    """The first few items, and how many more there are."""
    shown = ", ".join(str(item) for item in items[:LISTED])
    return shown if len(items) <= LISTED else f"{shown} and {len(items) - LISTED} more"


def _check_files(examples: Sequence[Example], origin: str) -> list[tuple[int, int]]:
    """Size and modification time of every file; only headers are read, so damage further in shows when it is decoded."""
    stamps, missing, broken = [], [], []
    for example in examples:
        try:
            status = example.path.stat()
            stamps.append((status.st_size, status.st_mtime_ns))
            with PillowImage.open(example.path):
                pass
        except (FileNotFoundError, NotADirectoryError):
            missing.append(example.path)
        except (UnidentifiedImageError, PillowImage.DecompressionBombError, OSError, SyntaxError):
            broken.append(example.path)
    if missing:
        raise DatasetError(f"{origin} names {len(missing)} files that do not exist: {listing(missing)}.")
    if broken:
        raise DatasetError(
            f"{origin} holds {len(broken)} files that cannot be opened as pictures: {listing(broken)}. "
            f"Copy them again or remove them."
        )
    return stamps


def _stream_bytes(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()
