"""Any source of labelled faces to one schema, with errors that name the file; nobody on both sides of a split."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image, Value
from drawing import draw_face
from hypothesis import given, settings
from hypothesis import strategies as st

from sargan_hf.data.examples import schema_features
from sargan_hf.data.image_decoding import decoded_pictures
from sargan_hf.data.loading import load_expression_dataset, split_by_subject
from sargan_hf.errors import DatasetError
from sargan_hf.expressions import EXPRESSIONS

KAGGLE_NAMES = ("Fear", "anger", "disgust", "joy", "none", "sadness", "SU")  # in the order of EXPRESSIONS


@pytest.fixture
def class_folders(tmp_path) -> Path:
    """One picture in each of seven folders with other names than ours."""
    for index, name in enumerate(KAGGLE_NAMES):
        (tmp_path / "set" / name).mkdir(parents=True)
        draw_face(EXPRESSIONS[index], 0).save(tmp_path / "set" / name / f"{index}.png")
    return tmp_path / "set"


@pytest.fixture(scope="module")
def parquet_folder(expression_folder, tmp_path_factory) -> Path:
    """What the rig writes: shards with embedded pictures and further columns, a card, a list of what was skipped."""
    root = tmp_path_factory.mktemp("rig")
    dataset = load_expression_dataset(expression_folder)
    dataset = dataset.add_column("recipe", [f"recipe {index}" for index in range(len(dataset))])
    dataset = dataset.add_column("motion_valid", [bytes([index]) for index in range(len(dataset))])
    (root / "data").mkdir()
    for index in range(2):
        shard = dataset.shard(2, index, contiguous=True)
        shard.to_parquet(root / "data" / f"train-{index:05d}-of-00002.parquet")
    (root / "README.md").write_text("---\nlicense: other\n---\n# A set\n")
    (root / "skipped.csv").write_text("portrait,reason\n")
    (root / "rig.json").write_text("{}")
    (root / ".parts").mkdir()
    (root / ".parts" / "000000.parquet").write_bytes(b"half a file")
    return root


def names(dataset) -> list[str]:
    return [EXPRESSIONS[row["expression"]] for row in dataset.select_columns(["expression"])]


def assert_schema(dataset) -> None:
    assert list(dataset.features)[:4] == ["image", "expression", "subject", "pair"]
    assert {name: dataset.features[name] for name in schema_features(EXPRESSIONS)} == schema_features(EXPRESSIONS)


@pytest.mark.parametrize("streaming", [False, True])
def test_folders_named_after_expressions_by_any_of_their_names(class_folders, streaming):
    dataset = load_expression_dataset(class_folders, streaming=streaming)
    assert_schema(dataset)
    assert sorted(names(dataset)) == sorted(EXPRESSIONS)
    for row in dataset:
        assert row["image"].size == (64, 64)
        assert (row["subject"], row["pair"]) == ("", "")


def test_parts_of_a_folder_are_kept_apart(class_folders):
    for part in ("train", "test"):
        (class_folders.parent / "parts" / part).mkdir(parents=True)
    (class_folders / "joy").rename(class_folders.parent / "parts" / "test" / "joy")
    (class_folders / "none").rename(class_folders.parent / "parts" / "train" / "none")
    (class_folders / "anger").rename(class_folders.parent / "parts" / "train" / "anger")
    root = class_folders.parent / "parts"
    assert sorted(names(load_expression_dataset(root))) == ["angry", "neutral"]
    assert names(load_expression_dataset(root, split="test")) == ["happy"]
    with pytest.raises(DatasetError, match=r"no part 'validation'. Available are test, train"):
        load_expression_dataset(root, split="validation")


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_metadata_of_every_kind_with_names_of_digits_and_further_columns(kind, tmp_path):
    rows = []
    for person in ("007", "012"):
        for index, expression in enumerate(("joy", "NE")):
            draw_face("happy", index).save(tmp_path / f"{person}_{index}.png")
            row = {"file_name": f"{person}_{index}.png", "label": expression, "subject": person, "pair": f"{person}1"}
            rows.append(row | {"intensity": 0.5 * index})
    table = pyarrow.Table.from_pylist(rows)
    if kind == "csv":
        pyarrow.csv.write_csv(table, tmp_path / "metadata.csv")
    elif kind == "jsonl":
        (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pyarrow.parquet.write_table(table, tmp_path / "metadata.parquet")
    dataset = load_expression_dataset(tmp_path)
    assert_schema(dataset)
    assert names(dataset) == ["happy", "neutral"] * 2
    assert dataset["subject"][:] == ["007", "007", "012", "012"]
    assert dataset["pair"][0] == "0071"
    assert dataset["intensity"][:] == [0.0, 0.5, 0.0, 0.5]


@pytest.mark.parametrize("streaming", [False, True])
def test_shards_of_the_rig_with_their_further_columns(parquet_folder, expression_folder, streaming, tmp_path):
    dataset = load_expression_dataset(parquet_folder, streaming=streaming, cache_dir=tmp_path)
    assert_schema(dataset)
    named = {"row_name"} if streaming else set()  # where a damaged picture of a stream is
    assert set(dataset.features) == {"image", "expression", "subject", "pair", "recipe", "motion_valid"} | named
    rows, original = list(dataset), load_expression_dataset(expression_folder)
    assert len(rows) == len(original)
    assert rows[9]["motion_valid"] == b"\x09"
    assert not streaming or rows[0]["row_name"].endswith(".parquet, row 0")
    assert np.array_equal(np.asarray(rows[9]["image"]), np.asarray(original[9]["image"]))
    assert [row["expression"] for row in rows] == original["expression"][:]


@pytest.mark.parametrize("streaming", [False, True])
def test_datasets_objects_with_other_columns_and_another_order(streaming):
    features = Features({"img": Image(), "label": ClassLabel(names=["surprise", "joy", "none"]), "age": Value("int32")})
    rows = {"img": [draw_face("happy", 0)] * 3, "label": [1, 2, 0], "age": [30, 40, 50]}
    parts = DatasetDict(validation=Dataset.from_dict(rows, features=features))
    dataset = load_expression_dataset(parts, streaming=streaming)
    assert_schema(dataset)
    assert names(dataset) == ["happy", "neutral", "surprised"]
    assert [row["age"] for row in dataset] == [30, 40, 50]
    assert next(iter(dataset))["image"].size == (64, 64)


def test_a_model_of_other_expressions(class_folders):
    (class_folders / "contempt").mkdir()
    draw_face("happy", 0).save(class_folders / "contempt" / "c.png")
    order = ("contempt", *reversed(EXPRESSIONS))
    dataset = load_expression_dataset(class_folders, expressions=order)
    assert dataset.features["expression"].names == list(order)
    assert Counter(dataset["expression"]) == dict.fromkeys(range(8), 1)


def test_unknown_labels_are_listed_with_what_is_accepted(class_folders):
    (class_folders / "joy").rename(class_folders / "bored")
    (class_folders / "anger").rename(class_folders / "sleepy")
    with pytest.raises(DatasetError, match=r"'bored' \(1 picture\), 'sleepy' \(1 picture\).*happy \(happiness, joy"):
        load_expression_dataset(class_folders)


def test_missing_and_broken_files_are_named(expression_folder, tmp_path):
    lines = (expression_folder / "metadata.csv").read_text().splitlines()
    (tmp_path / "metadata.csv").write_text("\n".join(lines[:4]))
    first, second, third = (line.split(",")[0] for line in lines[1:4])
    for name in (first, second):
        (tmp_path / name).write_bytes((expression_folder / name).read_bytes())
    with pytest.raises(DatasetError, match=f"do not exist.*{third}"):
        load_expression_dataset(tmp_path)
    (tmp_path / third).write_text("<html>404</html>")
    with pytest.raises(DatasetError, match=f"cannot be opened as pictures.*{third}"):
        load_expression_dataset(tmp_path)


def test_a_truncated_picture_is_named_when_it_is_decoded(class_folders):
    broken = class_folders / "joy" / "3.png"
    broken.write_bytes(broken.read_bytes()[:-600])
    dataset = load_expression_dataset(class_folders)
    with pytest.raises(DatasetError, match=r"joy/3.png"):
        list(decoded_pictures(dataset))


def test_decoded_pictures_are_upright_rgb_wherever_they_come_from(class_folders, parquet_folder, tmp_path):
    tilted = draw_face("happy", 1).resize((48, 32))
    exif = tilted.getexif()
    exif[0x0112] = 6  # the camera was held upright
    tilted.convert("L").save(class_folders / "joy" / "3.png", exif=exif)
    shapes = [picture.shape for picture in decoded_pictures(load_expression_dataset(class_folders))]
    assert sorted(shapes)[0] == (48, 32, 3)
    embedded = load_expression_dataset(parquet_folder, cache_dir=tmp_path)
    assert {picture.shape for picture in decoded_pictures(embedded)} == {(64, 64, 3)}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: root / "nowhere" / "at" / "all", "There is no folder"),
        (lambda root: "no_such_folder", "There is no folder no_such_folder, and it is no Hub id"),
        (lambda root: (root / "a.zip").write_bytes(b"PK") and root / "a.zip", "is a file: give the folder"),
        (lambda root: root, "Nothing in .* says which expressions"),
        (lambda root: (root / "metadata.csv").write_text("file_name,age\na.png,3\n") and root, "file_name and one of"),
        (lambda root: (root / "metadata.csv").write_text("file_name,label\n") and root, "is empty"),
        (lambda root: (root / "metadata.parquet").write_text("no") and root, "cannot be read as PARQUET"),
        (lambda root: (root / "train-0.parquet").write_text("no") and root, "Parquet files in .* cannot be read"),
    ],
)
def test_sources_that_cannot_work_say_what_is_expected(make, message, tmp_path):
    with pytest.raises(DatasetError, match=message):
        load_expression_dataset(make(tmp_path), cache_dir=tmp_path / "cache")


def test_columns_that_cannot_work_say_what_is_expected():
    image = [draw_face("happy", 0)]
    with pytest.raises(DatasetError, match="columns image: the labels must be"):
        load_expression_dataset(Dataset.from_dict({"image": image}))
    with pytest.raises(DatasetError, match="int64, without names: cast"):
        load_expression_dataset(Dataset.from_dict({"image": image, "label": [3]}))
    with pytest.raises(DatasetError, match="columns label: the pictures must be"):
        load_expression_dataset(Dataset.from_dict({"label": ["joy"]}))
    with pytest.raises(DatasetError, match=r"None \(1 picture\)"):
        load_expression_dataset(Dataset.from_dict({"image": image * 2, "label": ["joy", None]}))


FINGERPRINTS = """
import sys
from sargan_hf.data.loading import load_expression_dataset, split_by_subject
for folder in sys.argv[2:]:
    print(split_by_subject(load_expression_dataset(folder, cache_dir=sys.argv[1]))["train"]._fingerprint)
