"""Pictures that the rig drew with facial controls: which rows they are, and leaving them out."""

import numpy as np
import pyarrow as pa
from datasets import Dataset, Features

from ..controls import ADDED_COLUMN, CONTROL_NAMES, CONTROLS, CONTROLS_COLUMN
from ..errors import DatasetError


def is_drawn(added: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """bool [N], rows whose picture was drawn with controls, by `ADDED_COLUMN`; unknown controls are none."""
    rows = added.combine_chunks() if isinstance(added, pa.ChunkedArray) else added
    drawn = np.zeros(len(rows), bool)
    known = np.flatnonzero(rows.is_valid().to_numpy(zero_copy_only=False))
    values = rows.flatten().to_numpy(zero_copy_only=False).reshape(len(known), -1)
    drawn[known] = np.any(np.nan_to_num(values) != 0, axis=1)
    return drawn


def drawn_rows(table: pa.Table) -> np.ndarray:
    """bool [N], as `is_drawn`, of a table that may have no such column."""
    return is_drawn(table[ADDED_COLUMN]) if ADDED_COLUMN in table.column_names else np.zeros(len(table), bool)


def check_controls(features: Features, origin: str) -> None:
    """Raises `DatasetError` for columns of controls that have another length than the table of controls."""
    for name in (CONTROLS_COLUMN, ADDED_COLUMN):
        length = getattr(features.get(name), "length", len(CONTROLS))
        if length != len(CONTROLS):
            raise DatasetError(
                f"The column {name} of {origin} holds {length} numbers, and there are {len(CONTROLS)} controls "
                f"({', '.join(CONTROL_NAMES)}): make the set anew, or remove the column."
            )


def without_drawn(dataset: Dataset) -> Dataset:
    """The rows whose picture was not drawn with controls."""
    drawn = drawn_rows(dataset.select_columns([ADDED_COLUMN]).with_format("arrow")[:])
    return dataset.select(np.flatnonzero(~drawn)) if drawn.any() else dataset
