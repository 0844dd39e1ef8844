"""Pairs: pictures of one person that differ in expression only."""

from collections import defaultdict
from collections.abc import Sequence

from ..errors import DatasetError
from .people import identity, names_in


def check_pairs(subjects: Sequence[str], pairs: Sequence[str], origin: str) -> None:
    """Raises DatasetError if a pair holds different people: pairs numbered anew for each person do."""
    first: dict[str, tuple[int, frozenset[str]]] = {}
    for row, (subject, pair) in enumerate(zip(subjects, pairs, strict=True)):
        people = frozenset(map(identity, names_in(subject)))
        if not pair or not people:
            continue
        other, others = first.setdefault(pair, (row, people))
        if others != people:
            raise DatasetError(
                f"The pair {pair!r} of {origin} holds {subjects[other]!r} and {subject!r}: a pair is one person in several "
                f"expressions. Give every person pairs of their own, such as {subject}_{pair}."
            )


def pairing_notes(expressions: Sequence[int], pairs: Sequence[str], names: Sequence[str]) -> list[str]:
    """Sentences about what training will miss in a set, none where it has all.

    Args:
        expressions: index of each picture's expression.
        pairs: its pair, "" where it has none.
        names: of the expressions.
    """
    notes = []
    if len(set(expressions)) == 1:
        notes.append(
            f"All {len(pairs)} pictures are {names[expressions[0]]}: expressions are learned from their difference."
        )
    shown: defaultdict[str, set[int]] = defaultdict(set)
    for expression, pair in zip(expressions, pairs, strict=True):
        if pair:
            shown[pair].add(expression)
    single = sum(len(of) == 1 for of in shown.values())
    if len(shown) == single:
        notes.append(
            "No two pictures with different expressions share a pair, so the main loss, the distance to the true picture, has "
            "nothing to work on. Where pictures differ in expression only, say so in the column pair."
        )
    elif single:
        notes.append(
            f"{single} of {len(shown)} pairs show a single expression: nothing is learned from these as pairs."
        )
    return notes
