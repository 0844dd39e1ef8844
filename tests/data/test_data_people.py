"""Nobody on both sides of a split, and no picture with two labels, without a word."""

from pathlib import Path

import pytest
from datasets import Dataset, Features, Value
from drawing import draw_face, embed
from hypothesis import given, settings
from hypothesis import strategies as st

from sargan_hf.data.loading import load_expression_dataset, split_by_subject
from sargan_hf.data.pairs import pairing_notes
from sargan_hf.data.people import count_people, identity
from sargan_hf.errors import DatasetError
from sargan_hf.expressions import EXPRESSIONS


def table_of(subjects: list[str], pairs: list[str]) -> Dataset:
    features = Features({"subject": Value("string"), "pair": Value("string"), "number": Value("int64")})
    rows = {"subject": subjects, "pair": pairs, "number": list(range(len(subjects)))}
    return Dataset.from_dict(rows, features=features)


def written(folder: Path, rows: list[tuple[str, int, str, str, str]]) -> Path:
    """A folder with metadata.csv; a row is file, which picture, expression, subject, pair."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, picture, *_ in rows:
        draw_face(EXPRESSIONS[picture % 7], picture).save(folder / file)
    lines = [",".join([file, *about]) for file, _, *about in rows]
    (folder / "metadata.csv").write_text("\n".join(["file_name,expression,subject,pair", *lines]))
    return folder


SPELLINGS = st.sampled_from(
    ["José", "Jose\u0301", " josé ", "JOSÉ", "anna", "Anna ", "bob", "", "  ", "Anna+bob", "NA"]
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(SPELLINGS, st.sampled_from(["", "", "1", "2"])), min_size=1, max_size=40),
    held_out=st.floats(0.05, 0.9),
    seed=st.integers(0, 3),
)
def test_no_spelling_of_a_person_and_no_pair_is_on_both_sides(rows, held_out, seed):
    people, pairs = map(list, zip(*rows, *((f"q{number}", "") for number in range(10)), strict=True))
    parts = split_by_subject(table_of(people, pairs), held_out, seed)
    seen = {
        side: {identity(name) for subject in part["subject"] for name in subject.split("+") if name.strip()}
        for side, part in parts.items()
    }
    assert not seen["train"] & seen["test"]
    paired = {side: {pair for pair in part["pair"] if pair} for side, part in parts.items()}
    assert not paired["train"] & paired["test"]


def test_one_sentence_says_how_many_pictures_nobody_vouches_for(caplog):
    parts = split_by_subject(table_of(["", "", " ", "anna", "bob"] * 4, [""] * 20), 0.3)
    warned = [record.getMessage() for record in caplog.records]
    assert len(warned) == 1
    assert warned[0].startswith("12 of 20 pictures have no name in the column subject")
    assert "near-duplicates" in warned[0]
    assert len(parts["test"]["number"]) >= 3
    caplog.clear()
    split_by_subject(table_of(["anna", "bob"], ["", ""]), 0.5)
    assert not caplog.records


def test_copies_of_a_picture_of_nobody_known_stay_together(tmp_path):
    rows = [(f"{index}.png", index // 2, "joy", "", "") for index in range(24)]
    dataset = load_expression_dataset(written(tmp_path, rows))
    for seed in range(5):
        parts = split_by_subject(dataset, 0.4, seed)
        numbers = {side: {Path(row["path"]).stem for row in part_cells(part)} for side, part in parts.items()}
        originals = {side: {int(number) // 2 for number in found} for side, found in numbers.items()}
        assert not originals["train"] & originals["test"]
        assert len(originals["test"]) == 5


def part_cells(part: Dataset) -> list[dict]:
    from sargan_hf.data.image_decoding import stored_pictures

    return [row["image"] for row in stored_pictures(part)]


def test_a_copy_tells_whom_a_picture_of_nobody_known_shows(tmp_path, caplog):
    rows = [("0.png", 0, "joy", "anna", ""), ("1.png", 0, "joy", "", ""), ("2.png", 1, "joy", "bob", "")]
    parts = split_by_subject(load_expression_dataset(written(tmp_path / "a", rows)), 0.5)
    assert sorted(map(sorted, (part["subject"][:] for part in parts.values()))) == [["", "anna"], ["bob"]]
    rows[1] = ("1.png", 0, "joy", "bob", "")
    split_by_subject(load_expression_dataset(written(tmp_path / "b", rows)), 0.5)
    assert "in test as well, under other people's names (1)" in caplog.text


@pytest.mark.parametrize("embedded", [False, True])
def test_one_picture_with_two_labels_is_shown_with_both(tmp_path, caplog, embedded):
    rows = [("a.png", 0, "joy", "x", ""), ("b.png", 1, "sad", "x", ""), ("c.png", 0, "sad", "x", "")]
    root = written(tmp_path / "set", rows)
    caplog.clear()
    dataset = load_expression_dataset(root)
    if embedded:
        (tmp_path / "parquet").mkdir()
        embed(dataset).to_parquet(tmp_path / "parquet" / "train.parquet")
        caplog.clear()
        load_expression_dataset(tmp_path / "parquet", cache_dir=tmp_path / "cache")
    (warned,) = [record.getMessage() for record in caplog.records if "several labels" in record.getMessage()]
    first, second = ("Picture 0 of", "Picture 2 of") if embedded else ("a.png", "c.png")
    assert warned.index(first) < warned.index("(happy)") < warned.index(second) < warned.index("(sad)")
    assert "b.png" not in warned


def test_pictures_of_one_length_are_not_yet_the_same(tmp_path, caplog):
    for name, value in (("a", 10), ("b", 20)):
        (tmp_path / "happy").mkdir(exist_ok=True)
        draw_face("happy", 0).save(tmp_path / "happy" / f"{name}.bmp")
        content = bytearray((tmp_path / "happy" / f"{name}.bmp").read_bytes())
        content[1000] = value
        (tmp_path / "happy" / f"{name}.bmp").write_bytes(content)
    load_expression_dataset(tmp_path)
    assert not caplog.records
    (tmp_path / "happy" / "c.bmp").write_bytes(content)
    load_expression_dataset(tmp_path)
    assert "one picture is there more than once (1)" in caplog.text


def test_a_pair_is_one_person(tmp_path):
    rows = [("a.png", 0, "joy", "Anna", "1"), ("b.png", 1, "sad", "anna", "1"), ("c.png", 2, "sad", "bob", "1")]
    with pytest.raises(DatasetError, match=r"pair '1' of .* holds 'Anna' and 'bob'.* such as bob_1"):
        load_expression_dataset(written(tmp_path, rows))
    features = load_expression_dataset(written(tmp_path, rows[:2])).features
    mixed = {"image": [draw_face("sad", 0)] * 2, "expression": [1, 2], "subject": ["x", "y"], "pair": ["p", "p"]}
    with pytest.raises(DatasetError, match="pair 'p' of The data set"):
        load_expression_dataset(Dataset.from_dict(mixed, features=features))


def test_people_of_several_parts_are_told(tmp_path, caplog):
    for part, people in (("train", "ab"), ("test", "bc")):
        written(tmp_path / part, [(f"{name}.png", ord(name), "joy", name.upper(), "") for name in people])
    load_expression_dataset(tmp_path)
    assert "people of the part train are in another as well (1 of 2): B." in caplog.text


@pytest.mark.parametrize(
    ("subjects", "counted"),
    [
        (["a", "A ", "b", "a+b"], "2 people"),
        (["a"], "1 person"),
        (["", " ", "+"], "unknown people"),
        (["a", "", " "], "1 person and, in 2 pictures, unknown people"),
        ([], "0 people"),
    ],
)
def test_people_are_counted_and_the_unknown_are_not_one(subjects, counted):
    assert count_people(subjects) == counted


@pytest.mark.parametrize(
    ("expressions", "pairs", "notes"),
    [
        ([0, 1], ["p", "p"], []),
        ([0, 1], ["", ""], ["No two pictures with different expressions share a pair"]),
        ([0, 0], ["p", "p"], ["All 2 pictures are afraid", "No two pictures"]),
        ([0, 1, 2], ["p", "p", "q"], ["1 of 2 pairs show a single expression"]),
    ],
)
def test_what_training_will_miss_is_told(expressions, pairs, notes):
    found = pairing_notes(expressions, pairs, EXPRESSIONS)
    assert len(found) == len(notes)
    assert all(note.startswith(start) for note, start in zip(found, notes, strict=True))
