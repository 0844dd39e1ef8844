"""Sets that do not fit the disk or the patience: rows straight from Parquet shards or the Hub, shared among processes."""

import itertools
from collections.abc import Iterable, Iterator

from datasets import Dataset, IterableDataset
from datasets.distributed import split_dataset_by_node

from ..errors import ConfigurationError, DatasetError, SARGANError, one_line

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
