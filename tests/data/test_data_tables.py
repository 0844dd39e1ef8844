"""Metadata files as people's programs write them: read as they stand, or refused by file, row and column."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from drawing import draw_face
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.errors import DatasetError
from sargan_hf.expressions import EXPRESSIONS

ODD_NAMES = [
    "NA",
    "NULL",
    "null",
    "nan",
    "NaN",
    "None",
    "N/A",
    "TRUE",
    "false",
    "007",
    "1e5",
    "1.0",
    "2020-01-02",
    "-",
    "#N/A",
]


@pytest.fixture
def folder(tmp_path) -> Path:
    """Pictures a.png to f.png, and one in a sub-folder."""
    (tmp_path / "sub").mkdir()
    for index, name in enumerate(("a", "b", "c", "d", "e", "f", "sub/g")):
        draw_face(EXPRESSIONS[index], index).save(tmp_path / f"{name}.png")
    return tmp_path


def write(folder: Path, content: str | bytes, name: str = "metadata.csv") -> Path:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def load(folder: Path, content: str | bytes, name: str = "metadata.csv"):
    return load_expression_dataset(write(folder, content, name))


def labels(dataset) -> list[str]:
    return [EXPRESSIONS[label] for label in dataset["expression"]]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_people_keep_the_names_that_readers_take_for_something_else(folder, kind):
    rows = [
        {"file_name": f"{name}.png", "expression": "joy", "subject": odd, "pair": odd}
        for name, odd in zip("abcdef" * 3, ODD_NAMES, strict=False)
    ]
    if kind == "csv":
        pd.DataFrame(rows).to_csv(folder / "metadata.csv", index=False)
    elif kind == "jsonl":
        (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    else:
        pa.parquet.write_table(pa.Table.from_pylist(rows), folder / "metadata.parquet")
    dataset = load_expression_dataset(folder)
    assert dataset["subject"][:] == dataset["pair"][:] == ODD_NAMES


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).map(str.strip)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=1, max_size=6), delimiter=st.sampled_from(",;\t"))
def test_any_name_comes_back_from_csv_and_json_alike(folder, names, delimiter):
    text = io.StringIO()
    table = csv.writer(text, delimiter=delimiter)
    table.writerow(["file_name", "expression", "subject"])
    table.writerows([f"{file}.png", "sad", name] for file, name in zip("abcdef", names, strict=False))
    assert load(folder, text.getvalue())["subject"][:] == names
    (folder / "metadata.csv").unlink()
    lines = (
        json.dumps({"file_name": f"{file}.png", "label": "sad", "subject": name}, ensure_ascii=False)
        for file, name in zip("abcdef", names, strict=False)
    )
    assert load(folder, "\n".join(lines), "metadata.jsonl")["subject"][:] == names
    (folder / "metadata.jsonl").unlink()


ROWS = "a.png,joy,anna,1\nb.png,NE,anna,1\n"
HEAD = "file_name,expression,subject,pair\n"


@pytest.mark.parametrize(
    "content",
    [
        HEAD + ROWS,
        ("\ufeff" + HEAD + ROWS).encode(),
        (HEAD + ROWS).encode("utf-16"),
        ("\ufeff" + HEAD + ROWS).encode("utf-16-be"),
        (HEAD + ROWS).replace(",", ";"),
        "sep=;\r\n" + (HEAD + ROWS).replace(",", ";").replace("\n", "\r\n"),
        (HEAD + ROWS).replace(",", "\t").encode("utf-16"),
        (HEAD + ROWS).replace("\n", "\r\n"),
        (HEAD + ROWS).replace("\n", "\r"),
        (HEAD + ROWS).replace(",", ", "),
        (HEAD + ROWS).replace(",", " , ").replace("a.png", "  a.png"),
        "\n\n" + HEAD + "\n" + ROWS + "\n,,,\n\n",
        "File Name,Expression,SUBJECT, Pair \n" + ROWS,
        ",file_name,expression,subject,pair\n0,a.png,joy,anna,1\n1,b.png,NE,anna,1\n",
        "Unnamed: 0,file_name,expression,subject,pair\n0,a.png,joy,anna,1\n1,b.png,NE,anna,1\n",
        "file_name,expression,subject,pair,,\na.png,joy,anna,1,,\nb.png,NE,anna,1,,\n",
        "file_name,expression,subject,pair,,\na.png,joy,anna,1\nb.png,NE,anna,1,,,\n",
        'file_name,"expression","subject","pair"\n"a.png","joy","anna","1"\n"b.png","NE","anna","1"\n',
        "pair,label,subject,file_name\n1,joy,anna,a.png\n1,NE,anna,./b.png\n",
    ],
)
def test_tables_of_spreadsheets_and_scripts_mean_what_they_show(folder, content):
    dataset = load(folder, content)
    assert list(dataset.features) == ["image", "expression", "subject", "pair"]
    assert labels(dataset) == ["happy", "neutral"]
    assert dataset["subject"][:] == ["anna", "anna"]
    assert dataset["pair"][:] == ["1", "1"]
    assert [row["image"].size for row in dataset] == [(64, 64)] * 2


def test_names_of_files_are_found_as_windows_and_apple_write_them(folder):
    draw_face("sad", 3).save(folder / "sub" / "é.png")
    draw_face("sad", 4).save(folder / " blank.png")
    rows = ["sub\\g.png,joy", "sub/e\u0301.png,sad", '" blank.png",sad']
    dataset = load(folder, "\n".join(["file_name,expression", *rows]))
    assert [Path(row["path"]).name for row in dataset.data.column("image").to_pylist()] == [
        "g.png",
        "é.png",
        " blank.png",
    ]


def test_further_columns_are_numbers_where_all_cells_are(folder):
    content = (
        "file_name;expression;age;share;code;seen;note;late;empty;number\n"
        'a.png;joy;30;0,5;007;true;"one\nline and ; two";1;;12345678901234567890\n'
        "b.png;sad;;1,25;12;false;NA;x;;1\n"
    )
    row = load(folder, content)[0]
    assert {name: row[name] for name in row if name not in ("image", "expression", "subject", "pair")} == {
        "age": 30, "share": 0.5, "code": "007", "seen": True, "note": "one\nline and ; two", "late": "1", "empty": None,
        "number": "12345678901234567890",
    }  # fmt: skip


def test_a_word_after_very_many_numbers_makes_a_column_of_text(folder):
    rows = [f"{'abcdef'[index % 6]}.png,joy,{index},{index}" for index in range(30_000)]
    dataset = load(folder, "\n".join(["file_name,expression,subject,age", *rows, "a.png,joy,last,unknown"]))
    assert dataset["age"][-2:] == ["29999", "unknown"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEAD + "a.png,joy,,\n,sad,x,2\n", "line 3 of .*metadata.csv names no picture"),
        (HEAD + "a.png,joy\n", "line 2 has 2 fields, and the header has 4"),
        (HEAD + "a.png,joy,anna,1,more\n", "line 2 has 5 fields, and the header has 4"),
        (HEAD + '"a.png,joy,anna,1\n', "row that starts in line 2"),
        (HEAD + 'a.png,"jo"y,anna,1\n', "row that starts in line 2"),
        ("file_name,expression,age,age\na.png,joy,1,2\n", "the column 'age' twice"),
        ("file_name,expression,subject,Subject\na.png,joy,1,2\n", "two columns called subject"),
        ("file_name,expression,image\na.png,joy,x\n", "a column 'image'.*rename it"),
        ("file_name,,expression\na.png,x,joy\n", "column 2 holds values and has no name"),
        ((HEAD + "a.png,joy,Ren\u00e9,1\n").encode("latin-1"), "line 2 holds the byte 0xe9, which is not UTF-8"),
        ((HEAD + ROWS).encode("utf-16-le"), "zero byte"),
        (HEAD + "a.png,hapy,anna,1\n", r"'hapy' \(1 picture\).*line 2 of .*metadata.csv"),
        (HEAD + "a.png,,anna,1\n", r"'' \(1 picture\).*line 2 of"),
        (HEAD + "a.png,joy,x,1\nb.png,sad,y,1\n", "pair '1' .*holds 'x' and 'y'"),
        (HEAD + "nowhere.png,joy,x,1\n", "do not exist.*nowhere.png.*line 2"),
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("name,age\nx,1\n", "needs file_name and one of"),
        ("file,expression\na.png,joy\n", "a column 'file' and none called file_name"),
        ("filename,expression\na.png,joy\n", "a column 'filename' and none called file_name"),
        ("file_name,expresion\na.png,joy\n", "a column 'expresion' and none called expression"),
        ("file_name,expression,subjekt\na.png,joy,x\n", "a column 'subjekt' and none called subject"),
        ("file_name,expression,person\na.png,joy,x\n", "a column 'person' and none called subject"),
        ("file_name,expression,subject,pairs\na.png,joy,x,1\n", "a column 'pairs' and none called pair"),
        ("file_name,expression,usage\na.png,joy,train\nb.png,joy,test\n", "'usage' names parts of the set"),
        ("file_name,expression,split\na.png,joy,3\n", "line 2 of .* has the split '3'"),
        ("file_name,label,emotion\na.png,happy,sad\n", "'label' and 'emotion', which name different"),
    ],
)  # fmt: skip
def test_what_a_table_cannot_mean_is_named_with_its_place(folder, content, message):
    with pytest.raises(DatasetError, match=message):
        load(folder, content)


def test_of_two_label_columns_the_one_with_expressions_is_taken(folder):
    assert labels(load(folder, "file_name,label,emotion\na.png,anna,joy\nb.png,bob,sad\n")) == ["happy", "sad"]
    assert labels(load(folder, "file_name,label,emotion\na.png,happy,joy\n")) == ["happy"]


def test_a_workbook_under_the_name_of_a_table_is_told(folder):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(DatasetError, match="a workbook or an archive"):
        load(folder, content.getvalue())
    (folder / "metadata.csv").rename(folder / "metadata.xlsx")
    with pytest.raises(DatasetError, match=r"metadata.xlsx is not read: save it as metadata.csv"):
        load_expression_dataset(folder)


JSON_ROW = '{"file_name": "a.png", "expression": "joy", "subject": "anna"}'


@pytest.mark.parametrize(
    ("content", "subjects"),
    [
        (JSON_ROW, ["anna"]),
        ("\ufeff" + JSON_ROW + "\r\n\r\n", ["anna"]),
        (f"[{JSON_ROW},\n{JSON_ROW.replace('a.png', 'b.png')}]", ["anna", "anna"]),
        (JSON_ROW.replace('"anna"', "7"), ["7"]),
        (JSON_ROW.replace('"anna"', "1e5"), ["1e5"]),
        (JSON_ROW.replace('"anna"', "true"), ["true"]),
        (JSON_ROW.replace('"anna"', "null"), [""]),
        (JSON_ROW.replace('"anna"', "NaN"), [""]),
        (JSON_ROW.replace('"anna"', '"NaN"'), ["NaN"]),
        (JSON_ROW.replace('"anna"', '"a\u2028b"'), ["a\u2028b"]),
        (JSON_ROW + "\n" + '{"file_name": "b.png", "expression": "sad", "age": 3}', ["anna", ""]),
    ],
)
def test_json_lines_are_read_as_they_stand(folder, content, subjects):
    assert load(folder, content, "metadata.jsonl")["subject"][:] == subjects


def test_kinds_that_do_not_mix_become_text(folder):
    lines = ('{"file_name": "a.png", "label": "joy", "x": 1}', '{"file_name": "b.png", "label": "joy", "x": "one"}')
    assert load(folder, "\n".join(lines), "metadata.jsonl")["x"][:] == ["1", "one"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (JSON_ROW + "\n" + JSON_ROW.replace('"a.png"', "null"), "line 2 of .*metadata.jsonl names no picture"),
        (JSON_ROW + '\n{"file_name": "b.png"', "line 2 is no JSON object"),
        (JSON_ROW + "\n[1]", "line 2 is no object"),
        ("[1, 2]", "row 1 is no object"),
        (JSON_ROW.replace('"anna"', '["anna"]'), "line 1 of .*, column 'subject': a text was expected"),
        (JSON_ROW.replace('"anna"', '"\\ud800"'), "line 1 of .*, column 'subject'"),
        (JSON_ROW.replace("a.png", "a\\u0000.png"), "do not exist"),
        (JSON_ROW.replace("a.png", "a" * 5000), "cannot be opened"),
        (JSON_ROW.replace('"subject"', '"expression"'), "has 'expression' twice"),
        ("[" * 100_000, "no JSON object"),
        (JSON_ROW.replace("anna", "é").encode("latin-1"), "line 1 holds the byte 0xe9"),
    ],
)
def test_damaged_json_is_named_with_its_place(folder, content, message):
    with pytest.raises(DatasetError, match=message):
        load(folder, content, "metadata.jsonl")


def test_parquet_keeps_kinds_and_takes_missing_numbers_for_nobody(folder):
    frame = pd.DataFrame(
        {"file_name": ["a.png", "b.png"], "expression": ["joy", "sad"], "subject": [7.0, float("nan")]}
    )
    frame["age"] = pd.Series([1, 2], dtype="int32")
    frame.index = ["x", "y"]
    frame.to_parquet(folder / "metadata.parquet")
    dataset = load_expression_dataset(folder)
    assert dataset["subject"][:] == ["7.0", ""]
    assert dataset.features["age"].dtype == "int32"
    assert "__index_level_0__" not in dataset.features


def test_metadata_of_several_folders_and_what_it_leaves_out(folder, caplog):
    write(folder, "file_name,expression\na.png,joy\n")
    write(folder / "sub", "file_name,expression,age\ng.png,sad,3\n")
    dataset = load_expression_dataset(folder)
    assert dataset["age"][:] == [None, 3]
    assert "no metadata file names (5 of 7)" in caplog.text
    assert "b.png" in caplog.text
    (folder / "metadata.jsonl").write_text(JSON_ROW)
    with pytest.raises(DatasetError, match=r"metadata.csv and metadata.jsonl: keep the one"):
        load_expression_dataset(folder)


def test_a_split_that_a_column_names_is_kept(folder):
    write(folder, "file_name,expression,split\na.png,joy,Train\nb.png,sad,test\nc.png,sad,\n")
    assert labels(load_expression_dataset(folder)) == ["happy", "sad"]
    assert labels(load_expression_dataset(folder, split="test")) == ["sad"]
