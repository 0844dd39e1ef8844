"""Published sets that are damaged, mixed or there twice: no label from the wrong place, nothing dropped without a word."""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from test_data_sources import BUILDERS, affectnet, ckplus, clip, cremad, fer2013, kdef, load, mmi, picture, rafdb, text

from sargan_hf.errors import DatasetError
from sargan_hf.expressions import EXPRESSIONS

LIST = "EmoLabel/list_patition_label.txt"


def compound(root: Path, labels: range = range(1, 12)) -> None:
    """The other part of RAF-DB: the same names, other pictures, labels of eleven mixed expressions."""
    for number in range(len(labels)):
        picture(root / "Image" / "aligned" / f"train_{number:05d}_aligned.jpg", 200 + number)
    lines = [f"train_{number:05d}.jpg {label}" for number, label in enumerate(labels)]
    text(root / LIST, "\n".join(lines))


@pytest.mark.parametrize("name", ["compound", "Compound", "RAF_compound"])
def test_compound_expressions_are_left_out_and_said_so(tmp_path, caplog, name):
    rafdb(tmp_path / "set")
    alone = load(tmp_path / "set")
    compound(tmp_path / "set" / name)
    both = load(tmp_path / "set")
    assert both["expression"][:] == alone["expression"][:]
    paths = [cell["path"] for cell in both.data.column("image").to_pylist()]
    assert all("basic" in path for path in paths)
    assert "pictures of compound expressions (11)" in caplog.text


@pytest.mark.parametrize("labels", [range(1, 12), range(1, 8)])
def test_compound_expressions_alone_are_refused(tmp_path, labels):
    compound(tmp_path / "raf" / "compound", labels)
    with pytest.raises(DatasetError, match="RAF-DB basic"):
        load(tmp_path / "raf")
    with pytest.raises(DatasetError, match="RAF-DB basic"):
        load(tmp_path / "raf" / "compound")


def raf_line(line: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        with (root / "basic" / LIST).open("a") as file:
            file.write(line)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (raf_line("train_00001.jpg 7\n"), "line 15 of .*one label for a picture; a line above says afraid"),
        (raf_line("train_00020.jpg 9\n"), "line 15 of .*mixed expressions"),
        (raf_line("train_00020.jpg\n"), "line 15 of"),
        (lambda root: (root / "basic" / LIST).write_bytes(b"caf\xe9"), "text in UTF-8"),
        (lambda root: compound(root / "other", range(1, 8)), "one list_patition_label.txt"),
        (lambda root: picture(root / "mine" / "train_00001_aligned.jpg"), "mine/train_00001.* all pictures in basic"),
        (lambda root: picture(root / "basic" / "copy" / "train_00001_aligned.jpg"), "more than once"),
        (lambda root: picture(root / "basic" / "Image" / "aligned" / "train_00099_aligned.jpg"), "train_00099.* a label in"),
        (lambda root: picture(root / "basic" / "3" / "train_00000_aligned.jpg") or
            (root / "basic" / "Image" / "aligned" / "train_00000_aligned.jpg").unlink(), "the list says surprised, its folder"),
    ],
)  # fmt: skip
def test_a_list_and_its_pictures_have_to_fit(tmp_path, change, message):
    rafdb(tmp_path / "set")
    change(tmp_path / "set")
    with pytest.raises(DatasetError, match=message):
        load(tmp_path / "set")


def test_rows_without_a_picture_are_counted(tmp_path, caplog):
    rafdb(tmp_path / "set")
    raf_line("\ntrain_00077.jpg 3\ntest_00078_aligned.jpg 3\n")(tmp_path / "set")
    assert len(load(tmp_path / "set")) == 7
    assert "rows without a picture (2)" in caplog.text


