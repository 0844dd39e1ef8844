"""Where a set is: a mistyped path is told at once, the Hub's failures in one sentence; shards that are damaged by name."""

import os
import subprocess
import sys
import time
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Image
from drawing import draw_face, embed
from hub_server import Hub

from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.data.streaming import endless_rows, share_of_process
from sargan_hf.errors import DatasetError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty working folder with a folder `faces`, and a Hub that must not be asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sargan_hf.data.remote.load_dataset", asked)
    (tmp_path / "faces" / "friends").mkdir(parents=True)
    return tmp_path


def asked(name: str, **_: object) -> None:
    raise ConnectionError(f"asked for {name}")


@pytest.mark.parametrize(
    "source",
    ["./mine", "../mine", "/no/such", "~/no_such_folder", "faces\\mine", "C:\\faces", "faces/mine", "faces/", "..\\mine",
     "~nobody_of_this_name/x", "faces/mine/deeper", ".", "a" * 5000, "a\0b", "", " ", Path("owner/name"), 3, None],
)  # fmt: skip
def test_the_hub_is_not_asked_for_a_path(here, source):
    with pytest.raises(DatasetError) as error:
        load_expression_dataset(source)
    assert "asked for" not in str(error.value)


def test_a_mistyped_folder_is_guessed(here):
    with pytest.raises(DatasetError, match=r"no folder faces/freinds: did you mean faces/friends\?"):
        load_expression_dataset("faces/freinds")
    with pytest.raises(DatasetError, match=r"write hf://datasets/owner/name"):
        load_expression_dataset("faces/mine")


@pytest.mark.parametrize(("source", "name"), [("lab/faces", "lab/faces"), ("hf://datasets/faces/mine", "faces/mine")])
def test_the_hub_is_asked_for_an_id(here, source, name):
    with pytest.raises(DatasetError, match=f"no folder {name}, and the Hub's .*asked for {name}$"):
        load_expression_dataset(source)


@pytest.mark.launch
def test_a_training_folder_is_never_looked_for_on_the_hub(tmp_path):
    flags = ["--train_data_dir", "mine/typo", "--output_dir", str(tmp_path / "run")]
    environment = os.environ | {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, str(ROOT / "train_accelerate.py"), *flags]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert run.returncode != 0
    assert "There is no folder mine/typo" in run.stderr
    assert "Hub's data set" not in run.stderr


@pytest.mark.launch
@pytest.mark.parametrize("parts", [["nothing"], ["README.md"], ["train-0.parquet"]])
def test_a_hub_that_has_no_such_set_is_told_in_one_line(tmp_path, parts):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / parts[0]).write_text("---\nlicense: other\n---\nnot a table")
    code = """
import sys
from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.errors import DatasetError
try:
    load_expression_dataset(sys.argv[1])
except DatasetError as error:
    print(error)
"""
    with Hub() as hub:
        hub.add("lab/faces", tmp_path / "set")
        environment = {name: value for name, value in os.environ.items() if name not in ("HF_HUB_OFFLINE", "HF_TOKEN")}
        environment |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
        for name in ("lab/faces", "lab/other"):
            run = subprocess.run(
                [sys.executable, "-c", code, name], capture_output=True, text=True, cwd=ROOT, env=environment
            )
            assert run.returncode == 0, run.stderr
            assert run.stdout.startswith(
                f"There is no folder {name}, and the Hub's data set of that name cannot be loaded:"
            )
            assert len(run.stdout.splitlines()) == 1


@pytest.fixture
def shards(expression_folder, tmp_path) -> Path:
    """Three shards with pictures inside."""
    whole = embed(load_expression_dataset(expression_folder))
    (tmp_path / "shards").mkdir()
    for index in range(3):
        whole.shard(3, index, contiguous=True).to_parquet(tmp_path / "shards" / f"train-{index:05d}.parquet")
    return tmp_path / "shards"


def read(folder: Path, **options) -> Dataset:
    return load_expression_dataset(folder, cache_dir=folder.parent / "cache", **options)


