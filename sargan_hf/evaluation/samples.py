"""The pictures an evaluation edits: a labelled expression dataset, or any folder of pictures."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import DatasetError
from ..expressions import EXPRESSIONS, resolve_expression
from ..file_names import escape_unprintable
from ..images import load_image, looks_like_picture

_DATASET_FILES = ("metadata.csv", "metadata.jsonl", "metadata.parquet", "*.parquet", "data/*.parquet", "dataset_*.json")


@dataclass(frozen=True)
class Sample:
    """One picture to evaluate on.

    Attributes:
        name: unique within the evaluation.
        open: returns the picture, uint8 RGB [H, W, 3]; called when needed, so that a large set does not fill memory.
        expression: what it shows; None where that is unknown.
        subject: who it shows.
        pair: equal for pictures that differ in expression only; "" when unpaired.
        domain: group to report on, such as photo, painting, statue.
    """

    name: str
    open: Callable[[], np.ndarray]
    expression: str | None
    subject: str
    pair: str
    domain: str


@dataclass(frozen=True)
class Case:
    """One picture, the expressions to give it and, where the data is paired, the true pictures of them."""

    source: Sample
    targets: tuple[str, ...]
    truths: dict[str, Sample] = field(default_factory=dict)


def load_samples(
    data: str,
    *,
    split: str | None = None,
    held_out: float | None = None,
    people: Collection[str] | None = None,
    domain_column: str = "domain",
    seed: int = 0,
) -> list[Sample]:
    """Lists the pictures of `data`.

    Args:
        data: a source of `load_expression_dataset` (folder with labels, Parquet, Hub id), or a folder of pictures
            without labels. In the latter every picture is a person of its own, and its domain is its sub-folder or,
            directly inside `data`, the part of its name before the first "_" ("statue_cicero.png" -> "statue").
        split: split of the dataset.
        held_out: keep only the people that `split_by_subject(held_out=..., seed=...)` holds out, this share of all.
        people: keep only these subjects.
        domain_column: column of a dataset that names the domain; "all" for every picture where there is none.
        seed: of the split by people.

    Raises:
        DatasetError: nothing is there, or nothing is left.
    """
    folder = Path(data)
    if folder.is_dir() and _has_no_labels(folder):
        samples = _from_folder(folder)
    else:
        samples = _from_dataset(data, split, held_out, domain_column, seed)
    if people is not None:
        samples = [sample for sample in samples if sample.subject in set(people)]
    if not samples:
        raise DatasetError(f"No picture to evaluate on in {data!r} (split {split}, people {people or 'all'}).")
    return samples


def plan_cases(samples: Sequence[Sample], expressions: Sequence[str] = EXPRESSIONS) -> list[Case]:
    """Decides what to make of each picture.

    A neutral or unlabelled picture is given every expression but neutral; a picture known to show another expression is
    brought back to neutral. Pictures of one pair are each other's truth.
    """
    pairs: dict[str, dict[str, Sample]] = defaultdict(dict)
    for sample in samples:
        if sample.pair and sample.expression:
            pairs[sample.pair][sample.expression] = sample
    cases = []
    for sample in samples:
        resting = sample.expression in (None, "neutral")
        targets = tuple(e for e in expressions if e != "neutral") if resting else ("neutral",)
        known = pairs.get(sample.pair, {}) if sample.pair else {}
        cases.append(Case(sample, targets, {target: known[target] for target in targets if target in known}))
    return cases


def _has_no_labels(folder: Path) -> bool:
    """Whether neither a metadata or Parquet file nor a folder named after an expression says what the pictures show."""
    from ..data.folders import has_class_folders, list_files

    if any(next(folder.glob(pattern), None) for pattern in _DATASET_FILES):
        return False
    return not has_class_folders(list_files(folder), EXPRESSIONS)


def _from_folder(folder: Path) -> list[Sample]:
    samples = []
    for file in sorted(path for path in folder.rglob("*") if not path.is_dir()):
        inside = file.relative_to(folder)
        if any(part.startswith(".") for part in inside.parts) or not looks_like_picture(file):
            continue
        name = escape_unprintable(inside)  # it is written to the report
        domain = escape_unprintable(inside.parts[0] if len(inside.parts) > 1 else file.stem.split("_")[0])
        samples.append(Sample(name, _file_opener(file), None, name, "", domain))
    return samples


def _from_dataset(data: str, split: str | None, held_out: float | None, domain_column: str, seed: int) -> list[Sample]:
    from ..data.image_decoding import stored_pictures
    from ..data.loading import load_expression_dataset, split_by_subject

    dataset = load_expression_dataset(data, split=split)
    if held_out is not None:
        dataset = split_by_subject(dataset, held_out=held_out, seed=seed)["test"]
    names = dataset.features["expression"].names
    labels = dataset.remove_columns([column for column in dataset.column_names if column == "image"])
    samples, stored = [], stored_pictures(dataset)
    for index, row in enumerate(labels):
        expression = resolve_expression(names[row["expression"]])
        name = f"{index:05d} {row['subject']} {expression}"
        opener = _row_opener(stored, index)
        subject = row["subject"] or name
        samples.append(Sample(name, opener, expression, subject, row["pair"] or "", row.get(domain_column) or "all"))
    return samples


def _file_opener(file: Path) -> Callable[[], np.ndarray]:
    return lambda: load_image(file).rgb8()


def _row_opener(stored, index: int) -> Callable[[], np.ndarray]:
    from ..data.image_decoding import picture_at

    return lambda: picture_at(stored, index)
