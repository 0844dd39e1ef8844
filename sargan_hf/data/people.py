"""Who is in the pictures of a set, and its split by people."""

import hashlib
import logging
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from datasets import Dataset, DatasetDict

from ..errors import DatasetError
from .duplicates import identical_pictures

log = logging.getLogger(__name__)


def split_by_subject(dataset: Dataset, held_out: float = 0.12, seed: int = 0) -> DatasetDict:
    """Splits into "train" and "test" with nobody on both sides.

    People are put in the order of a hash of their name and `seed`; the first `held_out` of them make up the test part.
    So the split does not depend on the order of the rows, and adding people moves hardly anyone to the other side. A
    picture of two people ("a+b") goes where both are; if they are on different sides, it is left out.

    Names that differ in case, outer blanks or the encoding of accents are one person, and so are all that share a pair. A
    picture of nobody known counts as a person of its own, with all copies of it. A warning says how many do, and how many
    pictures are on both sides because they are there under two names.

    Args:
        dataset: of the common schema.
        held_out: share of the people for the test part, between 0 and 1; at least one person.
        seed: another seed, another split.

    Raises:
        DatasetError: there are fewer than two people, or a part would be empty.
    """
    if not 0 < held_out < 1:
        raise DatasetError(f"held_out is a share of the people between 0 and 1; got {held_out}.")
    copies = identical_pictures(dataset)
    rows = _people_of_rows(dataset, copies)
    everyone = {person for people in rows for person in people}
    if len(everyone) < 2:
        raise DatasetError(
            f"Splitting by people needs at least two of them; the column subject names {len(everyone)}. "
            f"Add the missing names, or train without held-out people."
        )
    # Drawn apart, so that either side has people who are seen by themselves.
    alone = {person for people in rows if len(people) == 1 for person in people}
    held = first_by_hash(alone, held_out, seed) | first_by_hash(everyone - alone, held_out, seed)
    train = [index for index, people in enumerate(rows) if not held & people]
    test = [index for index, people in enumerate(rows) if people <= held]
    if left_out := len(rows) - len(train) - len(test):
        log.warning("%d of %d pictures mix people of both sides of the split and are left out.", left_out, len(rows))
    _report_shared_pictures(train, test, copies)
    if not train or not test:
        raise DatasetError(
            f"With {len(everyone)} people, no picture is left for one side: nearly all show two people at once. "
            f"Use more people or another share than {held_out}."
        )
    # Not select(): of rows that lie side by side it would forget which rows of the set they are.
    parts = {"train": train, "test": test}
    return DatasetDict({name: dataset._select_with_indices_mapping(rows) for name, rows in parts.items()})


def count_people(subjects: Iterable[str]) -> str:
    """Who the pictures show, in words: "2 people", "unknown people", "2 people and, in 5 pictures, unknown people"."""
    subjects = list(subjects)
    known = len({identity(name) for subject in subjects for name in names_in(subject)})
    unknown = sum(not names_in(subject) for subject in subjects)
    named = "1 person" if known == 1 else f"{known} people"
    if not unknown:
        return named
    return f"{named} and, in {unknown} pictures, unknown people" if known else "unknown people"


def names_in(subject: str | None) -> list[str]:
    """The people in a picture by the text in its column subject: none, one, or the two of "a+b"."""
    return [name.strip() for name in (subject or "").split("+") if name.strip()]


def identity(name: str) -> str:
    """What two spellings of one person's name have in common: "José ", in either encoding, and "josé" are the same."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _people_of_rows(dataset: Dataset, copies: Sequence[Sequence[int]]) -> list[frozenset[str]]:
    """The people in each row, each by one of their names; `copies` are groups of rows with the same picture."""
    subjects = dataset["subject"][:]
    pairs = dataset["pair"][:] if "pair" in dataset.column_names else [""] * len(dataset)
    rows = [
        frozenset(names_in(subject)) or frozenset({f"pair {pair}" if pair else f"row {row}"})
        for row, (subject, pair) in enumerate(zip(subjects, pairs, strict=True))
    ]
    if unknown := sum(1 for subject, pair in zip(subjects, pairs, strict=True) if not names_in(subject) and not pair):
        log.warning(
            "%d of %d pictures have no name in the column subject: each counts as a person of its own, so that "
            "near-duplicates, pictures of one person, may be on both sides of the split.",
            unknown,
            len(rows),
        )
    groups = _Groups()
    by_identity: defaultdict[str, set[str]] = defaultdict(set)
    for name in {name for people in rows for name in people}:
        by_identity[identity(name)].add(name)
    for names in by_identity.values():
        groups.join(names)
    by_pair: defaultdict[str, set[frozenset[str]]] = defaultdict(set)
    for people, pair in zip(rows, pairs, strict=True):
        if pair:
            by_pair[pair].add(people)
    told = (_told_by_copies([(rows[row], bool(names_in(subjects[row]))) for row in group]) for group in copies)
    for shared in (*by_pair.values(), *told):
        if len(shared) > 1:  # the same two people in all of them stay two
            groups.join(name for people in shared for name in people)
    return [frozenset(map(groups.name, people)) for people in rows]


def _told_by_copies(group: Sequence[tuple[frozenset[str], bool]]) -> set[frozenset[str]]:
    """Who is one person by one picture, given the people of each copy and whether these are known.

    Copies of nobody known show one person, whose name another copy may tell. Where copies have different names, there is a
    reason or a mistake: these stay apart.
    """
    known = {people for people, named in group if named}
    unknown = {people for people, named in group if not named}
    return unknown | known if unknown and len(known) < 2 else unknown


def _report_shared_pictures(train: Sequence[int], test: Sequence[int], copies: Sequence[Sequence[int]]) -> None:
    tested = set(test)
    shared = {row for group in copies if tested.intersection(group) for row in group}.intersection(train)
    if shared:
        log.warning("Pictures of train are in test as well, under other people's names (%d).", len(shared))


class _Groups:
    """Names that turn out to be one person's; the first in the order of the alphabet stands for all."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def name(self, of: str) -> str:
        while self._parent.get(of, of) != of:
            of = self._parent[of]
        return of

    def join(self, names: Iterable[str]) -> None:
        roots = {self.name(name) for name in names}
        first = min(roots)
        self._parent.update(dict.fromkeys(roots, first))


def first_by_hash(people: Collection[str], share: float, seed: int) -> set[str]:
    """The first `share` of the people in the order of their hashes; neither nobody nor all, if there are two or more."""
    ranked = sorted(people, key=lambda person: hashlib.sha256(f"{seed} {person}".encode()).digest())
    return set(ranked[: max(0, min(max(1, round(share * len(ranked))), len(ranked) - 1))])
