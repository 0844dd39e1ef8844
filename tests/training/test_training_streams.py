"""Long streams: pairs stay together, damaged pictures are passed over, and neither start nor resume reads all rows."""

import itertools
import json
import logging

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from datasets import Dataset, Image
from drawing import draw_face
from safetensors.torch import load_file

from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.errors import DatasetError
from sargan_hf.expressions import EXPRESSIONS
from sargan_hf.training import stream_blocks, stream_split
from sargan_hf.training.loop import train
from sargan_hf.training.recent_pictures import RecentPictures
from sargan_hf.training.setup_data import prepare_data
from sargan_hf.training.stream_blocks import START, StreamShare

PEOPLE, SHARDS = 30, 3


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Thirty people in the seven expressions, neighbours in their pairs."""
    faces = [draw_face(name, person % 3, size=32) for person in range(PEOPLE) for name in EXPRESSIONS]
    people = [f"p{index // 7:03}" for index in range(7 * PEOPLE)]
    columns = {"image": faces, "expression": list(EXPRESSIONS) * PEOPLE, "subject": people, "pair": people}
    return Dataset.from_dict(columns).cast_column("image", Image())


def written(rows: Dataset, folder, damaged: tuple[int, ...] = ()) -> dict:
    """The settings that stream the rows from three shards, some of whose pictures are cut off."""
    folder.mkdir()
    cells = rows.cast_column("image", Image(decode=False))
    pictures = list(cells["image"])
    for index in damaged:
        pictures[index] = pictures[index] | {"bytes": pictures[index]["bytes"][:60]}
    cells = cells.remove_columns("image").add_column("image", pictures).cast_column("image", Image(decode=False))
    for index in range(SHARDS):
        cells.shard(SHARDS, index).to_parquet(folder / f"train-{index:05}-of-{SHARDS:05}.parquet")
    return {"train_data_dir": str(folder), "streaming": True}


@pytest.fixture
def quick(monkeypatch):
    # datasets waits this long for Arrow's threads at the end of every pass.
    monkeypatch.setattr("datasets.config.SLEEP_TIME_ON_THREADS_SHUTDOWN", 0.01)


def share_of(settings: dict, rank: int = 0, world: int = 1, size: int = 50) -> StreamShare:
    stream = load_expression_dataset(settings["train_data_dir"], streaming=True)
    return StreamShare(stream.cast_column("image", Image(decode=False)), lambda row: True, rank, world, size=size)


def first_pass(share: StreamShare) -> list:
    return list(itertools.takewhile(lambda block: block.place["epoch"] == 0, share.blocks(START)))


@pytest.mark.parametrize("world", [1, 2, 3])
def test_pairs_stay_together_whoever_reads_them(rows, tmp_path, quick, world):
    settings = written(rows, tmp_path / "set")
    blocks = [block for rank in range(world) for block in first_pass(share_of(settings, rank, world))]
    read = [row["row_name"] for block in blocks for row in block.rows]
    assert len(read) == len(set(read)) == len(rows)
    paired = [len(partners) > 1 for block in blocks for partners in block.partners]
    assert np.mean(paired) == 1
    assert all(sorted(block.dealt) == sorted(row["expression"] for row in block.rows) for block in blocks)


def test_the_order_is_another_in_each_pass_and_for_each_seed(rows, tmp_path, quick):
    settings = written(rows, tmp_path / "set")
    share = share_of(settings)
    names = [[row["row_name"] for row in block.rows] for block in itertools.islice(share.blocks(START), 10)]
    assert len({tuple(block) for block in names}) == 10
    share.seed = 1
    assert [row["row_name"] for row in next(share.blocks(START)).rows] != names[0]


def test_a_resumed_share_reads_no_row_before_its_block(rows, tmp_path, quick, monkeypatch):
    settings = written(rows, tmp_path / "set")
    blocks = first_pass(share_of(settings))
    assert len(blocks) > 3
    place = json.loads(json.dumps(blocks[3].place))  # as a checkpoint keeps it
    read, readable = [], stream_blocks.readable
    monkeypatch.setattr(
        stream_blocks, "readable", lambda stream: (read.append(row["row_name"]) or row for row in readable(stream))
    )
    again = next(share_of(settings).blocks(place))
    assert [row["row_name"] for row in again.rows] == [row["row_name"] for row in blocks[3].rows]
    assert sorted(read[: len(again.rows)]) == sorted(row["row_name"] for row in again.rows)


def test_a_long_stream_is_split_by_a_sample_of_its_rows(rows, make_config, tmp_path, quick, monkeypatch):
    monkeypatch.setattr(stream_split, "SAMPLED_ROWS", 90)
    data = prepare_data(make_config(**written(rows, tmp_path / "set"), held_out=0.4), Accelerator(cpu=True))
    assert not data.whole
    assert len(data.faces) + len(data.held_out) == 90
    assert not set(data.faces.subject) & set(data.held_out.subject)
    assert len(data.faces.classes) == 7
    share = iter(data.samples.loader_kwargs(0, 4, 0, 1)["sampler"])
    trained = {next(share).source["subject"] for _ in range(100)}
    assert not trained & set(data.held_out.subject)
    assert trained - set(data.faces.subject)  # people that were not in the sample


def test_damaged_pictures_are_passed_over_counted_and_named(rows, make_config, tmp_path, quick, caplog):
    settings = written(rows, tmp_path / "set", damaged=(*range(0, 210, 21), 100))
    settings |= {"train_batch_size": 8, "checkpointing_steps": 50, "validation_steps": 50, "held_out": 0.0}
    settings |= {"dataloader_num_workers": 2}
    with caplog.at_level(logging.WARNING):
        train(make_config("whole", **settings, max_train_steps=12))
    told = [record.getMessage() for record in caplog.records if "Passed over" in record.getMessage()]
    assert any("train-00000-of-00003.parquet, row 21 (embedded)" in line for line in told)
    assert len({line.partition(": ")[2] for line in told}) == len(told) <= 11
    train(make_config("parts", **settings, max_train_steps=5))
    train(make_config("parts", **settings, max_train_steps=12, resume_from_checkpoint="latest"))
    whole, parts = (tmp_path / run / "checkpoint-00000012" for run in ("whole", "parts"))
    for name in ("generator.safetensors", "discriminator.safetensors", "ema.safetensors"):
        a, b = load_file(whole / name), load_file(parts / name)
        assert all(torch.equal(a[key], b[key]) for key in a)
    places = [json.loads((folder / "state.json").read_text())["stream"] for folder in (whole, parts)]
    assert places[0] == places[1]
    assert len(places[0][0]["damaged"]) == len(told)


def test_too_many_damaged_pictures_end_the_run(rows, make_config, tmp_path, quick):
    settings = written(rows, tmp_path / "set", damaged=tuple(range(0, 210, 3)))
    with pytest.raises(
        DatasetError, match=r"row \d+ \(embedded\).* number 5 that cannot be used, and max_damaged is 4"
    ):
        train(make_config(**settings, held_out=0.0, max_damaged=4, max_train_steps=20))


def test_a_sample_is_the_same_whichever_pictures_were_decoded_before(rows, make_config, tmp_path, quick):
    settings = written(rows, tmp_path / "set")
    samples = prepare_data(make_config(tmp_path / "run", **settings), Accelerator(cpu=True)).samples
    whole, alone = (samples.loader_kwargs(0, 1, 0, 1)["dataset"] for _ in range(2))
    alone.recent = RecentPictures(memory=0)
    for first, second in itertools.islice(zip(whole, alone, strict=True), 60):
        assert all(torch.equal(first[name], second[name]) for name in first)


def test_recent_pictures_are_decoded_once_and_stay_within_their_memory():
    decoded = []

    def ask(recent: RecentPictures, number: int) -> np.ndarray:
        def decode() -> np.ndarray:
            decoded.append(number)
            return np.full((10, 10, 3), number, np.uint8)

        picture = recent.picture(bytes([number]), decode)
        assert (picture == number).all()
        return picture

    recent = RecentPictures(memory=1000)  # three pictures of 300 bytes
    for number in (0, 1, 0, 2, 0, 3, 0, 1):
        ask(recent, number)
        assert recent.held <= recent.memory
    assert decoded == [0, 1, 2, 3, 1]  # 0 is asked for again and again, 1 was let go of
    with pytest.raises(ValueError, match="read-only"):
        ask(recent, 0)[:] = 9
