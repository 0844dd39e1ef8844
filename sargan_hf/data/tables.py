"""Tables that come with pictures: CSV, JSON lines and Parquet, read cell by cell, with the place of every row.

A cell is what stands in the file. "NA", "007" and "1e5" are names of people, so no reader guesses what they could mean;
a cell is empty where the field is.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import DatasetError, one_line
from .cells import Number, cell_text, is_integer, plain_value, shown_cell, storable_column, typed_cells
from .columns import canonical

DELIMITERS = (",", ";", "\t", "|")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What the index that pandas writes along may be called.
_UNNAMED = re.compile(r"|Unnamed: \d+")


@dataclass(frozen=True)
class Table:
    """The cells of a file.

    Attributes:
        path: the file.
        columns: cells by column name. Of CSV: text, None where a field is empty. Of JSON: what it holds, numbers as they
            are written. Of Parquet: Arrow arrays.
        places: where each row is, counted in `unit`s.
        unit: "line" or "row".
        only_text: text may stand for a number: CSV has nothing else.
        comma_decimals: numbers may be written as 0,5.
    """

    path: Path
    columns: dict[str, list | pa.ChunkedArray]
    places: Sequence[int]
    unit: str
    only_text: bool = False
    comma_decimals: bool = False

    def __len__(self) -> int:
        return len(self.places)

    def place(self, row: int) -> str:
        """Where row `row` is, for messages: "line 7 of /set/metadata.csv"."""
        return f"{self.unit} {self.places[row]} of {self.path}"

    def texts(self, name: str, outer_blanks: bool = False) -> list[str]:
        """The cells of a column as text, "" where a cell is empty; blanks around a text go unless `outer_blanks`.

        Raises:
            DatasetError: a cell holds no single text or number, or one that cannot be stored; names row and column.
        """
        texts = []
        for row, cell in enumerate(_listed(self.columns[name])):
            text = cell_text(cell)
            if text is None:
                raise DatasetError(
                    f"{self.place(row)}, column {name!r}: a text was expected, and there is {shown_cell(cell)}."
                )
            texts.append(text if outer_blanks else text.strip())
        return texts

    def values(self, name: str) -> pa.Array | pa.ChunkedArray:
        """The cells of a column as numbers where all are, as true and false where all are, else as they stand.

        Raises:
            DatasetError: a cell holds what no column of a data set can.
        """
        column = self.columns[name]
        if isinstance(column, pa.ChunkedArray):
            return storable_column(column, name, self.path)
        cells = typed_cells(column, self.comma_decimals) if self.only_text else [plain_value(cell) for cell in column]
        if all(cell is None for cell in cells):
            return pa.nulls(len(cells), pa.string())
        try:
            return pa.array(cells)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            pass  # kinds that do not mix, such as a word among numbers: all of them as text
        try:
            return pa.array([cell if cell is None or isinstance(cell, str) else json.dumps(cell) for cell in cells])
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise DatasetError(
                f"{self.path}, column {name!r} cannot be stored ({error}): mend or remove it."
            ) from error


def read_table(path: Path) -> Table:
    """Reads a .csv, .jsonl or .parquet file.

    CSV: commas, semicolons, tabs or bars between the fields, in UTF-8, or in UTF-16 with its mark, as spreadsheets write
    it. Blank rows, columns without a name and content, and the index of pandas are passed over.

    Raises:
        DatasetError: the file cannot be read; names the line or row.
    """
    reader = {".csv": _read_csv, ".jsonl": _read_jsonl, ".parquet": _read_parquet}[path.suffix.lower()]
    return reader(path)


def decoded_text(path: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 or UTF-32 with a byte order mark.

    Raises:
        DatasetError: it cannot be read, or is in another encoding; names the line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or error}.") from error
    if content.startswith(b"PK\x03\x04"):
        raise DatasetError(f"{path} is a workbook or an archive, not a text: save the table as 'CSV UTF-8'.")
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DatasetError(
            f"{path} cannot be read as text: line {line} holds the byte 0x{content[error.start]:02x}, which is not "
            f"{encoding.upper()}. Save it as UTF-8, in a spreadsheet as 'CSV UTF-8'."
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DatasetError(f"{path} cannot be read as text: line {line} holds a zero byte. Save it as UTF-8.")
    return text


def _read_csv(path: Path) -> Table:
    text = decoded_text(path)
    first_line = 1
    if mark := re.match(r"sep=(.)\r?\n", text):  # Excel's note to itself
        text, first_line = text[mark.end() :], 2
    delimiter = mark[1] if mark else _delimiter(text)
    rows = _csv_rows(path, text, delimiter, first_line)
    _, header = next(rows, (0, []))
    names = [name.strip() for name in header]
    places, lines = [], []
    for line, row in rows:
        row = row[: len(names)] + [cell for cell in row[len(names) :] if cell.strip()]
        if len(row) != len(names) and not (len(row) < len(names) and not any(names[len(row) :])):
            raise DatasetError(
                f"{path} cannot be read as CSV: line {line} has {len(row)} fields, and the header has {len(names)}. "
                f"Put fields that hold {delimiter!r} or a line break in double quotes."
            )
        places.append(line)
        lines.append(row + [""] * (len(names) - len(row)))
    cells = [[line[index] if line[index].strip() else None for line in lines] for index in range(len(names))]
    return Table(path, _named(path, names, cells), places, "line", only_text=True, comma_decimals=delimiter == ";")


def _csv_rows(path: Path, text: str, delimiter: str, first_line: int) -> Iterator[tuple[int, list[str]]]:
    """Each row that holds anything, with the line it starts in."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    line = first_line
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise DatasetError(
                f"{path} cannot be read as CSV: {error} in the row that starts in line {line}. Check its double quotes."
            ) from error
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield line, row
        line = first_line + reader.line_num


