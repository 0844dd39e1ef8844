"""What the columns of a table mean: names as people write them, near-misses, and which of several columns is the label."""

import difflib
from collections.abc import Mapping, Sequence
from typing import TypeVar

from ..errors import DatasetError, ExpressionError
from ..expressions import resolve_expression

LABEL_COLUMNS = ("expression", "label", "labels", "emotion", "class")
IMAGE_COLUMNS = ("image", "img", "picture", "pixels")
# What people call the columns as well, and spelling alone does not show. None of them is taken for the column: a guess
# would be right nearly always, and a wrong label or person goes unnoticed.
_MEANT = {
    "file_name": ("file", "files", "filename", "image", "img", "picture", "path", "filepath", "image_path", "name"),
    "expression": ("emotions", "emotion_label", "facial_expression", "feeling", "mood", "target", "class_name"),
    "subject": ("subjekt", "sujet", "person", "persons", "people", "person_id", "identity", "actor", "participant"),
    "pair": ("paar", "couple"),
}
Label = TypeVar(
    "Label", bound=str | None
)  # of a cell: as text, None where the kind of table knows of cells without one
_CLOSE = 0.8  # of difflib's ratio: "subjekt" and "pairs" are above it, "object" and "repair" are not


def canonical(name: str) -> str:
    """`name` as columns are compared by: without case, outer blanks, and with one kind of separator."""
    return "_".join(name.strip().casefold().replace("-", " ").replace("_", " ").split())


def assign_columns(names: Sequence[str], roles: Sequence[str], origin: str) -> dict[str, str]:
    """Which of the columns `names` stands for which of `roles`; "Subject" and " File Name" do.

    Raises:
        DatasetError: two columns stand for the same.
    """
    found: dict[str, str] = {}
    for name in names:
        role = canonical(name)
        if role not in roles:
            continue
        if role in found:
            raise DatasetError(
                f"{origin} has two columns called {role} ({found[role]!r} and {name!r}): rename or remove one of them."
            )
        found[role] = name
    return found


def near_miss(names: Sequence[str], role: str) -> str | None:
    """The column among `names` that was probably meant to be called `role`; None where none comes close."""
    spelt = {canonical(name): name for name in names}
    for meant in _MEANT.get(role, ()):
        if meant in spelt:
            return spelt[meant]
    alike = [name for name in spelt if name[:1] == role[:1]]
    close = difflib.get_close_matches(role, alike, n=1, cutoff=_CLOSE)
    return spelt[close[0]] if close else None


def near_misses(names: Sequence[str], missing: Sequence[str]) -> list[str]:
    """A sentence for each of the columns `missing` that one among `names` was probably meant to be."""
    found = ((role, near_miss(names, role)) for role in missing)
    return [
        f"there is a column {name!r} and none called {role}: rename it to {role}, or, if it is something else, to a name "
        f"that is not so close"
        for role, name in found
        if name is not None
    ]


def choose_label(
    candidates: Mapping[str, Sequence[Label]], expressions: Sequence[str], origin: str
) -> tuple[str, Sequence[Label]]:
    """The column of labels among `candidates`, columns that go by one of its names, with its cells.

    A column `expression` is the one. Else it is the one that holds nothing but expressions; two of them have to agree.

    Raises:
        DatasetError: two columns hold expressions, and other ones.
    """
    if "expression" in candidates or len(candidates) == 1:
        name = "expression" if "expression" in candidates else next(iter(candidates))
        return name, candidates[name]
    resolved = {name: _resolved(cells, expressions) for name, cells in candidates.items()}
    fitting = [name for name, labels in resolved.items() if labels is not None]
    if not fitting:
        name = next(iter(candidates))
        return name, candidates[name]
    first = fitting[0]
    for other in fitting[1:]:
        if resolved[other] != resolved[first]:
            raise DatasetError(
                f"{origin} has the columns {first!r} and {other!r}, which name different expressions: rename the right one "
                f"to expression."
            )
    return first, candidates[first]


def _resolved(cells: Sequence[str | None], expressions: Sequence[str]) -> list[str] | None:
    known: dict[str | None, str] = {}
    try:
        for cell in set(cells):
            known[cell] = resolve_expression(cell, expressions)
    except ExpressionError:
        return None
    return [known[cell] for cell in cells]
