"""What folders say: never the expression of somebody who is called like one, never a part that is a person."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest
from drawing import draw_face
from hypothesis import given, settings
from hypothesis import strategies as st

from sargan_hf.data.folders import FOLDER_CODES, SPLIT_NAMES, examples_from_class_folders, names_expression
from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.errors import DatasetError
from sargan_hf.evaluation.samples import load_samples
from sargan_hf.expressions import ALIASES, EXPRESSIONS, resolve_expression

REFERENCE = ("AFS", "ANS", "DIS", "HAS", "NES", "SAS", "SUS")  # in the order of EXPRESSIONS


def pictures(root: Path, files: Sequence[str]) -> Path:
    """A folder with a picture of its own under each of the names."""
    for index, file in enumerate(files):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        draw_face(EXPRESSIONS[index % 7], index).save(root / file)
    return root


def labels(root: Path, **options) -> dict[str, str]:
    """The label of each file."""
    dataset = load_expression_dataset(root, **options)
    paths = [Path(cell["path"]) for cell in dataset.data.column("image").to_pylist()]
    names = [dataset.features["expression"].names[label] for label in dataset["expression"]]
    return {path.relative_to(root.resolve()).as_posix(): name for path, name in zip(paths, names, strict=True)}


@pytest.mark.parametrize(
    "expected",
    [
        {"angry/Su/1.png": "angry", "happy/An/1.png": "happy", "sad/Di/1.png": "sad"},
        {"Su/angry/1.png": "angry", "An/happy/1.png": "happy", "Di/sad/1.png": "sad"},
        {"angry/SU/1.png": "angry", "happy/an/1.png": "happy", "sad/Ha/1.png": "sad"},
        {"Ha/neutral/1.png": "neutral", "Ha/sad/1.png": "sad", "anna/sad/1.png": "sad"},
        {"Joy/happy/1.png": "happy", "Anna/happy/1.png": "happy"},
        {"happy/Joy/1.png": "happy", "sad/Anna/1.png": "sad"},
        {"train/AN/1.png": "angry", "train/SU/1.png": "surprised"},
        {"AN/anna/1.png": "angry", "SU/bob/1.png": "surprised"},
        {"anna/ang/1.png": "angry", "anna/sur/1.png": "surprised", "bob/neu/1.png": "neutral"},
        {"images/set/happy/1.png": "happy", "images/set/SADNESS/x/1.png": "sad"},
        {f"{code}/1.png": name for code, name in zip(REFERENCE, EXPRESSIONS, strict=True)},
    ],
)
def test_the_folder_that_means_the_expression_is_taken(tmp_path, expected):
    assert labels(pictures(tmp_path, list(expected))) == expected


NAMES = [alias for name, aliases in ALIASES.items() for alias in (name, *aliases)]
PEOPLE = st.sampled_from([*NAMES, *REFERENCE, "Anna", "Val", "Dev", "Test"]).flatmap(
    lambda name: st.sampled_from([name, name.title(), name.upper(), name.lower()])
)
CLASSES = st.sampled_from([name for name in NAMES if name not in FOLDER_CODES])


@settings(max_examples=300, deadline=None)
@given(
    about=st.lists(st.tuples(CLASSES, PEOPLE), min_size=1, max_size=8),
    above=st.sampled_from(["", "train/", "images/"]),
    person_first=st.booleans(),
)
def test_whatever_people_are_called_a_picture_has_its_class_or_is_refused(about, above, person_first):
    files = [
        PurePosixPath(
            f"{above}{person}/{label}/{index}.png" if person_first else f"{above}{label}/{person}/{index}.png"
        )
        for index, (label, person) in enumerate(about)
    ]
    try:
        examples = examples_from_class_folders(Path("/set"), files, EXPRESSIONS)
    except DatasetError:  # only for people who are called like an expression in words, or like a part
        odd = [name for _, name in about if name.lower() in SPLIT_NAMES or name.lower() not in FOLDER_CODES]
        assert any(name.lower() in SPLIT_NAMES or names_expression(name, EXPRESSIONS) for name in odd)
        return
    assert [example.expression for example in examples] == [resolve_expression(label) for label, _ in about]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["angry/Joy/1.png", "sad/Su/1.png"], "angry/Joy/1.png lies in the folders 'angry' .* and 'Joy'"),
        (["Joy/sad/1.png", "Joy/happy/2.png"], "Joy/sad/1.png lies in the folders 'Joy' .* and 'sad'"),
        (["sad/Smile/1.png", "happy/Anna/1.png"], "sad/Smile/1.png"),
        (["Smile/sad/1.png", "Anna/happy/1.png"], "Smile/sad/1.png"),
        (["happy/sad/happy/1.png"], "'happy' .* and 'sad'"),
        (["AN/SU/1.png", "SU/AN/1.png"], "AN/SU/1.png"),
        (["An/1.png", "Su/1.png", "Di/1.png"], "Nothing in .* says which expressions"),
        (["AN/1.png", "anna/1.png"], "Nothing in .* says which expressions"),
        (["happy/1.png", "HA/1.png"], r"'HA' \(1 picture\).*HA/1.png"),
        (["happy/1.png", "Su/1.png"], r"'Su' \(1 picture\)"),
        (["happy/1.png", "2.png"], r"'' \(1 picture\).*2.png"),
        (["happy/1.png", "AN/1.png", "bored/1.png"], r"known expression: 'bored' \(1 picture\); .*bored/1.png"),
    ],
)
def test_folders_that_say_two_things_or_nothing_are_refused(tmp_path, files, message):
    with pytest.raises(DatasetError, match=message):
        labels(pictures(tmp_path, files))


def test_codes_count_for_models_that_know_their_expression(tmp_path):
    pictures(tmp_path, ["AN/1.png", "HA/1.png"])
    with pytest.raises(DatasetError, match="Nothing in"):
        labels(tmp_path, expressions=("happy", "neutral"))
    assert labels(tmp_path, expressions=("an", "ha")) == {"AN/1.png": "an", "HA/1.png": "ha"}


@pytest.mark.parametrize(
    ("files", "part", "expected"),
    [
        (["train/happy/1.png", "test/sad/1.png", "val/sad/1.png"], None, {"train/happy/1.png"}),
        (["happy/Train/1.png", "happy/Test/2.png"], "test", {"happy/Test/2.png"}),
        (["dev/happy/1.png", "eval/sad/1.png"], "validation", {"dev/happy/1.png"}),
    ],
)
def test_parts_that_folders_name_are_kept(tmp_path, files, part, expected):
    assert labels(pictures(tmp_path, files), split=part).keys() == expected


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["happy/Val/1.png", "happy/Anna/1.png"], "Val seem to be parts of the set .* Anna beside them"),
        (["train/happy/1.png", "test/happy/1.png", "more/happy/1.png"], "test, train seem .* more beside"),
        (["train/test/happy/1.png"], "the parts train and test at once"),
    ],
)
def test_a_person_is_not_taken_for_a_part(tmp_path, files, message):
    with pytest.raises(DatasetError, match=message):
        labels(pictures(tmp_path, files))


def test_a_folder_elsewhere_says_nothing_about_parts(tmp_path):
    pictures(tmp_path / "test", ["a.png"])
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "metadata.csv").write_text(f"file_name,label\n{tmp_path}/test/a.png,joy\n../test/a.png,joy\n")
    assert len(load_expression_dataset(tmp_path / "set", split="train")) == 2


def test_links_in_circles_end_and_others_are_followed(tmp_path):
    pictures(tmp_path / "set", ["happy/1.png"])
    pictures(tmp_path / "elsewhere", ["1.png"])
    os.symlink(tmp_path / "set", tmp_path / "set" / "happy" / "up")
    os.symlink(tmp_path / "elsewhere", tmp_path / "set" / "sad")
    dataset = load_expression_dataset(tmp_path / "set")
    assert sorted(EXPRESSIONS[label] for label in dataset["expression"]) == ["happy", "sad"]


def test_files_that_are_no_pictures_by_their_name_are_counted(tmp_path, caplog):
    pictures(tmp_path, ["happy/1.png"])
    for name in ("2.psd", "3.jpg_large"):
        (tmp_path / "happy" / name).write_bytes(b"picture")
    assert len(load_expression_dataset(tmp_path)) == 1
    assert "(2): happy/2.psd, happy/3.jpg_large" in caplog.text


def test_what_lies_beside_the_files_that_are_read_is_told(tmp_path, caplog):
    pictures(tmp_path, ["happy/1.png"])
    load_expression_dataset(tmp_path).to_parquet(tmp_path / "train-0.parquet")
    load_expression_dataset(tmp_path, cache_dir=tmp_path / ".cache")
    assert "not read, as Parquet files are there, are happy/1.png" in caplog.text
    (tmp_path / "metadata.csv").write_text("file_name,label\nhappy/1.png,joy\n")
    load_expression_dataset(tmp_path)
    assert "not read, as metadata files are there, are train-0.parquet" in caplog.text


def test_an_evaluation_takes_people_for_people(tmp_path):
    pictures(tmp_path, ["An/1.png", "Su/1.png"])
    assert [sample.expression for sample in load_samples(str(tmp_path))] == [None, None]
    pictures(tmp_path / "labelled", ["happy/1.png", "neutral/1.png"])
    assert {sample.expression for sample in load_samples(str(tmp_path / "labelled"))} == {"happy", "neutral"}
