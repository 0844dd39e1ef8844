"""Cells of tables: as text, or as the values that they stand for."""

import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from datasets import Features

from ..errors import DatasetError

# Numbers that mean the same after reading and writing them: 007 does not, so a column with it stays text.
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})", re.ASCII)
_DECIMAL = re.compile(r"[+-]?((0|[1-9]\d{0,14})(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMA_DECIMAL = re.compile(r"-?(0|[1-9]\d{0,14})(,\d+)?", re.ASCII)


class Number(str):
    """A number of a JSON file, as it is written there."""


def cell_text(cell: object) -> str | None:
    """A cell as text; None where it is none."""
    if cell is None or cell != cell:  # pandas writes NaN where nothing is known
        return ""
    if isinstance(cell, bytes):
        try:
            cell = cell.decode()
        except UnicodeDecodeError:
            return None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, dict | list | tuple):
        return None
    text = str(cell)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, as JSON can escape it
        return None
    return text


def storable_column(column: pa.ChunkedArray, name: str, path: Path) -> pa.ChunkedArray:
    """A column of Parquet in a type that `datasets` knows."""
    if pa.types.is_null(column.type):
        return column.cast(pa.string())
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string_view(column.type) or pa.types.is_binary_view(column.type):
        column = column.cast(pa.string() if pa.types.is_string_view(column.type) else pa.binary())
    try:
        Features.from_arrow_schema(pa.schema([(name, column.type)]))
    except Exception as error:  # of several kinds, by the type
        raise DatasetError(
            f"{path}, column {name!r} is of the type {column.type}, which no data set can hold: convert or remove it."
        ) from error
    return column


def plain_value(cell: object) -> object:
    """A cell without the wrapping of numbers."""
    if isinstance(cell, Number):
        if cell.lstrip("-").isdigit():
            return int(cell) if _INTEGER.fullmatch(cell) else str(cell)  # a long one is an identifier, and is kept
        return float(cell)
    if isinstance(cell, dict):
        return {name: plain_value(value) for name, value in cell.items()}
    if isinstance(cell, list):
        return [plain_value(value) for value in cell]
    return cell


def typed_cells(cells: Sequence[str | None], comma_decimals: bool) -> list:
    """The cells of a CSV file as numbers or truth values where all of them are."""
    given = [cell.strip() for cell in cells if cell is not None]
    kinds = [(is_integer, int), (_is_decimal, float), (_is_truth, lambda cell: cell.lower() == "true")]
    if comma_decimals:
        kinds.append((_is_comma_decimal, lambda cell: float(cell.replace(",", "."))))
    for fits, convert in kinds:
        if all(map(fits, given)):
            return [None if cell is None else convert(cell.strip()) for cell in cells]
    return list(cells)


def is_integer(cell: str) -> bool:
    return _INTEGER.fullmatch(cell) is not None


def _is_decimal(cell: str) -> bool:
    return _DECIMAL.fullmatch(cell) is not None


def _is_comma_decimal(cell: str) -> bool:
    return _COMMA_DECIMAL.fullmatch(cell) is not None


def _is_truth(cell: str) -> bool:
    return cell.lower() in ("true", "false")


def shown_cell(cell: object) -> str:
    text = ascii(cell)
    return text if len(text) <= 60 else f"{text[:60]}..."