def _delimiter(text: str) -> str:
    """What stands between the names of the header."""
    header = next((line for line in text.splitlines() if line.strip()), "")

    def fit(delimiter: str) -> tuple[bool, int]:
        names = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True), [])
        return "file_name" in map(canonical, names), len(names)

    return max(DELIMITERS, key=fit)


def _read_jsonl(path: Path) -> Table:
    text = decoded_text(path)
    if text.lstrip().startswith("["):
        places, records, unit = *_json_array(path, text), "row"
    else:
        # Not splitlines(): JSON may hold the other line separators of Unicode as they are.
        numbered = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        records = [_json(path, line, f"line {number}") for number, line in numbered]
        places, unit = [number for number, _ in numbered], "line"
    for place, record in zip(places, records, strict=True):
        if not isinstance(record, dict):
            raise DatasetError(f"{path} cannot be read as JSONL: {unit} {place} is no object like {{...}}.")
    names = list(dict.fromkeys(name for record in records for name in record))
    cells = [[record.get(name) for record in records] for name in names]
    return Table(path, _named(path, names, cells), places, unit)


def _json_array(path: Path, text: str) -> tuple[list[int], list]:
    records = _json(path, text, "it")
    return list(range(1, len(records) + 1)), records


def _json(path: Path, text: str, place: str) -> Any:
    try:
        return json.loads(
            text, parse_int=Number, parse_float=Number, parse_constant=_constant, object_pairs_hook=_unique
        )
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} cannot be read as JSONL: {place} is no JSON object ({error}).") from error


def _constant(name: str) -> float | None:
    return None if name == "NaN" else float(name)  # Python writes NaN, which is no JSON, where a number is missing


def _unique(pairs: list[tuple[str, object]]) -> dict:
    names = [name for name, _ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"it has {twice!r} twice")
    return dict(pairs)


def _read_parquet(path: Path) -> Table:
    try:
        table = pq.read_table(path)
    except Exception as error:  # decoders raise anything at all on damaged files
        raise DatasetError(f"{path} cannot be read as PARQUET: {one_line(error)}") from error
    return Table(path, _named(path, table.column_names, table.columns), range(1, len(table) + 1), "row")


def _named(path: Path, names: Sequence[str], cells: Sequence[list | pa.ChunkedArray]) -> dict[str, list]:
    """The columns with a name, by it.

    Raises:
        DatasetError: two columns have the same name, or one that holds something has none.
    """
    columns: dict[str, list] = {}
    for number, (name, column) in enumerate(zip(names, cells, strict=True), start=1):
        if name.startswith("__index_level_") or (_UNNAMED.fullmatch(name) and _is_index(column)):
            continue
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise DatasetError(f"{path} has a column {name!a}, which is no text: rename it.") from error
        if name == "":
            raise DatasetError(f"{path}: column {number} holds values and has no name. Name it, or remove it.")
        if name in columns:
            raise DatasetError(f"{path} has the column {name!r} twice: rename or remove one of them.")
        columns[name] = column
    return columns


def _is_index(column: list | pa.ChunkedArray) -> bool:
    """Whether a column holds nothing, or the numbers of rows, some of which may have been taken out."""
    return all(cell is None or is_integer(str(cell)) for cell in _listed(column))


def _listed(column: list | pa.ChunkedArray) -> list:
    return column if isinstance(column, list) else column.to_pylist()
