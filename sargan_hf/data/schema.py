"""Brings a `datasets` object with other column names, label types or label names to the common schema."""

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pyarrow as pa
from datasets import ClassLabel, Dataset, Features, Image, IterableDataset

from ..controls import ADDED_COLUMN
from ..errors import DatasetError
from ..expressions import NO_CLASS
from .column_roles import with_roles
from .columns import IMAGE_COLUMNS, LABEL_COLUMNS, assign_columns, canonical, choose_label, near_misses
from .drawn_controls import check_controls, drawn_rows, without_drawn
from .examples import label_indices, schema_features
from .folders import names_expression
from .pairs import check_pairs

SCHEMA = ("image", "expression", "subject", "pair")

log = logging.getLogger(__name__)


def to_schema(
    dataset: Dataset | IterableDataset,
    expressions: Sequence[str],
    origin: str,
    controls: bool = False,
    roles: Mapping[str, str] = MappingProxyType({}),
) -> Dataset | IterableDataset:
    """Renames the columns, translates the labels, and adds `subject` and `pair`, empty, where they are missing.

    Pictures are not decoded, and further columns stay.

    Args:
        controls: keep the pictures of drawn controls, some of which have no class (`NO_CLASS`).
        roles: columns that stand for "image", "expression", "subject" or "pair" by the caller's word.

    Raises:
        DatasetError: there is no column of pictures or labels, labels are not among `expressions`, a pair holds several
            people, or the columns of controls have another length than the table of controls. A stream can only notice wrong
            labels and pairs when it comes to such a row.
    """
    if isinstance(dataset, IterableDataset) and dataset.features is None:
        dataset = _with_features(dataset, origin)
    dataset = with_roles(dataset, roles, origin)
    dataset = _renamed(dataset, _image_column(features_of(dataset), origin), "image", origin)
    dataset = _renamed(dataset, _label_column(dataset, expressions, origin), "expression", origin)
    for name, column in assign_columns(list(features_of(dataset)), ("subject", "pair"), origin).items():
        dataset = _renamed(dataset, column, name, origin)
    features = features_of(dataset)
    missing = [name for name in ("subject", "pair") if name not in features]
    for hint in near_misses([name for name in features if name not in SCHEMA], missing):
        log.warning("In %s %s. It is not used so far.", origin, hint)
    if not isinstance(features["image"], Image) or not features["image"].decode:
        dataset = _with_pictures(dataset, origin)
    features = features_of(dataset)
    check_controls(features, origin)
    leaves_out = ADDED_COLUMN in features and not controls
    if leaves_out and isinstance(dataset, Dataset):
        dataset = without_drawn(dataset)
    target = Features(schema_features(expressions) | {n: f for n, f in features.items() if n not in SCHEMA})
    translate = _Columns(features, tuple(expressions), origin, leaves_out)
    if isinstance(dataset, IterableDataset):
        if features == target and list(features) == list(target) and not leaves_out:
            return dataset
        tables = dataset.with_format("arrow").map(translate.whole_table, batched=True, features=target)
        return tables.with_format(None)
    return _replace_columns(dataset, translate, target)


def features_of(dataset: Dataset | IterableDataset) -> Features:
    """The columns of a data set. A stream may not know its own; `to_schema` has those of every stream looked up.

    Raises:
        DatasetError: a stream whose columns nobody knows.
    """
    if dataset.features is None:
        raise DatasetError("The columns of the stream are unknown: load it with `load_expression_dataset`.")
    return dataset.features


def _with_features(stream: IterableDataset, origin: str) -> IterableDataset:
    try:
        stream = stream._resolve_features()  # reads the first row
    except Exception as error:  # whatever the files, the network or a function of the user's raises
        raise DatasetError(f"The first row of {origin} cannot be read: {error}") from error
    if stream.features is None:
        raise DatasetError(f"{origin} is empty.")
    return stream


def _renamed(dataset: Dataset | IterableDataset, column: str, name: str, origin: str) -> Dataset | IterableDataset:
    if column == name:
        return dataset
    if name in features_of(dataset):
        raise DatasetError(
            f"{origin} has the columns {column!r} and {name!r}; the former seems to be what the latter should be. Rename or "
            f"remove one of them."
        )
    return dataset.rename_column(column, name)


def _with_pictures(dataset: Dataset | IterableDataset, origin: str) -> Dataset | IterableDataset:
    kind = features_of(dataset)["image"]
    try:
        return dataset.cast_column("image", Image())
    except Exception as error:  # of many kinds, by the type of the column
        raise DatasetError(
            f"The pictures of {origin} are {kind}, which is no kind of picture ({error}): cast the column to datasets.Image()."
        ) from error


def _image_column(features: Features, origin: str) -> str:
    named = [name for known in IMAGE_COLUMNS for name in features if canonical(name) == known]
    pictures = [name for name, feature in features.items() if isinstance(feature, Image)]
    for candidates in ([name for name in named if name in pictures], pictures, named):
        if len(candidates) == 1 or (candidates and candidates[0] == "image"):
            return candidates[0]
    raise DatasetError(f"{origin} has the columns {', '.join(features)}: the pictures must be in one called image.")


