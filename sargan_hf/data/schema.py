"""Brings a `datasets` object with other column names, label types or label names to the common schema."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from datasets import ClassLabel, Dataset, Features, Image, IterableDataset

from ..controls import ADDED_COLUMN, CONTROL_NAMES, CONTROLS, CONTROLS_COLUMN
from ..errors import DatasetError
from ..expressions import NO_CLASS
from .examples import label_indices, schema_features
from .folders import LABEL_COLUMNS

SCHEMA = ("image", "expression", "subject", "pair")
IMAGE_COLUMNS = ("image", "img", "picture", "pixels")


def to_schema(
    dataset: Dataset | IterableDataset, expressions: Sequence[str], origin: str, controls: bool = False
) -> Dataset | IterableDataset:
    """Renames the columns, translates the labels, and adds `subject` and `pair`, empty, where they are missing.

    Pictures are not decoded, and further columns stay.

    Args:
        controls: keep the pictures of drawn controls, some of which have no class (`NO_CLASS`).

    Raises:
        DatasetError: there is no column of pictures or labels, labels are not among `expressions`, or the columns of controls
            have another length than the table of controls. A stream can only notice wrong labels when it comes to such a row.
    """
    if isinstance(dataset, IterableDataset) and dataset.features is None:
        dataset = dataset._resolve_features()  # reads the first row
    image = _image_column(dataset.features, origin)
    label = _label_column(dataset.features, origin)
    if image != "image":
        dataset = dataset.rename_column(image, "image")
    if label != "expression":
        dataset = dataset.rename_column(label, "expression")
    if not isinstance(dataset.features["image"], Image):
        dataset = dataset.cast_column("image", Image())
    drawn = ADDED_COLUMN in dataset.features
    _check_controls(dataset.features, origin)
    if drawn and not controls and isinstance(dataset, Dataset):
        dataset = _without_drawn(dataset)
    target = Features(schema_features(expressions) | {n: f for n, f in dataset.features.items() if n not in SCHEMA})
    left_out = drawn and not controls and isinstance(dataset, IterableDataset)
    if dataset.features == target and list(dataset.features) == list(target) and not left_out:
        return dataset
    translate = _Columns(dataset.features["expression"], tuple(expressions), origin, left_out)
    if isinstance(dataset, IterableDataset):
        tables = dataset.with_format("arrow").map(translate.whole_table, batched=True, features=target)
        return tables.with_format(None)
    return _replace_columns(dataset, translate, target)


def _image_column(features: Features, origin: str) -> str:
    named = [name for name in IMAGE_COLUMNS if name in features]
    pictures = [name for name, feature in features.items() if isinstance(feature, Image)]
    for candidates in ([name for name in named if name in pictures], pictures, named):
        if len(candidates) == 1 or (candidates and candidates[0] == "image"):
            return candidates[0]
    raise DatasetError(f"{origin} has the columns {', '.join(features)}: the pictures must be in one called image.")


def _label_column(features: Features, origin: str) -> str:
    named = [name for name in LABEL_COLUMNS if name in features]
    classes = [name for name, feature in features.items() if isinstance(feature, ClassLabel)]
    for candidates in (named, classes):
        if candidates:
            return candidates[0]
    raise DatasetError(
        f"{origin} has the columns {', '.join(features)}: the labels must be in one called {', '.join(LABEL_COLUMNS)}."
    )


def is_drawn(added: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """bool [N], rows whose picture was drawn with controls, by `ADDED_COLUMN`; unknown controls are none."""
    rows = added.combine_chunks() if isinstance(added, pa.ChunkedArray) else added
    drawn = np.zeros(len(rows), bool)
    known = np.flatnonzero(rows.is_valid().to_numpy(zero_copy_only=False))
    values = rows.flatten().to_numpy(zero_copy_only=False).reshape(len(known), -1)
    drawn[known] = np.any(np.nan_to_num(values) != 0, axis=1)
    return drawn


def _check_controls(features: Features, origin: str) -> None:
    for name in (CONTROLS_COLUMN, ADDED_COLUMN):
        length = getattr(features.get(name), "length", len(CONTROLS))
        if length != len(CONTROLS):
            raise DatasetError(
                f"The column {name} of {origin} holds {length} numbers, and there are {len(CONTROLS)} controls "
                f"({', '.join(CONTROL_NAMES)}): make the set anew, or remove the column."
            )


def _without_drawn(dataset: Dataset) -> Dataset:
    drawn = is_drawn(dataset.select_columns([ADDED_COLUMN]).with_format("arrow")[:][ADDED_COLUMN])
    return dataset.select(np.flatnonzero(~drawn)) if drawn.any() else dataset


class _Columns:
    """Computes the three columns beside the picture; a class, because it travels to the workers of a stream."""

    def __init__(self, label: object, expressions: Sequence[str], origin: str, left_out: bool = False) -> None:
        if not isinstance(label, ClassLabel) and getattr(label, "dtype", "") not in ("string", "large_string"):
            raise DatasetError(
                f"The labels of {origin} are {getattr(label, 'dtype', label)}, without names: cast the column to "
                f"datasets.ClassLabel(names=[...]) in the order of the numbers, or give names."
            )
        self.names = label.names if isinstance(label, ClassLabel) else None
        self.expressions, self.origin, self.left_out = expressions, origin, left_out

    def expression(self, table: pa.Table) -> list[int]:
        labels = table["expression"].to_pylist()
        if self.names is not None:
            # Hubs store -1 where a label is withheld.
            labels = [None if label is None or label < 0 else self.names[label] for label in labels]
        drawn = is_drawn(table[ADDED_COLUMN]) if ADDED_COLUMN in table.column_names else np.zeros(len(labels), bool)
        classless = [label is None and shown for label, shown in zip(labels, drawn, strict=True)]
        found = iter(
            label_indices(
                [label for label, none in zip(labels, classless, strict=True) if not none],
                self.expressions,
                self.origin,
            )
        )
        return [NO_CLASS if none else next(found) for none in classless]

    def text(self, table: pa.Table, name: str) -> list[str]:
        if name not in table.column_names:
            return [""] * len(table)
        return ["" if value is None else str(value) for value in table[name].to_pylist()]

    def whole_table(self, table: pa.Table) -> pa.Table:
        if self.left_out:
            table = table.filter(pa.array(~is_drawn(table[ADDED_COLUMN])))
        columns = {
            "image": table["image"],
            "expression": pa.array(self.expression(table), pa.int64()),
            "subject": pa.array(self.text(table, "subject"), pa.string()),
            "pair": pa.array(self.text(table, "pair"), pa.string()),
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
    for name, values in columns.items():
        if dataset.features.get(name) == target[name] and table[name].to_pylist() == values:
            continue
        if name in dataset.column_names:
            dataset = dataset.remove_columns(name)
        dataset = dataset.add_column(name, values, feature=target[name])
    return dataset.select_columns(list(target))