LEFT_OUT = {
    "kdef": "pictures from the side, and averages (86)",
    "rafd": "pictures from the side (48)",
    "cfee": "pictures of compound expressions (38)",
    "ckplus": "sequences without a label (1)",
    "cremad": "clips of low intensity (1)",
    "london": "pictures from the side (2)",
    "mmi": "clips from the side or without one of the six emotions (2)",
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_a_rule_leaves_out_is_counted(tmp_path, caplog, name):
    BUILDERS[name](tmp_path / "set")
    load(tmp_path / "set")
    assert LEFT_OUT[name] in caplog.text


@pytest.mark.parametrize("name", sorted(set(BUILDERS) - {"affectnet", "fer2013", "mmi", "ravdess"}))
def test_a_second_copy_in_the_folder_is_refused(tmp_path, name):
    BUILDERS[name](tmp_path / "set" / "one")
    BUILDERS[name](tmp_path / "set" / "two")
    with pytest.raises(DatasetError, match=r"more than once|one list_patition"):
        load(tmp_path / "set")


def rows_of(root: Path) -> list[list[str]]:
    with (root / "fer2013.csv").open(newline="") as file:
        return list(csv.reader(file))


def saved(root: Path, rows: list[list[str]], encoding: str = "utf-8") -> None:
    with (root / "fer2013.csv").open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows(rows)


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        (3, 1, "1 2 3"), (3, 1, " ".join(["x"] * 2304)), (3, 1, " ".join(["300"] * 2304)), (3, 1, " ".join(["-1"] * 2304)),
        (3, 1, " ".join(["1.5"] * 2304)), (3, 1, " ".join(["99999999999999999999"] * 2304)), (3, 1, ""), (3, 0, "7"),
        (3, 0, "²"), (3, 0, ""), (3, 0, "happy"), (3, 2, "Holiday"), (3, 2, ""), (3, slice(1, 3), []), (3, slice(3, 3), ["x"]),
    ],
)  # fmt: skip
def test_a_damaged_row_of_fer2013_is_named(tmp_path, row, column, value):
    fer2013(tmp_path / "set")
    rows = rows_of(tmp_path / "set")
    rows[row][column] = value
    saved(tmp_path / "set", rows)
    with pytest.raises(DatasetError, match=r"line 4 of fer2013.csv"):
        load(tmp_path / "set")


def test_fer2013_as_others_save_it(tmp_path):
    fer2013(tmp_path / "set")
    rows = rows_of(tmp_path / "set")
    expected = {part: load(tmp_path / "set", split=part)["expression"][:] for part in ("train", "validation", "test")}
    changes = {
        "a byte order mark": lambda: saved(tmp_path / "set", rows, "utf-8-sig"),
        "an index": lambda: saved(tmp_path / "set", [[str(index), *row] for index, row in enumerate(rows)]),
        "blank lines": lambda: saved(tmp_path / "set", [line for row in rows for line in (row, [])]),
        "another order": lambda: saved(tmp_path / "set", [row[::-1] for row in rows]),
        "blanks": lambda: saved(tmp_path / "set", [["emotion", " pixels", " Usage"], *rows[1:]]),
        "another name": lambda: (tmp_path / "set" / "fer2013.csv").rename(tmp_path / "set" / "icml_face_data.csv"),
    }
    for change in changes.values():
        change()
        assert {part: load(tmp_path / "set", split=part)["expression"][:] for part in expected} == expected


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\0", b"\xff\xfe\0", b'emotion,pixels\n0,"1 2', b"caf\xe9,pixels,Usage\n"]
)
def test_a_file_that_is_no_table_is_refused(tmp_path, content):
    fer2013(tmp_path / "set")
    (tmp_path / "set" / "fer2013.csv").write_bytes(content)
    with pytest.raises(DatasetError):
        load(tmp_path / "set", adapter="fer2013")


@pytest.mark.parametrize("label", ["-1", "3.4", "8", "nan", "inf", "", "caf\xe9", "1e999", "3 3"])
def test_labels_of_ckplus_are_whole_numbers(tmp_path, label):
    ckplus(tmp_path / "set")
    file = tmp_path / "set" / "Emotion" / "S005" / "001" / "S005_001_00000011_emotion.txt"
    file.write_bytes(label.encode("latin-1"))
    with pytest.raises(DatasetError, match=r"S005_001_00000011_emotion.txt"):
        load(tmp_path / "set")


def test_a_sequence_of_ckplus_has_one_label_and_its_apex(tmp_path):
    ckplus(tmp_path / "set")
    text(tmp_path / "set" / "Emotion" / "S005_001_00000011_emotion.txt", "7.0")
    with pytest.raises(DatasetError, match="one label for the sequence S005_001"):
        load(tmp_path / "set")
    ckplus(tmp_path / "cut")
    (tmp_path / "cut" / "cohn-kanade-images" / "S005" / "001" / "S005_001_00000011.png").unlink()
    with pytest.raises(DatasetError, match=r"S005_001_00000011.png"):
        load(tmp_path / "cut")


