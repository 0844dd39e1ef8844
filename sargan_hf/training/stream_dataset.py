"""Training from a stream: pictures are read and decoded as they come, and none is kept on disk."""

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from datasets import Dataset, Features, Image, IterableDataset
from torch.utils.data import IterableDataset as TorchStream

from ..controls import ADDED_COLUMN, CONTROLS, CONTROLS_COLUMN
from ..data.image_decoding import decoded_picture, stored_name
from ..data.loading import split_by_subject
from ..data.photograph_rows import RECIPE, source_only
from ..data.streaming import readable, share_of_process
from ..errors import DatasetError
from .image_cache import FaceCache, FaceLabels, stored_picture
from .optical_flow import exact_flow
from .pairing import Pair, choose
from .sample import Face, SampleMaker

PAIR_WINDOW = 1024  # rows back that a partner is looked for among; still compressed, about 100 MB at 100 KB a picture
SHOWN_PEOPLE = 24  # of those kept aside, as many as validation looks at
LABELS = ["expression", "subject", "pair"]


class StreamedSamples:
    """The samples of a run that reads its set row by row; `TrainingSamples` says what a sample is.

    Each process reads its own share, in an order that depends on seed, epoch and the number of processes. A row is the
    target of one sample. Its source is drawn from the rows of the same pair that came shortly before it. So the pictures of a
    pair should lie close together in their shard. A row with partners further away is trained on as unpaired.

    Args:
        stream: as `load_expression_dataset(..., streaming=True)` returns it.
        maker: how rows become samples.
        neutral: index of the neutral expression, -1 where there is none.
        classes: indices of the expressions that the set has pictures of.
        left_out: people that are not trained on.
    """

    # A fork of a process that has read Parquet waits for Arrow's threads without end, and `datasets` deals its shards anew to
    # worker processes, so that a resumed run would see other pictures: the training process reads the stream itself.
    supports_workers: ClassVar[bool] = False

    def __init__(
        self,
        stream: IterableDataset,
        maker: SampleMaker,
        neutral: int,
        classes: Sequence[int],
        left_out: frozenset[str],
    ):
        self.stream = stream.cast_column("image", Image(decode=False))
        self.maker, self.neutral, self.classes, self.left_out = maker, neutral, classes, left_out

    def loader_kwargs(self, first_step: int, local_batch: int, rank: int, world: int) -> dict[str, Any]:
        return {"dataset": _Share(self, first_step * local_batch, rank, world)}

    def sample(self, row: dict, place: tuple[int, int, int], before: deque[dict]) -> dict[str, torch.Tensor]:
        """`place` is (rank, epoch, row within them): with the seed it decides all that is drawn."""
        draw = self.maker.draw
        rng = np.random.default_rng([draw.seed, 1, *place])
        rows = [row]
        if row["pair"] and draw.pairs:
            rows += [other for other in before if other["pair"] == row["pair"]]
        choice = choose(self._pair(rows), 0, draw, self.neutral, self.classes, rng)
        source, target = rows[choice.source], None if choice.target is None else rows[choice.target]
        exact = exact_flow(source, target) if draw.motion and target is not None else None
        true = None if target is None else self._face(target)
        return self.maker.make(self._face(source), true, choice.expression, exact, rng, choice.controls)

    def _pair(self, rows: list[dict]) -> Pair:
        expressions = np.array([row["expression"] for row in rows], int)
        photographs = np.array([_source_only(row) for row in rows], bool)
        if self.maker.draw.shares is None:
            return Pair(expressions, photographs)
        return Pair(expressions, photographs, _controls(rows, CONTROLS_COLUMN), _controls(rows, ADDED_COLUMN))

    def _face(self, row: dict) -> Face:
        name = stored_name(row["image"], f"A picture of {row['subject'] or 'nobody known'} in the stream")
        picture = decoded_picture(row["image"], name)
        return Face(stored_picture(picture, self.maker.stored, name), row["expression"])


