"""Streams: complete, disjoint, reproducible per epoch and process; over real Parquet shards."""

import itertools

import datasets.config
import pytest
from datasets import Dataset

from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.data.streaming import endless_rows, share_of_process
from sargan_hf.errors import ConfigurationError

SHARDS = 4


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    """datasets waits five seconds for Arrow's threads at the end of every shuffled epoch; these epochs have 42 rows."""
    monkeypatch.setattr(datasets.config, "SLEEP_TIME_ON_THREADS_SHUTDOWN", 0.05)


@pytest.fixture(scope="module")
def whole(expression_folder) -> Dataset:
    """The drawn people in the seven expressions, with a column that tells the rows apart."""
    dataset = load_expression_dataset(expression_folder)
    return dataset.add_column("number", list(range(len(dataset))))


@pytest.fixture(scope="module")
def stream(whole, tmp_path_factory):
    """The same rows, streamed from Parquet shards with the pictures inside."""
    folder = tmp_path_factory.mktemp("shards")
    for index in range(SHARDS):
        whole.shard(SHARDS, index).to_parquet(folder / f"train-{index:05}-of-{SHARDS:05}.parquet")
    return load_expression_dataset(folder, streaming=True)


def numbers(stream, epoch: int) -> list[int]:
    columns = stream.select_columns(["number"])
    columns.set_epoch(epoch)
    return [row["number"] for row in columns]


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_shares_are_disjoint_and_together_complete_in_every_epoch(stream, whole, world_size):
    """With 3 processes over 4 shards rows are dealt out one by one, with 2 whole shards."""
    for epoch in (0, 1):
        shares = [numbers(share_of_process(stream, rank, world_size, seed=7), epoch) for rank in range(world_size)]
        assert sorted(itertools.chain(*shares)) == list(range(len(whole)))
        assert max(map(len, shares)) - min(map(len, shares)) <= 3


def test_the_order_depends_on_seed_and_epoch_and_on_nothing_else(stream):
    first = numbers(share_of_process(stream, 0, 2, seed=7), 3)
    assert first == numbers(share_of_process(stream, 0, 2, seed=7), 3)
    assert first != numbers(share_of_process(stream, 0, 2, seed=7), 4)
    assert first != numbers(share_of_process(stream, 0, 2, seed=8), 3)
    assert first != sorted(first)


def test_endless_rows_shuffle_anew_and_hold_decoded_pictures_and_labels(stream, whole):
    rows = list(itertools.islice(endless_rows(share_of_process(stream)), 2 * len(whole)))
    epochs = [[row["number"] for row in rows[: len(whole)]], [row["number"] for row in rows[len(whole) :]]]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(len(whole)))
    assert epochs[0] != epochs[1]
    for row in rows[:5]:
        assert row["image"].size == whole[row["number"]]["image"].size
        assert row["expression"] == whole[row["number"]]["expression"]


def test_two_loader_workers_share_a_process_s_rows(stream, whole):
    from torch.utils.data import DataLoader

    share = share_of_process(stream, 0, 2, seed=1).select_columns(["number"])
    loaded = [int(number) for batch in DataLoader(share, batch_size=4, num_workers=2) for number in batch["number"]]
    assert sorted(loaded) == sorted(numbers(share_of_process(stream, 0, 2, seed=1), 0))


def test_a_dataset_on_disk_streams_too(whole):
    shares = [numbers(share_of_process(whole, rank, 2), 0) for rank in range(2)]
    assert sorted(itertools.chain(*shares)) == list(range(len(whole)))


def test_impossible_settings_are_refused(stream, whole):
    with pytest.raises(ConfigurationError, match="rank 2 of 2"):
        share_of_process(stream, 2, 2)
    with pytest.raises(ConfigurationError, match="buffer_size 0"):
        share_of_process(stream, buffer_size=0)
    with pytest.raises(ConfigurationError, match="fewer rows than"):
        next(endless_rows(share_of_process(whole.select([0]), 1, 2)))
