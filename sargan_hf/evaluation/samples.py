"""The pictures an evaluation edits: a labelled expression dataset, or any folder of pictures."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from .._moved import renamed
from ..errors import DatasetError
from ..expressions import EXPRESSIONS, resolve_expression
from ..file_names import escape_unprintable
from ..images import load_image, looks_like_picture
from .source_notes import SourceNote, read_source_notes

if TYPE_CHECKING:
    from datasets import Dataset

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
        domain: kind of picture to report on, such as photograph, avatar, painting, sculpture.
        groups: further groups that it belongs to, such as "age: old"; see `source_notes`.
        skin_tone: what a label says of it; "" if it must be measured in the picture.
    """

    name: str
    open: Callable[[], np.ndarray]
    expression: str | None
    subject: str
    pair: str
    domain: str
    groups: tuple[str, ...] = ()
    skin_tone: str = ""


@dataclass(frozen=True)
class Task:
    """One picture, the expressions to give it and, where the data is paired, the true pictures of them as references."""

    source: Sample
    targets: tuple[str, ...]
    references: dict[str, Sample] = field(default_factory=dict)


def load_samples(
    data: str | Sequence[str],
    *,
    split: str | None = None,
    held_out: float | None = None,
    people: Collection[str] | None = None,
    domain_column: str = "domain",
    seed: int = 0,
) -> list[Sample]:
    """Lists the pictures of `data`.

    Args:
        data: a source of `load_expression_dataset` (folder with labels, Parquet, Hub id), a folder of pictures without labels,
            or several of these. "KIND=FOLDER" names the domain of all pictures of a folder. In a folder without labels every
            picture is a person of its own. Its domain is what a `SOURCES.csv` beside it says, else its sub-folder or,
            directly inside `data`, the part of its name before the first "_" ("statue_cicero.png" -> "statue").
        split: split of the dataset.
        held_out: keep only the people that `split_by_subject(held_out=..., seed=...)` holds out, this share of all. In a
            folder without labels, the name of a file without its ending is the person, as for `sargan rig`.
        people: keep only these subjects.
        domain_column: column of a dataset that names the domain; "all" for every picture where there is none.
        seed: of the split by people.

    Raises:
        DatasetError: nothing is there, nothing is left, or a kind is named for no folder.
    """
    places = [data] if isinstance(data, str) else list(data)
    samples: list[Sample] = []
    for place in places:
        kind, folder = _kind_and_folder(place)
        if folder.is_dir() and _has_no_labels(folder):
            found = _from_folder(folder, kind, held_out, seed)
        else:
            found = _from_dataset(str(folder) if kind else place, split, held_out, domain_column, seed)
            found = [replace(each, domain=kind) for each in found] if kind else found
        samples += found if len(places) == 1 else [replace(each, name=f"{folder.name}/{each.name}") for each in found]
    if people is not None:
        samples = [sample for sample in samples if sample.subject in set(people)]
    if not samples:
        raise DatasetError(
            f"No picture to evaluate on in {', '.join(map(repr, places))} (split {split}, people {people or 'all'}, "
            f"held out {held_out or 'none'})."
        )
    return samples


def some_of_each_kind(samples: Sequence[Sample], count: int, seed: int = 0) -> list[Sample]:
    """`count` samples of each domain drawn at random, in the order given; all of a domain that has fewer."""
    kept: set[str] = set()
    for domain in sorted({sample.domain for sample in samples}):
        names = sorted(sample.name for sample in samples if sample.domain == domain)
        kept |= {names[index] for index in np.random.default_rng(seed).permutation(len(names))[:count]}
    return [sample for sample in samples if sample.name in kept]


def plan_tasks(samples: Sequence[Sample], expressions: Sequence[str] = EXPRESSIONS) -> list[Task]:
    """Decides what to make of each picture.

    A neutral or unlabelled picture is given every expression but neutral; a picture known to show another expression is
    brought back to neutral. Pictures of one pair are each other's references.
    """
    pairs: dict[str, dict[str, Sample]] = defaultdict(dict)
    for sample in samples:
        if sample.pair and sample.expression:
            pairs[sample.pair][sample.expression] = sample
    tasks = []
    for sample in samples:
        neutral = sample.expression in (None, "neutral")
        targets = tuple(e for e in expressions if e != "neutral") if neutral else ("neutral",)
        known = pairs.get(sample.pair, {}) if sample.pair else {}
        tasks.append(Task(sample, targets, {target: known[target] for target in targets if target in known}))
    return tasks


def _has_no_labels(folder: Path) -> bool:
    """Whether neither a metadata or Parquet file nor a folder named after an expression says what the pictures show."""
    from ..data.folders import has_class_folders, list_files

    if any(next(folder.glob(pattern), None) for pattern in _DATASET_FILES):
        return False
    return not has_class_folders(list_files(folder), EXPRESSIONS)


def _kind_and_folder(place: str) -> tuple[str, Path]:
    """The parts of "KIND=FOLDER"; no kind where `place` is a folder as it stands."""
    kind, equals, folder = place.partition("=")
    if not equals or Path(place).exists():
        return "", Path(place)
    if not kind or not Path(folder).is_dir():
        raise DatasetError(f"{place!r} names a kind for {folder!r}, which is no folder. Write KIND=FOLDER.")
    return kind, Path(folder)


def _from_folder(folder: Path, kind: str, held_out: float | None, seed: int) -> list[Sample]:
    from ..data.people import first_by_hash

    if held_out is not None and not 0 < held_out < 1:
        raise DatasetError(f"held_out is a share of the people between 0 and 1; got {held_out}.")
    files = [path for path in sorted(folder.rglob("*")) if not path.is_dir() and _is_shown(path.relative_to(folder))]
    files = [path for path in files if looks_like_picture(path)]
    if held_out is not None:
        kept = first_by_hash({path.stem for path in files}, held_out, seed)
        files = [path for path in files if path.stem in kept]
    notes = {parent: read_source_notes(parent) for parent in {path.parent for path in files}}
    return [_sample_of_file(path, folder, kind, notes[path.parent].get(path.name, SourceNote())) for path in files]


def _is_shown(inside: Path) -> bool:
    return not any(part.startswith(".") for part in inside.parts)


def _sample_of_file(path: Path, folder: Path, kind: str, note: SourceNote) -> Sample:
    inside = path.relative_to(folder)
    name = escape_unprintable(inside)  # it is written to the report
    own = inside.parts[0] if len(inside.parts) > 1 else path.stem.split("_")[0]
    domain = kind or note.kind or escape_unprintable(own)
    return Sample(name, _file_opener(path), None, name, "", domain, note.groups, note.skin_tone)


def _from_dataset(data: str, split: str | None, held_out: float | None, domain_column: str, seed: int) -> list[Sample]:
    from ..data.image_decoding import stored_pictures
    from ..data.loading import load_expression_dataset, split_by_subject

    # Without streaming, the whole set is at hand.
    dataset = cast("Dataset", load_expression_dataset(data, split=split))
    if held_out is not None:
        dataset = split_by_subject(dataset, held_out=held_out, seed=seed)["test"]
    names = dataset.features["expression"].names
    labels = cast("Iterable[dict]", dataset.remove_columns([name for name in dataset.column_names if name == "image"]))
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


__getattr__ = renamed(__name__, {"Case": "Task", "plan_cases": "plan_tasks"})
