"""What a run learns of a stream before it trains: classes, people to keep aside, and pictures of them to validate on.

Nothing here grows with the set: a sample of the rows is looked at, from shards all over it.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from datasets import Dataset, Features, Image, IterableDataset

from ..controls import ADDED_COLUMN, CONTROLS_COLUMN
from ..data.loading import split_by_subject
from ..data.people import identity, names_in
from ..data.photograph_rows import RECIPE
from ..data.streaming import readable
from ..errors import DatasetError
from ..expressions import NO_CLASS
from .image_cache import FaceCache, FaceLabels

SHOWN_PEOPLE = 24  # of those kept aside, as many as validation looks at
SAMPLED_ROWS = 16_384
SAMPLED_SHARDS = 16  # of a remote set, each is a download of a row group
LABELS = ["expression", "subject", "pair"]


@dataclass(frozen=True)
class StreamParts:
    """Attributes:
    labels: of the pictures looked at, without the people kept aside.
    classes: indices of the expressions that the set has pictures of.
    held_out: a few pictures of people kept aside, None without.
    kept: whether a person, by the text in the column subject, is trained on.
    whole: whether all rows were looked at.
    """

    labels: FaceLabels
    classes: tuple[int, ...]
    held_out: FaceCache | None
    kept: Callable[[str], bool]
    whole: bool


class _Sample(NamedTuple):
    """How many rows of which shards are looked at, and whether these are all rows."""

    quotas: dict[int, int]
    whole: bool


def split_stream(stream: IterableDataset, held_out: float, seed: int, stored: int) -> StreamParts:
    """Splits a stream by people.

    A set of at most `SAMPLED_ROWS` rows is split as one that is not streamed. In a larger one, a hash of the name decides for
    each person, so that nobody has to know all of them.

    Raises:
        DatasetError: the stream is empty, or people should be held out and have no names.
    """
    columns = stream.features
    assert columns is not None  # `load_expression_dataset` has resolved them
    names = LABELS + [RECIPE] * (RECIPE in columns)
    features = Features({name: columns[name] for name in names})
    rows, sample = _first_rows(stream.select_columns(names))
    labels = Dataset.from_list(rows, features)
    classes = _classes(stream, labels, sample)
    if not held_out:
        return StreamParts(FaceLabels(labels), classes, None, _everybody, sample.whole)
    if unnamed := sum(not subject for subject in labels["subject"]):
        raise DatasetError(
            f"A stream is split by the names of people, and {unnamed} of {len(labels)} pictures have none in the column "
            "subject. Train with --held_out 0, or without --streaming."
        )
    kept = _kept(labels, held_out, seed, sample.whole)
    trained, aside = _divided(labels, kept)
    if not aside or not trained:
        raise DatasetError(
            f"The first {len(labels)} rows of the stream show {'nobody' if not aside else 'nobody but people'} to keep aside: "
            "shuffle its shards, or choose another --held_out."
        )
    shown = list(dict.fromkeys(labels.select(aside)["subject"]))[:SHOWN_PEOPLE]
    pictures = _pictures(stream, {n: columns[n] for n in names}, sample, shown)
    return StreamParts(FaceLabels(labels.select(trained)), classes, FaceCache(pictures, stored), kept, sample.whole)


def _everybody(_: str) -> bool:
    return True


def _kept(labels: Dataset, held_out: float, seed: int, whole: bool) -> Callable[[str], bool]:
    if whole:
        parts = split_by_subject(labels, held_out, seed=seed)
        left_out = frozenset(labels["subject"]) - frozenset(parts["train"]["subject"])
        return lambda subject: subject not in left_out

    @lru_cache(maxsize=65_536)
    def by_hash(subject: str) -> bool:
        digests = (hashlib.sha256(f"{seed} {identity(name)}".encode()).digest() for name in names_in(subject))
        return all(int.from_bytes(digest[:8]) >= held_out * 2**64 for digest in digests)

    return by_hash


def _divided(labels: Dataset, kept: Callable[[str], bool]) -> tuple[list[int], list[int]]:
    parts: tuple[list[int], list[int]] = ([], [])
    for index, subject in enumerate(labels["subject"]):
        parts[0 if kept(subject) else 1].append(index)
    return parts


def _first_rows(stream: IterableDataset) -> tuple[list[dict], _Sample]:
    """Rows from shards all over the set, in its order; all rows of a small one."""
    count = stream.num_shards
    quota = max(SAMPLED_ROWS // min(count, SAMPLED_SHARDS), 1)
    spread = np.unique(np.linspace(0, count - 1, min(count, SAMPLED_SHARDS)).astype(int)).tolist()
    order = spread + [shard for shard in range(count) if shard not in set(spread)]
    found: dict[int, list[dict]] = {}
    truncated = False
    for shard in order:
        left = min(quota, SAMPLED_ROWS - sum(map(len, found.values())))
        if left <= 0:
            break
        rows = list(itertools.islice(_rows_of(stream, shard), left + 1))
        truncated |= len(rows) > left
        found[shard] = rows[:left]
    sample = _Sample({shard: len(found[shard]) for shard in sorted(found)}, len(found) == count and not truncated)
    return [row for shard in sorted(found) for row in found[shard]], sample


def _rows_of(stream: IterableDataset, shard: int) -> Iterator[dict]:
    return readable(stream.shard(stream.num_shards, shard))


def _classes(stream: IterableDataset, labels: Dataset, sample: _Sample) -> tuple[int, ...]:
    """The expressions of the sample. Where one is missing, the other rows are looked through until it comes."""
    found = set(labels["expression"]) - {NO_CLASS}
    expressions = len(labels.features["expression"].names)
    if not sample.whole and len(found) < expressions:
        for row in readable(stream.select_columns(["expression"])):
            found.add(row["expression"])
            if len(found - {NO_CLASS}) == expressions:
                break
    return tuple(sorted(found - {NO_CLASS}))


def _pictures(stream: IterableDataset, kept: dict, sample: _Sample, shown: list[str]) -> Dataset:
    """The pictures of the people `shown` among the sampled rows, not decoded."""
    columns = stream.features or {}
    kept = kept | {name: columns[name] for name in (CONTROLS_COLUMN, ADDED_COLUMN) if name in columns}
    with_pictures = stream.select_columns(["image", *kept]).cast_column("image", Image(decode=False))
    rows = [
        row
        for shard, quota in sample.quotas.items()
        for row in itertools.islice(_rows_of(with_pictures, shard), quota)
        if row["subject"] in shown
    ]
    return Dataset.from_list(rows, Features(kept | {"image": Image(decode=False)}))