"""


@pytest.mark.launch
def test_the_fingerprint_is_the_same_in_another_process(parquet_folder, expression_folder, tmp_path):
    command = [sys.executable, "-c", FINGERPRINTS, *map(str, (tmp_path, parquet_folder, expression_folder))]
    run = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    here = [load_expression_dataset(folder, cache_dir=tmp_path) for folder in (parquet_folder, expression_folder)]
    assert run.stdout.split() == [split_by_subject(dataset)["train"]._fingerprint for dataset in here]


def test_the_fingerprint_changes_with_the_files(class_folders):
    before = load_expression_dataset(class_folders)._fingerprint
    assert load_expression_dataset(class_folders)._fingerprint == before
    draw_face("sad", 5).save(class_folders / "joy" / "3.png")
    assert load_expression_dataset(class_folders)._fingerprint != before


def test_the_prototype_set_of_the_assets_loads_quickly(assets):
    if not (assets / "rig_prototype_160").is_dir():
        pytest.skip("The prototype's data set is not among the assets.")
    dataset = load_expression_dataset(assets / "rig_prototype_160")
    assert len(dataset) == 1806
    assert set(Counter(dataset["pair"]).values()) == {7}
    parts = split_by_subject(dataset)
    assert len(parts["train"]) + len(parts["test"]) == 1806


def dataset_of(subjects: list[str]) -> Dataset:
    features = Features({"subject": Value("string"), "number": Value("int64")})
    return Dataset.from_dict({"subject": subjects, "number": list(range(len(subjects)))}, features=features)


def people(dataset) -> set[str]:
    return {name for subject in dataset["subject"] for name in subject.split("+")}


PEOPLE = st.sampled_from([f"p{number}" for number in range(12)])


@settings(max_examples=30, deadline=None)
@given(
    subjects=st.lists(st.one_of(PEOPLE, st.tuples(PEOPLE, PEOPLE).map("+".join)), min_size=1, max_size=60),
    held_out=st.floats(0.05, 0.9),
    seed=st.integers(0, 5),
)
def test_nobody_is_ever_on_both_sides(subjects, held_out, seed):
    # Ten people of their own, so that there is always somebody for either side.
    dataset = dataset_of(subjects + [f"q{number}" for number in range(10)])
    parts = split_by_subject(dataset, held_out, seed)
    assert not people(parts["train"]) & people(parts["test"])
    kept = set(parts["train"]["number"]) | set(parts["test"]["number"])
    assert all("+" in subject for number, subject in enumerate(dataset["subject"]) if number not in kept)
    shuffled = split_by_subject(dataset.shuffle(seed=seed), held_out, seed)
    assert set(shuffled["test"]["number"]) == set(parts["test"]["number"])


def test_a_split_has_the_asked_share_of_people_and_another_seed_gives_another():
    dataset = dataset_of([f"p{number % 50}" for number in range(350)])
    parts = split_by_subject(dataset, 0.12)
    assert len(people(parts["test"])) == 6
    assert len(parts["test"]) == 42
    assert people(split_by_subject(dataset, 0.12, seed=1)["test"]) != people(parts["test"])
    assert len(people(split_by_subject(dataset, 0.001)["test"])) == 1


def test_new_people_move_hardly_anyone():
    before = people(split_by_subject(dataset_of([f"p{number}" for number in range(100)]), 0.2)["test"])
    after = people(split_by_subject(dataset_of([f"p{number}" for number in range(110)]), 0.2)["test"])
    assert len(before - after) <= 3


def test_pictures_of_nobody_known_count_for_themselves():
    parts = split_by_subject(dataset_of([""] * 40), 0.25)
    assert (len(parts["train"]), len(parts["test"])) == (30, 10)


@pytest.mark.parametrize(
    ("subjects", "held_out", "message"),
    [
        (["a", "a"], 0.5, "at least two of them; the column subject names 1"),
        (["a+b", "a+b"], 0.5, "no picture is left"),
        (["a", "b"], 0.0, "between 0 and 1; got 0"),
        (["a", "b"], 1.0, "between 0 and 1; got 1"),
    ],
)
def test_splits_that_cannot_work_are_refused(subjects, held_out, message):
    with pytest.raises(DatasetError, match=message):
        split_by_subject(dataset_of(subjects), held_out)