def flipped(content: bytes) -> bytes:
    """Damage where the first page starts; the footer is whole."""
    return content[:4] + bytes(byte ^ 0xFF for byte in content[4:60]) + content[60:]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("damage", [lambda content: content[:-100], lambda content: b"", lambda content: b"PAR1 no"])
def test_a_shard_that_is_not_whole_is_named(shards, damage, streaming):
    file = shards / "train-00001.parquet"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DatasetError, match=r"Parquet files in .* cannot be read: .*train-00001.parquet is damaged"):
        read(shards, streaming=streaming)


def test_damage_inside_a_shard_is_named_or_breaks_a_stream_off_in_one_sentence(shards, monkeypatch):
    file = shards / "train-00001.parquet"
    file.write_bytes(flipped(file.read_bytes()))
    with pytest.raises(DatasetError, match=r"train-00001.parquet is damaged"):
        read(shards)
    monkeypatch.setattr(datasets.config, "SLEEP_TIME_ON_THREADS_SHUTDOWN", 0.05)
    with pytest.raises(DatasetError, match="stream of pictures breaks off"):
        list(zip(range(200), endless_rows(share_of_process(read(shards, streaming=True))), strict=False))


def test_shards_with_other_columns_are_named(shards):
    table = pq.read_table(shards / "train-00002.parquet")
    pq.write_table(table.rename_columns(["image", "label", "subject", "pair"]), shards / "train-00002.parquet")
    with pytest.raises(DatasetError, match=r"train-00002.parquet has the columns .* and .*train-00000.parquet has"):
        read(shards)
    typed = table.set_column(3, "pair", pa.array(range(len(table))).cast(pa.float64()))
    pq.write_table(typed, shards / "train-00000.parquet")
    pq.write_table(table, shards / "train-00002.parquet")
    with pytest.raises(
        DatasetError, match=r"train-00001.parquet has the column pair as string, and .*0.parquet as double"
    ):
        read(shards)
    pq.write_table(table, shards / "train-00000.parquet")
    doubled = pa.table([*table.columns, table.column("pair")], names=[*table.column_names, "pair"])
    pq.write_table(doubled, shards / "train-00002.parquet")
    with pytest.raises(DatasetError, match=r"train-00002.parquet has a column twice: pair"):
        read(shards)


def test_shards_without_rows_are_passed_over(shards):
    pq.write_table(pq.read_table(shards / "train-00001.parquet").slice(0, 0), shards / "train-00001.parquet")
    assert len(read(shards)) == 28
    for file in shards.iterdir():
        pq.write_table(pq.read_table(file).slice(0, 0), file)
    with pytest.raises(DatasetError, match="is empty: its files have no rows"):
        read(shards)


@pytest.mark.parametrize("name", ["test_00001", "test.1", "validation1", "Test", "eval-0", "test 1"])
def test_parts_that_files_are_named_after_are_not_trained_on(shards, name):
    (shards / "train-00001.parquet").rename(shards / f"{name}.parquet")
    assert len(read(shards)) == 28
    part = "validation" if name.startswith("valid") else "test"
    assert len(read(shards, split=part)) == 14


def columns(**columns: object) -> Dataset:
    count = len(next(iter(columns.values())))
    return Dataset.from_dict({"image": [draw_face("sad", index) for index in range(count)], **columns})


def test_columns_by_other_names_are_warned_of(caplog):
    load_expression_dataset(columns(label=["joy", "sad"], subjekt=["a", "b"], pairs=["1", "2"]))
    assert "a column 'subjekt' and none called subject" in caplog.text
    assert "a column 'pairs' and none called pair" in caplog.text
    named = load_expression_dataset(columns(Label=["joy", "sad"], Subject=["a", " b "], PAIR=[1, 2]))
    assert (named["subject"][:], named["pair"][:]) == (["a", "b"], ["1", "2"])


