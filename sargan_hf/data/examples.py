"""From a list of labelled picture files to a data set of the common schema.

Nothing is decoded or copied: the data set holds the paths, and pictures are read when they are asked for.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
from datasets import ClassLabel, Dataset, DatasetInfo, Features, Image, NamedSplit, Value

from ..errors import DatasetError, ExpressionError, ImageError
from ..expressions import ALIASES, resolve_expression
from ..file_names import escape_unprintable
from ..images.load_image import identify_image

LISTED = 5  # of the offenders, an error names this many and counts the rest


@dataclass(frozen=True)
class Example:
    """One labelled picture.

    Attributes:
        path: the picture file.
        expression: a name or alias of an expression; None where a row has none, which no set may.
        subject: the person; "a+b" for a mix of two; "" where unknown.
        pair: equal for pictures that differ in expression only; "" where unpaired.
        split: "train", "validation" or "test", as published; "" where that is still open.
        place: where the label is written, for messages; "" where the path says so.
    """

    path: Path
    expression: str | None
    subject: str = ""
    pair: str = ""
    split: str = "train"
    place: str = ""

    def in_part(self, split: str) -> "Example":
        """The same picture as one of the part `split`."""
        return replace(self, split=split)

    def where(self) -> str:
        """How messages call it."""
        path = escape_unprintable(self.path)
        return f"{path}, {escape_unprintable(self.place)}" if self.place else path


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
    refuse_damaged: bool = True,
) -> Dataset:
    """Makes the data set of `examples`, all of one part, in their order.

    Its fingerprint is a hash of each file's path, size and modification time, of labels and further columns: the same
    folder has the same fingerprint in every process, and another one as soon as a file changes.

    Args:
        examples: the pictures.
        expressions: class names, in the order of the model.
        origin: what messages call the source.
        extra: further columns, as long as `examples`.
        refuse_damaged: whether files that are no pictures are an error; else whoever decodes them finds out.

    Raises:
        DatasetError: files that are missing or no pictures, or labels that are not among `expressions`.
    """
    if not examples:
        raise DatasetError(f"There are no pictures in {origin}.")
    labels = label_indices(
        (example.expression for example in examples), expressions, origin, [example.where() for example in examples]
    )
    stamps = _check_files(examples, origin, refuse_damaged)
    paths = pa.array([str(example.path) for example in examples])
    columns = {
        "image": pa.StructArray.from_arrays([pa.nulls(len(paths), pa.binary()), paths], names=["bytes", "path"]),
        "expression": pa.array(labels, pa.int64()),
        "subject": pa.array([example.subject for example in examples], pa.string()),
        "pair": pa.array([example.pair for example in examples], pa.string()),
    }
    table = pa.table(columns | dict(extra or {}))
    features = schema_features(expressions)
    features |= Features.from_arrow_schema(table.drop_columns(list(features)).schema)
    digest = hashlib.sha256(repr((features, stamps)).encode())
    for batch in table.to_batches():
        digest.update(_stream_bytes(batch))
    info = DatasetInfo(features=Features(features))
    return Dataset(table, info, NamedSplit(examples[0].split), fingerprint=digest.hexdigest()[:16])


def label_indices(
    labels: Iterable[str | None], expressions: Sequence[str], origin: str, places: Sequence[str] | None = None
) -> list[int]:
    """Indices into `expressions` of labels by any of their names.

    Args:
        labels: the names.
        expressions: class names, in the order of the model.
        origin: what messages call the source.
        places: where each label is from, for messages.

    Raises:
        DatasetError: labels that are not among `expressions`, all listed, with those that are accepted.
    """
    labels = list(labels)
    index = {}
    for label in set(labels):
        try:
            index[label] = list(expressions).index(resolve_expression(label, expressions))
        except ExpressionError:
            continue
    unknown = [row for row, label in enumerate(labels) if label not in index]
    if unknown:
        where = places or [f"row {row}" for row in range(len(labels))]
        raise unknown_labels([labels[row] for row in unknown], [where[row] for row in unknown], expressions, origin)
    return [index[label] for label in labels]


def unknown_labels(
    labels: Sequence[str | None], places: Sequence[str], expressions: Sequence[str], origin: str
) -> DatasetError:
    """The error for `labels` that are no expressions, found at `places`."""
    counts = [
        f"{label!r} ({count} {'picture' if count == 1 else 'pictures'})" for label, count in Counter(labels).items()
    ]
    return DatasetError(
        f"{origin} has labels that are no known expression: {listing(counts)}; the first is that of {places[0]}. Accepted "
        f"are {accepted(expressions)}. Rename or remove them, or pass `expressions` with the names that the model shall know."
    )


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


def _check_files(examples: Sequence[Example], origin: str, refuse_damaged: bool) -> list[tuple[int, int]]:
    """Size and modification time of every file; only headers are read, so damage further in shows when it is decoded."""
    stamps, missing, unstorable, broken = [], [], [], []
    for example in examples:
        try:
            str(example.path).encode()
            status = example.path.stat()
        except UnicodeEncodeError:
            unstorable.append(example.where())
        except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a zero byte in the name
            missing.append(example.where())
        except OSError as error:  # no permission, a link to itself, a name that is too long
            broken.append(f"{example.where()} ({error.strerror})")
            stamps.append((0, 0))
        else:
            stamps.append((status.st_size, status.st_mtime_ns))
            if refuse_damaged and (reason := _complaint(example.path)):
                broken.append(f"{example.where()} ({reason})")
    if unstorable:
        raise DatasetError(
            f"{origin} has file names that are not UTF-8, which no data set can hold ({len(unstorable)}): "
            f"{listing(unstorable)}. Rename them, for example with convmv."
        )
    if missing:
        raise DatasetError(f"{origin} names files that do not exist ({len(missing)}): {listing(missing)}.")
    if broken:
        raise DatasetError(
            f"{origin} holds files that cannot be opened as pictures ({len(broken)}): {listing(broken)}. "
            f"Copy them again or remove them."
        )
    return stamps


def _complaint(path: Path) -> str:
    """Why a file cannot be opened as a picture, without a full stop; "" where it can, by its first bytes."""
    try:
        identify_image(path)
    except ImageError as error:
        return str(error).removesuffix(".")
    return ""


def _stream_bytes(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()
