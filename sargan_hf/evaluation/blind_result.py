"""Opens the key of a blind test and counts its answers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigurationError
from ..expressions import EXPRESSIONS
from .blind_test import FORM, Key, open_key
from .static_page import read_answers
from .statistics import binomial_interval

ANSWERS = ("left", "right", "same", "both broken")


@dataclass(frozen=True)
class Tally:
    """The answers to a group of pairs.

    Attributes:
        group: "all", a kind, or an expression.
        a, b: pairs that A or B won.
        same, both_broken: pairs that nobody won.
        identical: pairs that nobody was asked about, as the edits are the same.
    """

    group: str
    a: int
    b: int
    same: int
    both_broken: int
    identical: int = 0

    @property
    def decided(self) -> int:
        """Pairs that one side won."""
        return self.a + self.b

    def share_of_b(self) -> tuple[float, float, float] | None:
        """Of the decided pairs, the share that B won, with its 95 % binomial interval; None where none was decided."""
        if not self.decided:
            return None
        return self.b / self.decided, *binomial_interval(self.b, self.decided)

    def as_dict(self) -> dict:
        """JSON-ready."""
        share = self.share_of_b()
        known = dict(zip(("share_of_b", "low", "high"), (round(x, 4) for x in share), strict=True)) if share else {}
        return {**vars(self), **known}


@dataclass(frozen=True)
class BlindResult:
    """The opened result: the key, who answered how many pairs, and the tallies (all, kinds, expressions)."""

    key: Key
    answered: dict[str, int]
    open_pairs: int
    tallies: list[Tally]

    def as_dict(self) -> dict:
        """JSON-ready."""
        about = {"a": self.key.a, "b": self.key.b, "seed": self.key.seed, "key_sha256": self.key.sha256}
        tallies = [tally.as_dict() for tally in self.tallies]
        return about | {"answered": self.answered, "open_pairs": self.open_pairs, "tallies": tallies}


def open_result(key_path: str | Path, answer_paths: Sequence[str | Path]) -> BlindResult:
    """Counts the answers that a page saved.

    Where several people answered, a pair counts once, with the answer that most of them gave; a draw counts as "same". So the
    pairs stay independent, as the interval takes them to be.

    Args:
        key_path: `OUTPUT.key.json`.
        answer_paths: a file for every person.

    Raises:
        ConfigurationError: a file is of another test, holds an unknown answer, or is given twice.
    """
    key = open_key(key_path)
    given: dict[str, list[str]] = {}
    answered: dict[str, int] = {}
    for number, path in enumerate(answer_paths, 1):
        saved = read_answers(path, FORM)
        if saved.get("key_sha256") != key.sha256:
            raise ConfigurationError(
                f"{path} answers another test, not that of {key_path}. Give the key of its own test."
            )
        rater = str(saved.get("rater") or f"person {number}")
        if rater in answered:
            raise ConfigurationError(f"Two files are from {rater!r}. Give only the newest file of each person.")
        answered[rater] = len(saved["answers"])
        for name, answer in saved["answers"].items():
            if name not in key.pairs or answer not in ANSWERS:
                raise ConfigurationError(
                    f"{path} answers {answer!r} to the pair {name!r}, which this test does not have."
                )
            given.setdefault(name, []).append(_who_won(answer, key.pairs[name].left))
    if not given:
        raise ConfigurationError("No pair is answered yet. Answer some on the page, and save.")
    outcomes = {name: _most_common(votes) for name, votes in given.items()}
    return BlindResult(key, answered, len(key.pairs) - len(outcomes), _tallies(key, outcomes))


def _who_won(answer: str, left: str) -> str:
    if answer not in ("left", "right"):
        return answer
    return left if answer == "left" else {"A": "B", "B": "A"}[left]


def _most_common(votes: Sequence[str]) -> str:
    ranked = Counter(votes).most_common(2)
    return "same" if len(ranked) > 1 and ranked[0][1] == ranked[1][1] else ranked[0][0]


def _tallies(key: Key, outcomes: dict[str, str]) -> list[Tally]:
    shown = [(key.pairs[name].kind, key.pairs[name].expression, outcome) for name, outcome in outcomes.items()]
    kinds = sorted({kind for kind, *_ in shown})
    expressions = [name for name in EXPRESSIONS if any(expression == name for _, expression, _ in shown)]
    tallies = [_tally("all", [outcome for *_, outcome in shown], len(key.identical))]
    for kind in kinds:
        alike = sum(each == kind for each, _ in key.identical)
        tallies.append(_tally(kind, [outcome for each, _, outcome in shown if each == kind], alike))
    for expression in expressions:
        alike = sum(each == expression for _, each in key.identical)
        tallies.append(_tally(expression, [outcome for _, each, outcome in shown if each == expression], alike))
    return tallies


def _tally(group: str, outcomes: Sequence[str], identical: int) -> Tally:
    count = Counter(outcomes)
    return Tally(group, count["A"], count["B"], count["same"], count["both broken"], identical)