@pytest.mark.parametrize("label", [np.array(3.7), np.array("3.5"), np.array([1, 2]), np.array(np.inf), np.array("x")])
def test_annotations_of_affectnet_are_whole_numbers(tmp_path, label, caplog):
    affectnet(tmp_path / "set")
    picture(tmp_path / "set" / "train_set" / "images" / "99.jpg")
    assert len(load(tmp_path / "set")) == 7
    assert "pictures without an annotation (1)" in caplog.text
    np.save(tmp_path / "set" / "train_set" / "annotations" / "3_exp.npy", label)
    with pytest.raises(DatasetError, match=r"3_exp.npy"):
        load(tmp_path / "set")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04 no archive", b"\x93NUMPY\x01\0v\0{'descr': '<f8'"])
def test_damaged_annotations_of_affectnet_are_named(tmp_path, content):
    affectnet(tmp_path / "set")
    (tmp_path / "set" / "train_set" / "annotations" / "3_exp.npy").write_bytes(content)
    with pytest.raises(DatasetError, match=r"3_exp.npy"):
        load(tmp_path / "set")


AFFECTNET = "subDirectory_filePath,expression\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (AFFECTNET + "689/737.jpg,²\n", "line 2 of training.csv"),
        (AFFECTNET + "689/737.jpg\n", "line 2 of training.csv"),
        (AFFECTNET + "689/737.jpg,1\n,1\n", "line 3 of training.csv"),
        (AFFECTNET + "689/nowhere.jpg,1\n", "do not exist.*nowhere.jpg, line 2 of training.csv"),
        (AFFECTNET.encode() + b"caf\xe9,1\n", "training.csv"),
        (AFFECTNET + '"689/737.jpg,1\n', "training.csv"),
    ],
)
def test_lists_of_affectnet_are_named_with_the_line(tmp_path, content, message):
    picture(tmp_path / "set" / "Manually_Annotated_Images" / "689" / "737.jpg")
    (tmp_path / "set" / "training.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DatasetError, match=message):
        load(tmp_path / "set")


def test_rows_of_affectnet_without_an_expression_are_counted(tmp_path, caplog):
    picture(tmp_path / "set" / "Manually_Annotated_Images" / "689" / "deep" / "737.jpg")
    text(tmp_path / "set" / "training.csv", AFFECTNET + "689/deep/737.jpg,1\n9/9.jpg,9\n9/8.jpg,10\n")
    assert len(load(tmp_path / "set")) == 1
    assert "without an expression (8 to 10) (2)" in caplog.text


def test_names_of_a_set_by_chance_do_not_label_pictures(tmp_path):
    """London's 08 is a smile; in folders of one's own it is the eighth picture."""
    for index, file in enumerate(("happy/001_03.jpg", "sad/001_08.jpg", "sad/002_04.jpg")):
        picture(tmp_path / "set" / file, 50 * index)
    with pytest.raises(
        DatasetError, match=r"looks like Face Research Lab London.*happy/001_03.jpg is neutral.*'happy'"
    ):
        load(tmp_path / "set")
    for index, file in enumerate(("neutral/anna_001.jpg", "neutral/anna_002.jpg", "smiling/anna_003.jpg")):
        picture(tmp_path / "own" / file, 50 * index)
    dataset = load(tmp_path / "own")
    assert set(dataset["subject"]) == {""}  # not three people, on both sides of a split
    assert Counter(dataset["expression"]) == {EXPRESSIONS.index("neutral"): 2, EXPRESSIONS.index("happy"): 1}


def test_codes_of_kdef_s_names_agree_with_folders_of_the_reference(tmp_path):
    for code in ("AN", "HA", "SU"):
        picture(tmp_path / "set" / f"{code}S" / f"AF01{code}S.JPG")
    assert len(load(tmp_path / "set")) == 3
    assert set(load(tmp_path / "set")["subject"]) == {"kdef_F01"}


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 100, b"<session", b'<?xml version="1.0" encoding="klingon"?><session/>']
)
def test_damaged_xml_of_mmi_is_named(tmp_path, content):
    mmi(tmp_path / "set")
    (tmp_path / "set" / "Sessions" / "1767" / "session.xml").write_bytes(content)
    with pytest.raises(DatasetError, match=r"1767/session.xml"):
        load(tmp_path / "set")


def test_damaged_clips_are_named_and_a_full_cache_is_told(tmp_path):
    cremad(tmp_path / "set")
    video = tmp_path / "set" / "VideoFlash" / "1002_DFA_NEU_XX.flv"
    whole = video.read_bytes()
    for content in (b"", whole[:200], b"\0" * 5000):
        video.write_bytes(content)
        with pytest.raises(DatasetError, match=r"1002_DFA_NEU_XX.flv"):
            load(tmp_path / "set")
    clip(video.with_suffix(".mp4"))
    with pytest.raises(DatasetError, match="more than once"):
        load(tmp_path / "set")
    video.with_suffix(".mp4").unlink()
    video.write_bytes(whole)
    (tmp_path / "blocked").write_text("")
    with pytest.raises(DatasetError, match=r"cannot be stored in .*blocked.*another cache_dir"):
        load_with_cache(tmp_path / "set", tmp_path / "blocked")


def load_with_cache(root: Path, cache: Path):
    from sargan_hf.data.loading import load_expression_dataset

    return load_expression_dataset(root, cache_dir=cache)


def test_averages_are_left_out_however_their_folder_is_written(tmp_path):
    kdef(tmp_path / "set")
    (tmp_path / "set" / "KDEF_and_AKDEF" / "AKDEF").rename(tmp_path / "set" / "KDEF_and_AKDEF" / "akdef")
    assert len(load(tmp_path / "set")) == 21
