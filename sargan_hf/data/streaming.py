"""Sets that do not fit the disk or the patience: rows straight from Parquet shards or the Hub, shared among processes."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
from datasets import Dataset, Features, IterableDataset, Value
from datasets.distributed import split_dataset_by_node
from datasets.iterable_dataset import ArrowExamplesIterable

from ..errors import ConfigurationError, DatasetError, SARGANError, one_line

ROW_NAME = "row_name"  # of streams from Parquet files: "train-00003.parquet, row 17"
BUFFER_ROWS = 1024  # still compressed in the buffer, so about 100 MB at 100 KB a picture


def share_of_process(
    dataset: Dataset | IterableDataset,
    rank: int = 0,
    world_size: int = 1,
    *,
    seed: int = 0,
    buffer_size: int = BUFFER_ROWS,
) -> IterableDataset:
    """The rows one process of several trains on, shuffled anew in every epoch.

    The order depends on `seed`, the epoch (`set_epoch` of the very stream that is read) and `world_size` only. The shares
    of the processes are disjoint and together complete in each epoch. Where the number of shards is a multiple of
    `world_size`, a process reads its own shards alone; otherwise each reads everything and keeps every `world_size`-th
    row, which costs bandwidth.

    Args:
        dataset: as `load_expression_dataset(..., streaming=True)` returns it; a `Dataset` is streamed from disk.
        rank, world_size: of the process, `accelerator.process_index` and `accelerator.num_processes`.
        seed: the same in all processes.
        buffer_size: rows that are held back and drawn from at random. The order of the shards is shuffled as well.

    Returns:
        The stream. `state_dict()` and `load_state_dict()` resume it; the buffer is filled anew then, so up to `buffer_size`
        rows of the interrupted epoch are skipped.

    Raises:
        ConfigurationError: `rank` is not below `world_size`, or `buffer_size` is not positive.
    """
    if not 0 <= rank < world_size:
        raise ConfigurationError(f"A process has a rank from 0 to world_size - 1; got rank {rank} of {world_size}.")
    if buffer_size < 1:
        raise ConfigurationError(f"The shuffle buffer holds at least one row; got buffer_size {buffer_size}.")
    if isinstance(dataset, Dataset):
        dataset = dataset.to_iterable_dataset(num_shards=min(len(dataset), 16 * world_size))
    # Shuffle first: all processes then agree on the order that is dealt out, whichever way it is dealt.
    return split_dataset_by_node(dataset.shuffle(seed=seed, buffer_size=buffer_size), rank, world_size)


class _Named:
    """Tables of Parquet files with a column that says file and row; a class, because it travels to workers."""

    def __init__(self, tables: Callable[..., Iterator[tuple[Any, pa.Table]]]):
        self.tables = tables

    def __call__(self, **shards: Any) -> Iterator[tuple[Any, pa.Table]]:
        before: defaultdict[int, int] = defaultdict(int)
        for key, table in self.tables(**shards):
            shard = key.original_shard_id
            file, first = PurePosixPath(str(shards["files"][shard])).name, before[shard]
            names = [f"{file}, row {row}" for row in range(first, first + len(table))]
            before[shard] += len(table)
            yield key, table.append_column(ROW_NAME, pa.array(names, pa.string()))


def with_row_names(stream: IterableDataset) -> IterableDataset:
    """A stream from Parquet files with the column `ROW_NAME`, so that a damaged picture can be found; others as they are."""
    inner = stream._ex_iterable
    if type(inner) is not ArrowExamplesIterable or "files" not in inner.kwargs:
        return stream
    named = ArrowExamplesIterable(_Named(inner.generate_tables_fn), inner.kwargs, None, inner.sleep_on_threads_shutdown)
    info = stream.info.copy()
    if info.features is not None:
        info.features = Features(info.features | {ROW_NAME: Value("string")})
    return IterableDataset(named, info=info, split=stream.split)


def readable(rows: Iterable[dict]) -> Iterator[dict]:
    """The rows of a stream.

    Raises:
        DatasetError: the stream breaks off: a damaged shard, the network.
    """
    try:
        yield from rows
    except SARGANError:
        raise
    except Exception as error:  # whatever readers, the network and `datasets` raise
        raise DatasetError(f"The stream of pictures breaks off: {one_line(error)}") from error


def endless_rows(stream: IterableDataset, first_epoch: int = 0) -> Iterator[dict]:
    """The rows of epoch after epoch.

    Shares differ by a few rows. Processes that count steps on endless rows never wait for one that has run out.
    """
    for epoch in itertools.count(first_epoch):
        stream.set_epoch(epoch)
        row = None
        for row in readable(stream):
            yield row
        if row is None:
            raise ConfigurationError("This process has no rows: the set has fewer rows than there are processes.")