def test_parts_that_a_column_of_parquet_names_are_told(caplog):
    load_expression_dataset(columns(label=["joy", "sad"], split=["train", "Test"]))
    assert "the column split names parts (test, train), and all are read" in caplog.text
    caplog.clear()
    load_expression_dataset(columns(label=["joy", "sad"], split=["train", "train"]))
    assert not caplog.records


def test_a_class_of_people_is_not_one_of_expressions():
    people = ClassLabel(names=["An", "Su", "Bob"])
    moods = ClassLabel(names=["joy", "sadness"])
    features = Features({"image": Image(), "person": people, "mood": moods})
    rows = {"image": [draw_face("sad", index) for index in range(2)], "person": [1, 2], "mood": [0, 1]}
    assert load_expression_dataset(Dataset.from_dict(rows, features=features))["expression"][:] == [3, 5]


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (lambda: columns(label=["joy", "sad"], emotion=["joy", "joy"]), "'label' and 'emotion', which name different"),
        (lambda: columns(label=["joy"], subject=[["a"]]), "Row 0 of .* no text in the column subject but a list"),
        (lambda: Dataset.from_dict({"image": [3], "label": ["joy"]}), "no kind of picture"),
        (lambda: columns(label=["joy"]).select([]), "is empty"),
        (lambda: Dataset.from_dict({"image": ["x"], "img": ["y"], "label": ["joy"]}).cast_column("img", Image()),
            "columns 'img' and 'image'"),
        (lambda: columns(expresion=["joy"]), "a column 'expresion' and none called expression"),
    ],
)  # fmt: skip
def test_objects_that_cannot_be_meant_are_told(dataset, message):
    with pytest.raises(DatasetError, match=message):
        load_expression_dataset(dataset())


def test_withheld_and_impossible_class_numbers_are_no_expressions(tmp_path):
    features = Features({"image": Image(), "label": ClassLabel(names=["joy", "sad"])})
    table = pa.table({"image": pa.nulls(3, Image().pa_type), "label": pa.array([0, -1, 7])})
    dataset = Dataset(table.cast(features.arrow_schema), datasets.DatasetInfo(features=features))
    with pytest.raises(DatasetError, match=r"None \(1 picture\), 'number 7' \(1 picture\); the first is that of row 1"):
        load_expression_dataset(dataset)


def test_a_folder_of_save_to_disk_is_told(shards, tmp_path):
    read(shards).save_to_disk(tmp_path / "saved")
    with pytest.raises(DatasetError, match="was written by `save_to_disk`: write it with `to_parquet`"):
        load_expression_dataset(tmp_path / "saved")


def test_looking_for_copies_does_not_read_every_picture(tmp_path):
    """2,000 pictures of 2,000 lengths: a fraction of a second."""
    rng = np.random.default_rng(0)
    contents = [{"bytes": rng.bytes(20_000 + index), "path": None} for index in range(2000)]
    rows = {"image": contents, "expression": [index % 7 for index in range(2000)]}
    labels = ClassLabel(names=["afraid", "angry", "disgusted", "happy", "neutral", "sad", "surprised"])
    dataset = Dataset.from_dict(rows, Features({"image": Image(), "expression": labels}))
    start = time.process_time()
    assert len(load_expression_dataset(dataset)) == 2000
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("source", "settings", "message"),
    [
        ("faces", {"revision": "v2"}, "revision cannot be chosen for a folder"),
        ("lab/faces", {"adapter": "kdef"}, "adapter cannot be chosen for a set on the Hub"),
        (
            Dataset.from_dict({}),
            {"adapter": "kdef", "revision": "v2"},
            "adapter and revision cannot be chosen for a data set",
        ),
        ("faces", {"expressions": "happy"}, "a list of different names; got 'happy'"),
        ("faces", {"expressions": ["joy", "Joy"]}, "a list of different names"),
    ],
)
def test_settings_without_effect_are_refused(here, source, settings, message):
    with pytest.raises(DatasetError, match=message):
        load_expression_dataset(source, **settings)
