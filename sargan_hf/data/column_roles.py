"""Columns that whoever loads a set names: which of its columns holds pictures, labels, people and pairs."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence

from datasets import Dataset, IterableDataset

from ..errors import DatasetError
from .columns import canonical, near_miss
from .tables import Table

ROLES = ("image", "expression", "subject", "pair")
FILE_NAME = "file_name"  # what a metadata file has in place of the pictures themselves


def checked_roles(columns: Mapping[str, str | None] | None) -> dict[str, str]:
    """The roles that have a column of their own.

    Raises:
        DatasetError: an unknown role, or one column for two roles.
    """
    given = {role: name for role, name in (columns or {}).items() if name is not None}
    if unknown := [role for role in given if role not in ROLES]:
        raise DatasetError(f"Columns are named for {', '.join(ROLES)}; got {', '.join(unknown)}.")
    if len(set(given.values())) < len(given):
        raise DatasetError(f"Each column stands for one thing; got {given}.")
    return given


def with_roles(
    dataset: Dataset | IterableDataset, columns: Mapping[str, str], origin: str
) -> Dataset | IterableDataset:
    """The set with these columns renamed to their roles. What had such a name before is called `other_` and its name.

    Args:
        columns: role to column.

    Raises:
        DatasetError: there is no such column; names the one that is probably meant.
    """
    names = dataset.column_names or []
    renames = _renames(names, columns, origin)
    return dataset.rename_columns(renames) if renames else dataset


def table_with_roles(table: Table, columns: Mapping[str, str]) -> Table:
    """The same for a metadata file, whose pictures are named in `file_name`."""
    roles = {FILE_NAME if role == "image" else role: name for role, name in columns.items()}
    renames = _renames(list(table.columns), roles, str(table.path))
    return dataclasses.replace(table, columns={renames.get(name, name): cells for name, cells in table.columns.items()})


def _renames(names: Sequence[str], columns: Mapping[str, str], origin: str) -> dict[str, str]:
    renames: dict[str, str] = {}
    for role, wanted in columns.items():
        if wanted not in names:
            raise DatasetError(
                f"{origin} has no column {wanted!r}{_nearest(names, wanted, role)}. It has {', '.join(names)}."
            )
        renames |= {name: f"other_{name}" for name in names if canonical(name) == role and name != wanted}
    renames |= {name: role for role, name in columns.items() if name != role}
    return renames


def _nearest(names: Sequence[str], wanted: str, role: str) -> str:
    alike = difflib.get_close_matches(wanted, names, n=1)
    name = alike[0] if alike else near_miss(names, role)
    return f" (did you mean {name!r}?)" if name else ""
