"""A stream in blocks: rows that are held together, so that pairs are complete, shuffled, and found again after a kill."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from datasets import IterableDataset
from datasets.distributed import split_dataset_by_node

from ..data.streaming import readable
from ..errors import DatasetError

BLOCK_ROWS = 1024  # still compressed, so about 100 MB at 100 KB a picture; one block is trained on, another one read


class Place(TypedDict):
    """Where the share of a process goes on. All of it fits into JSON.

    Attributes:
        epoch, block: numbers of the pass and of the block in it.
        sample: how many samples of that block come before.
        groups: groups of rows that the pass had before the block, of all processes.
        state: of the stream at the start of the block, as `IterableDataset.state_dict` gives it; None for a new pass.
    """

    epoch: int
    block: int
    sample: int
    groups: int
    state: dict[str, Any] | None


START: Place = {"epoch": 0, "block": 0, "sample": 0, "groups": 0, "state": None}


@dataclass(frozen=True)
class Block:
    """Rows of one share in the order in which they are trained on.

    Attributes:
        place: where the block starts.
        rows: as the stream has them, pictures not decoded.
        partners: for each row, the rows of its pair in this block, itself first.
        dealt: for each row, the label of another one; all labels are dealt once.
    """

    place: Place
    rows: Sequence[dict]
    partners: Sequence[Sequence[dict]]
    dealt: Sequence[int]


class StreamShare:
    """What one process reads. Each block is read in a thread while the one before it is trained on.

    Where the number of shards is a multiple of `world`, a process reads its own shards alone. Otherwise each reads everything
    and keeps every `world`-th group of neighbours in a pair.

    Args:
        stream: with pictures that are not decoded.
        kept: whether a row is trained on.
        rank, world: of the process, and how many there are.
        seed: the order depends on it, on the pass and on `world` only.
    """

    def __init__(
        self,
        stream: IterableDataset,
        kept: Callable[[dict], bool],
        rank: int = 0,
        world: int = 1,
        seed: int = 0,
        size: int = BLOCK_ROWS,
    ):
        self.own_shards = stream.num_shards % world == 0
        self.stream = split_dataset_by_node(stream, rank, world) if self.own_shards else stream
        self.kept, self.rank, self.world, self.seed, self.size = kept, rank, world, seed, size

    def blocks(self, start: Place) -> Iterator[Block]:
        """Block after block, pass after pass.

        Raises:
            DatasetError: the stream breaks off, or this process has no rows.
        """
        with ThreadPoolExecutor(1, "stream") as reader:
            blocks = self._blocks(start)
            coming = reader.submit(next, blocks)
            while True:
                block = coming.result()
                coming = reader.submit(next, blocks)
                yield block

    def _blocks(self, start: Place) -> Iterator[Block]:
        epoch = start["epoch"]
        while True:
            empty = True
            for block in self._pass(start if start["epoch"] == epoch else {**START, "epoch": epoch}):
                empty = False
                yield block
            if empty and start["epoch"] != epoch:
                raise DatasetError("This process has no rows to train on: start fewer processes.")
            epoch += 1

    def _pass(self, start: Place) -> Iterator[Block]:
        """The blocks of one pass. A block ends between two groups, so that neighbours in a pair stay together."""
        stream, place, groups = self.stream, {**start, "sample": 0}, start["groups"]
        number = np.random.default_rng([self.seed, 0, start["epoch"]]).integers(1, 2**31)
        stream.set_epoch(int(number))  # shuffles the shards
        stream.load_state_dict(start["state"] or {"epoch": None})
        rows: list[dict] = []
        before, pair = start["state"], None
        for row in readable(stream):
            if not row["pair"] or row["pair"] != pair:
                if len(rows) >= self.size:
                    yield self._block(place, rows)
                    following = {"epoch": place["epoch"], "block": place["block"] + 1, "sample": 0}
                    place, rows = {**following, "groups": groups, "state": before}, []
                groups += 1
            pair = row["pair"]
            if (self.own_shards or groups % self.world == self.rank) and self.kept(row):
                rows.append(row)
            if len(rows) >= self.size:
                before = stream.state_dict()
            if len(rows) >= 2 * self.size:  # a pair that does not end
                pair = None
        if rows:
            yield self._block(place, rows)

    def _block(self, place: Any, rows: list[dict]) -> Block:
        key = [self.seed, place["epoch"], self.rank, place["block"]]
        order = np.random.default_rng([*key, 0]).permutation(len(rows))
        dealt = np.random.default_rng([*key, 1]).permutation(len(rows))
        pairs: dict[str, list[dict]] = {}
        for row in rows:
            pairs.setdefault(row["pair"], []).append(row)
        shuffled = [rows[index] for index in order]
        partners = [
            [row, *(other for other in pairs[row["pair"]] if other is not row)] if row["pair"] else [row]
            for row in shuffled
        ]
        return Block(place, shuffled, partners, [rows[index]["expression"] for index in dealt])
