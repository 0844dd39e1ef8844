"""Training from a stream: rows are read as they come, decoded in the loader's processes, and none is kept on disk."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from datasets import Image, IterableDataset
from torch.utils.data import Dataset, Sampler, default_collate

from ..controls import ADDED_COLUMN, CONTROLS, CONTROLS_COLUMN
from ..data.image_decoding import decoded_picture, stored_name
from ..data.photograph_rows import RECIPE, source_only
from ..data.streaming import ROW_NAME
from ..errors import DatasetError
from .image_cache import stored_picture
from .optical_flow import exact_flow
from .pairing import Pair, choose
from .recent_pictures import RecentPictures
from .sample import Face, SampleMaker
from .stream_blocks import START, Block, Place, StreamShare

SPARES = 16  # rows that are tried in place of a damaged one
NOTE = "note"  # of a sample that could not be made: why
logger = logging.getLogger(__name__)


class Item(NamedTuple):
    """A sample to make: what a process of the loader is sent.

    Attributes:
        source, target: rows; no target where the true picture is not known.
        expression, controls: as in `pairing.Choice`.
        rng: what is drawn is drawn from it.
    """

    source: dict
    target: dict | None
    expression: int
    controls: np.ndarray | None
    rng: np.random.Generator


class StreamedSamples:
    """The samples of a run that reads its set row by row; `TrainingSamples` says what a sample is.

    Each process reads its own share, in an order that depends on seed, pass and the number of processes. A row is the target
    of one sample. Its source is drawn from the rows of the same pair in its block. So the pictures of a pair should lie close
    together in their shard. A row with partners further away is trained on as unpaired.

    The training process reads and chooses; worker processes decode. They touch neither Arrow nor the stream.

    Args:
        stream: as `load_expression_dataset(..., streaming=True)` returns it.
        maker: how rows become samples.
        neutral: index of the neutral expression, -1 where there is none.
        classes: indices of the expressions that the set has pictures of.
        kept: whether a person, by the text in the column subject, is trained on.
        max_damaged: damaged pictures to pass over before the run ends.
    """

    def __init__(
        self,
        stream: IterableDataset,
        maker: SampleMaker,
        neutral: int,
        classes: Sequence[int],
        kept: Callable[[str], bool],
        max_damaged: int = 0,
    ):
        self.stream = stream.cast_column("image", Image(decode=False))
        self.maker, self.neutral, self.classes, self.kept = maker, neutral, classes, kept
        self.max_damaged = max_damaged

    def loader_kwargs(
        self, first_step: int, local_batch: int, rank: int, world: int, place: Place | None = None
    ) -> dict[str, Any]:
        order = StreamOrder(self, rank, world, place or START)
        return {"dataset": SamplesInOrder(self.maker, order), "sampler": order, "collate_fn": collate}

    def item(self, block: Block, index: int, rank: int, attempt: int = 0) -> Item:
        """The choice of what to train on for a row of a block. All that is drawn depends on seed, rank and place only."""
        draw, place, rows = self.maker.draw, block.place, block.partners[index]
        key = [draw.seed, 1, rank, place["epoch"], place["block"], index]
        rng = np.random.default_rng([*key, attempt] if attempt else key)
        dealt = block.dealt[index] if draw.dealt else None
        choice = choose(self._pair(rows), 0, draw, self.neutral, self.classes, rng, dealt)
        target = None if choice.target is None else rows[choice.target]
        return Item(rows[choice.source], target, choice.expression, choice.controls, rng)

    def _pair(self, rows: Sequence[dict]) -> Pair:
        expressions = np.array([row["expression"] for row in rows], int)
        photographs = np.array([source_only(row.get(RECIPE), row["pair"]) for row in rows], bool)
        if self.maker.draw.shares is None:
            return Pair(expressions, photographs)
        return Pair(expressions, photographs, _controls(rows, CONTROLS_COLUMN), _controls(rows, ADDED_COLUMN))


def _controls(rows: Sequence[dict], column: str) -> np.ndarray:
    unknown = [np.nan] * len(CONTROLS)
    return np.array([unknown if row[column] is None else row[column] for row in rows], np.float32)


class StreamOrder(Sampler[Item]):
    """The items of one process in order, and where in the stream each of them is."""

    def __init__(self, samples: StreamedSamples, rank: int, world: int, start: Place):
        self.samples, self.rank, self.start = samples, rank, start
        seed = samples.maker.draw.seed
        self.share = StreamShare(samples.stream, lambda row: samples.kept(row["subject"]), rank, world, seed)
        self._blocks: deque[tuple[int, Block]] = deque()  # each with the number of its first sample
        self._damaged: list[str] = list(start.get("damaged", ()))

    def __iter__(self) -> Iterator[Item]:
        first = -self.start["sample"]
        for block in self.share.blocks(self.start):
            self._blocks.append((first, block))
            for index in range(max(0, -first), len(block.rows)):
                yield self.samples.item(block, index, self.rank)
            first += len(block.rows)

    def place_of(self, sample: int) -> Place:
        """Where sample number `sample` of this iterator is; the blocks before it are let go of."""
        first, block = self._find(sample)
        place: dict[str, Any] = {**block.place, "sample": sample - first}
        return {**place, "damaged": self._damaged}  # type: ignore[return-value]

    def _find(self, sample: int) -> tuple[int, Block]:
        while len(self._blocks) > 1 and self._blocks[1][0] <= sample:
            self._blocks.popleft()
        return self._blocks[0]

    def replacement(self, sample: int, why: str) -> dict[str, torch.Tensor]:
        """The sample of one of the rows that follow, in place of one whose picture is damaged.

        Raises:
            DatasetError: more pictures are damaged than may be, or all that follow are.
        """
        self._note(why)
        first, block = self._find(sample)
        for attempt in range(1, SPARES + 1):
            index = (sample - first + attempt) % len(block.rows)
            try:
                return make(self.samples.maker, self.samples.item(block, index, self.rank, attempt))
            except DatasetError as error:
                self._note(str(error))
        raise DatasetError(
            f"{SPARES} pictures of the stream in a row cannot be used. The last one: {self._damaged[-1]}"
        )

    def _note(self, why: str) -> None:
        if why in self._damaged:
            return
        self._damaged.append(why)
        count, most = len(self._damaged), self.samples.max_damaged
        if count > most:
            raise DatasetError(
                f"{why} It is number {count} that cannot be used, and max_damaged is {most}. Mend or remove these rows, or "
                "allow more with --max_damaged."
            )
        logger.warning("Passed over (%d so far, at most %d): %s", count, most, why)


class SamplesInOrder(Dataset):
    """Makes samples of items, in whatever process; iterated itself, it makes all in order."""

    def __init__(self, maker: SampleMaker, order: StreamOrder):
        self.maker, self.order, self.recent = maker, order, RecentPictures()

    def __getstate__(self) -> dict:
        return {"maker": self.maker, "order": None, "recent": self.recent}  # the stream stays in the training process

    def __getitem__(self, item: Item) -> dict[str, Any]:
        try:
            return make(self.maker, item, self.recent)
        except DatasetError as error:
            # Of the right shapes, until the training process puts another sample in its place.
            blank = np.zeros((self.maker.stored, self.maker.stored, 3), np.uint8)
            face = Face(blank, item.source["expression"])
            return self.maker.make(face, None, item.expression, None, item.rng, item.controls) | {NOTE: str(error)}

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        for number, item in enumerate(self.order):
            sample = self[item]
            yield self.order.replacement(number, sample[NOTE]) if NOTE in sample else sample


def make(maker: SampleMaker, item: Item, recent: RecentPictures | None = None) -> dict[str, torch.Tensor]:
    """Decodes the pictures of an item that are not among the recent ones, and makes the sample.

    Raises:
        DatasetError: a picture is damaged, or no square crop; names its file and row.
    """
    source, target = item.source, item.target
    exact = exact_flow(source, target) if maker.draw.motion and target is not None else None
    true = None if target is None else _face(maker, target, recent)
    return maker.make(_face(maker, source, recent), true, item.expression, exact, item.rng, item.controls)


def _face(maker: SampleMaker, row: dict, recent: RecentPictures | None) -> Face:
    cell = row["image"]

    def decode() -> np.ndarray:
        place = row.get(ROW_NAME) or f"A picture of {row['subject'] or 'nobody known'} in the stream"
        name = stored_name(cell, place)
        return stored_picture(decoded_picture(cell, name), maker.stored, name)

    encoded = cell["bytes"] if cell else None
    picture = decode() if recent is None or not encoded else recent.picture(encoded, decode)
    return Face(picture, row["expression"])


def collate(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A batch; with `NOTE`, the places in it that have no sample, and why."""
    notes = [(place, sample[NOTE]) for place, sample in enumerate(samples) if NOTE in sample]
    batch = default_collate([{name: value for name, value in sample.items() if name != NOTE} for sample in samples])
    return batch | {NOTE: notes} if notes else batch
