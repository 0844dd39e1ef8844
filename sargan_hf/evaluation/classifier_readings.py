"""What classifiers read in a face before and after its edit: the columns of a measurement row, and a confusion matrix."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..expressions import EXPRESSIONS

# A face is known by (kind of edit, expression, intensity).
FaceKey = tuple[str, str, float]
ORIGINAL: FaceKey = ("original", "", 0.0)
WITHOUT_EDIT = "without edit"
MEAN = "all"


def read_columns(key: FaceKey, read: Mapping[str, Mapping[FaceKey, np.ndarray]]) -> dict[str, float | str]:
    """The readings of one edit as columns: `top1` and `probability` of the wanted expression, and what was read.

    Args:
        key: of the edit; its second part is the wanted expression.
        read: classifier -> face -> probabilities [7] in the order of `EXPRESSIONS`.

    Returns:
        Columns with the prefix "half_" (at intensity 0.5), "before_" (unedited) and "truth_" (the reference picture) as far as
        these faces were read. Columns without a suffix are the mean over the classifiers, those like "top1:fer" are of one.
        "read:fer" and "before_read:fer" name the expression that this classifier takes for the likeliest.
    """
    kind, expression, _ = key
    wanted = EXPRESSIONS.index(expression)
    moments: dict[str, FaceKey] = {
        "": key,
        "half_": (kind, expression, 0.5),
        "before_": ORIGINAL,
        "truth_": ("reference", expression, 1.0),
    }
    row: dict[str, float | str] = {}
    means: dict[str, float] = {}
    for prefix, face in moments.items():
        seen = {name: readings[face] for name, readings in read.items() if face in readings}
        for name, probabilities in seen.items():
            row[f"{prefix}top1:{name}"] = float(probabilities.argmax() == wanted)
            row[f"{prefix}probability:{name}"] = float(probabilities[wanted])
            if prefix in ("", "before_"):
                row[f"{prefix}read:{name}"] = EXPRESSIONS[probabilities.argmax()]
        if seen:
            means[f"{prefix}top1"] = float(np.mean([p.argmax() == wanted for p in seen.values()]))
            means[f"{prefix}probability"] = float(np.mean([p[wanted] for p in seen.values()]))
    means["gain"] = means["probability"] - means["before_probability"]
    means["rises"] = float(means["gain"] > 0)
    if "half_probability" in means:
        low, high = sorted((means["before_probability"], means["probability"]))
        means["half_between"] = float(low <= means["half_probability"] <= high)
    return row | means


@dataclass(frozen=True)
class Confusion:
    """How often each wanted expression was read as which.

    Attributes:
        classifier: name; "all" counts the readings of every classifier.
        domain: of the pictures; "all" for all of them.
        counts: wanted expression -> expression read -> readings. The row "without edit" holds the unedited pictures that
            were then given an expression.
    """

    classifier: str
    domain: str
    counts: dict[str, dict[str, int]]

    def shares(self) -> dict[str, dict[str, float]]:
        """The same as shares of each row."""
        return {
            wanted: {name: count / sum(row.values()) for name, count in row.items()}
            for wanted, row in self.counts.items()
        }

    def as_dict(self) -> dict:
        """JSON-ready."""
        return {"classifier": self.classifier, "domain": self.domain, "counts": self.counts}


def confusions(rows: Sequence[Mapping], classifiers: Sequence[str]) -> list[Confusion]:
    """The confusion matrices of all classifiers together and of each, over all pictures; then of each domain.

    Only edits at intensity 1 count. Edits to neutral, of real expressions and of edited smiles, make the row "neutral".
    """
    full = [row for row in rows if row["intensity"] == 1.0]
    domains = sorted({row["domain"] for row in full})
    found = [_confusion(full, classifiers, MEAN, "all")] if full else []
    if len(classifiers) > 1:
        found += [_confusion(full, [name], name, "all") for name in classifiers if full]
    if len(domains) > 1:
        for domain in domains:
            found.append(_confusion([r for r in full if r["domain"] == domain], classifiers, MEAN, domain))
    return found


def _confusion(rows: Sequence[Mapping], classifiers: Sequence[str], name: str, domain: str) -> Confusion:
    counts: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(EXPRESSIONS, 0))
    for wanted, read in _pairs(rows, classifiers):
        counts[wanted][read] += 1
    order = [wanted for wanted in (*EXPRESSIONS, WITHOUT_EDIT) if wanted in counts]
    return Confusion(name, domain, {wanted: counts[wanted] for wanted in order})


def _pairs(rows: Sequence[Mapping], classifiers: Sequence[str]) -> Iterator[tuple[str, str]]:
    unedited = {row["picture"]: row for row in rows if row["kind"] == "edit"}
    for name in classifiers:
        yield from ((row["expression"], row[f"read:{name}"]) for row in rows)
        yield from ((WITHOUT_EDIT, row[f"before_read:{name}"]) for row in unedited.values())