def _label_column(dataset: Dataset | IterableDataset, expressions: Sequence[str], origin: str) -> str:
    features = features_of(dataset)
    assigned = assign_columns(list(features), LABEL_COLUMNS, origin)
    if "expression" in assigned:
        return assigned["expression"]
    # Columns by another name may say something else: a label can be a person, and An a person's name.
    classes = [name for name, feature in features.items() if isinstance(feature, ClassLabel)]
    candidates = [assigned[name] for name in LABEL_COLUMNS if name in assigned] or [
        name for name in classes if all(names_expression(label, expressions) for label in features[name].names)
    ]
    if len(candidates) > 1:
        candidates = _agreeing(dataset, candidates, expressions, origin)
    if candidates:
        return candidates[0]
    hints = near_misses(list(features), ["expression"])
    raise DatasetError(
        f"{origin} has the columns {', '.join(features)}: the labels must be in one called {', '.join(LABEL_COLUMNS)}."
        + "".join(f" {hint[0].upper()}{hint[1:]}." for hint in hints)
    )


def _agreeing(
    dataset: Dataset | IterableDataset, candidates: Sequence[str], expressions: Sequence[str], origin: str
) -> list[str]:
    """The one of several columns that holds expressions."""
    if isinstance(dataset, IterableDataset):
        raise DatasetError(
            f"{origin} has the columns {', '.join(candidates)}, and a stream cannot be searched for the one that holds the "
            f"expressions: rename it to expression."
        )
    table = dataset.select_columns(list(candidates)).with_format("arrow")[:]
    cells = {name: _label_names(table[name], dataset.features[name]) for name in candidates}
    return [choose_label(cells, expressions, origin)[0]]


def _label_names(column: pa.ChunkedArray, feature: object) -> list[str | None]:
    """The labels in a column by name. Hubs store -1 where a label is withheld; other numbers without a name stay numbers."""
    cells = column.to_pylist()
    if not isinstance(feature, ClassLabel):
        return [None if cell is None else str(cell) for cell in cells]
    named = dict(enumerate(feature.names)) | {None: None, -1: None}
    return [named.get(cell, f"number {cell}") for cell in cells]


class _Columns:
    """Computes the three columns beside the picture; a class, because it travels to the workers of a stream."""

    def __init__(self, features: Features, expressions: Sequence[str], origin: str, leaves_out: bool = False) -> None:
        label = features["expression"]
        if not isinstance(label, ClassLabel) and getattr(label, "dtype", "") not in ("string", "large_string"):
            raise DatasetError(
                f"The labels of {origin} are {getattr(label, 'dtype', label)}, without names: cast the column to "
                f"datasets.ClassLabel(names=[...]) in the order of the numbers, or give names."
            )
        self.features, self.expressions, self.origin, self.leaves_out = features, expressions, origin, leaves_out

    def expression(self, table: pa.Table) -> list[int]:
        labels = _label_names(table["expression"], self.features["expression"])
        classless = [label is None and drawn for label, drawn in zip(labels, drawn_rows(table), strict=True)]
        named = [label for label, none in zip(labels, classless, strict=True) if not none]
        indices = iter(label_indices(named, self.expressions, self.origin))
        return [NO_CLASS if none else next(indices) for none in classless]

    def text(self, table: pa.Table, name: str) -> list[str]:
        if name not in table.column_names:
            return [""] * len(table)
        feature = self.features.get(name)
        if isinstance(feature, ClassLabel):
            cells = _label_names(table[name], feature)
        else:
            cells = table[name].to_pylist()
        return [self._as_text(cell, name, row) for row, cell in enumerate(cells)]

    def _as_text(self, cell: object, name: str, row: int) -> str:
        if cell is None or cell != cell:  # NaN: a number that is missing
            return ""
        if isinstance(cell, bytes | dict | list):
            raise DatasetError(
                f"Row {row} of {self.origin} has no text in the column {name} but a {type(cell).__name__}: make it a string."
            )
        return str(cell).strip()

    def whole_table(self, table: pa.Table) -> pa.Table:
        if self.leaves_out:
            table = table.filter(pa.array(~drawn_rows(table)))
        subjects, pairs = self.text(table, "subject"), self.text(table, "pair")
        check_pairs(subjects, pairs, self.origin)
        columns = {
            "image": table["image"],
            "expression": pa.array(self.expression(table), pa.int64()),
            "subject": pa.array(subjects, pa.string()),
            "pair": pa.array(pairs, pa.string()),
        }
        return pa.table(columns | {name: table[name] for name in table.column_names if name not in SCHEMA})


def _replace_columns(dataset: Dataset, translate: _Columns, target: Features) -> Dataset:
    names = [name for name in ("expression", "subject", "pair", ADDED_COLUMN) if name in dataset.column_names]
    table = dataset.select_columns(names).with_format("arrow")[:]
    columns = {
        "expression": translate.expression(table),
        "subject": translate.text(table, "subject"),
        "pair": translate.text(table, "pair"),
    }
    check_pairs(columns["subject"], columns["pair"], translate.origin)
    for name, values in columns.items():
        if dataset.features.get(name) == target[name] and table[name].to_pylist() == values:
            continue
        if name in dataset.column_names:
            dataset = dataset.remove_columns(name)
        dataset = dataset.add_column(name, values, feature=target[name])
    return dataset if list(dataset.features) == list(target) else dataset.select_columns(list(target))
