"""People, and single expressions of theirs, that somebody found wrong by eye and wants out of the set."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from ...errors import RigError
from ...expressions import EXPRESSIONS, resolve_expression

WHOLE_PERSON = "all"
COLUMNS = ("subject", "broken")


def read_left_out(*tables: Path) -> dict[str, frozenset[str]]:
    """What tables say: by the stem of a portrait's file name, the expressions to leave out; all seven for a whole person.

    Args:
        tables: CSV files with the columns `subject` and `broken`. The latter holds `all`, or names of expressions with spaces
            between them. Further columns, such as the reason, are not read.

    Raises:
        RigError: a file cannot be read, or has no such columns.
        ExpressionError: a name is no expression.
    """
    found: dict[str, frozenset[str]] = {}
    for path in tables:
        for subject, names in _rows(path):
            found[subject] = found.get(subject, frozenset()) | _expressions(names)
    return found


def _rows(path: Path) -> list[tuple[str, list[str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            if missing := set(COLUMNS) - set(table.fieldnames or ()):
                raise RigError(
                    f"{path} needs the columns {' and '.join(COLUMNS)}; {', '.join(sorted(missing))} is missing."
                )
            return [(row["subject"].strip(), (row["broken"] or "").split()) for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RigError(f"Cannot read what to leave out from {path}: {error}.") from error


def _expressions(names: Iterable[str]) -> frozenset[str]:
    if WHOLE_PERSON in names:
        return frozenset(EXPRESSIONS)
    return frozenset(resolve_expression(name, EXPRESSIONS) for name in names)


def without_people(portraits: Iterable[str], left_out: Mapping[str, frozenset[str]]) -> list[str]:
    """The portraits without those of people who are left out whole; without neutral there is no edit of them to show.

    Raises:
        RigError: the table names nobody of these portraits, so it would do nothing.
    """
    portraits = list(portraits)
    if left_out and not left_out.keys() & {Path(path).stem for path in portraits}:
        raise RigError(
            f"None of the {len(left_out)} people to leave out is among the {len(portraits)} portraits: the table holds file "
            "names without their endings, such as london_001."
        )
    return [path for path in portraits if "neutral" not in left_out.get(Path(path).stem, ())]