def _source_only(row: dict) -> bool:
    return source_only(row.get(RECIPE), row["pair"])


def _controls(rows: list[dict], column: str) -> np.ndarray:
    unknown = [np.nan] * len(CONTROLS)
    return np.array([unknown if row[column] is None else row[column] for row in rows], np.float32)


class _Share(TorchStream):
    """What one process reads, epoch after epoch, from its sample `first` on."""

    def __init__(self, samples: StreamedSamples, first: int, rank: int, world: int):
        self.samples, self.first, self.rank = samples, first, rank
        self.rows = share_of_process(samples.stream, rank, world, seed=samples.maker.draw.seed)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        first_epoch, skipped = self._start()
        for epoch in itertools.count(first_epoch):
            before: deque[dict] = deque(maxlen=PAIR_WINDOW)
            for place, row in enumerate(self._epoch(self.rows, epoch)):
                # Rows that were trained on before an interruption are read again, as partners of those to come.
                if place >= skipped:
                    yield self.samples.sample(row, (self.rank, epoch, place), before)
                before.append(row)
            skipped = 0

    def _start(self) -> tuple[int, int]:
        """The epoch that the first sample lies in, and how many rows come before it; reads labels only."""
        labels, left, epoch = self.rows.select_columns(LABELS), self.first, 0
        while True:
            rows = sum(1 for _ in self._epoch(labels, epoch)) if left else 1
            if rows == 0:
                raise DatasetError("This process has no rows to train on: start fewer processes.")
            if left < rows:
                return epoch, left
            left, epoch = left - rows, epoch + 1

    def _epoch(self, rows: IterableDataset, epoch: int) -> Iterator[dict]:
        rows.set_epoch(epoch)
        return (row for row in readable(rows) if row["subject"] not in self.samples.left_out)


@dataclass(frozen=True)
class StreamParts:
    """Attributes:
    labels: of the pictures trained on.
    held_out: a few pictures of people kept aside, None without.
    left_out: the names of all who are kept aside.
    """

    labels: FaceLabels
    held_out: FaceCache | None
    left_out: frozenset[str]


def split_stream(stream: IterableDataset, held_out: float, seed: int, stored: int) -> StreamParts:
    """Splits a stream by people: reads its labels, and its pictures until enough of those kept aside have come.

    Raises:
        DatasetError: the stream is empty, or people should be held out and have no names.
    """
    columns = stream.features
    assert columns is not None  # `load_expression_dataset` has resolved them
    names = LABELS + [RECIPE] * (RECIPE in columns)
    features = Features({name: columns[name] for name in names})
    labels = Dataset.from_list(list(readable(stream.select_columns(names))), features)
    if not held_out:
        return StreamParts(FaceLabels(labels), None, frozenset())
    if unnamed := sum(not subject for subject in labels["subject"]):
        raise DatasetError(
            f"A stream is split by the names of people, and {unnamed} of {len(labels)} pictures have none in the column "
            "subject. Train with --held_out 0, or without --streaming."
        )
    parts = split_by_subject(labels, held_out, seed=seed)
    left_out = frozenset(labels["subject"]) - frozenset(parts["train"]["subject"])
    shown = list(dict.fromkeys(parts["test"]["subject"]))[:SHOWN_PEOPLE]
    wanted = sum(subject in shown for subject in parts["test"]["subject"])
    kept = {name: columns[name] for name in (*names, CONTROLS_COLUMN, ADDED_COLUMN) if name in columns}
    shown_rows = stream.select_columns(["image", *kept]).cast_column("image", Image(decode=False))
    rows = list(itertools.islice((row for row in readable(shown_rows) if row["subject"] in shown), wanted))
    pictures = Dataset.from_list(rows, Features(kept | {"image": Image(decode=False)}))
    return StreamParts(FaceLabels(parts["train"]), FaceCache(pictures, stored), left_out)
