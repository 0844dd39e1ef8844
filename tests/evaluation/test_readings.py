"""The confusion matrix, the row of no edit, groups with their counts, and figures that are not known."""

import csv
import json
import math

import numpy as np
import pytest
from drawing import draw_face, write_expression_folder
from test_evaluation import EVALUATORS, Repainting, Untouched

from sargan_hf.editing.pipeline_sargan import SARGANPipeline
from sargan_hf.evaluation.classifier_readings import WITHOUT_EDIT, confusions, read_columns
from sargan_hf.evaluation.evaluate import evaluate
from sargan_hf.evaluation.report import as_json, write_report
from sargan_hf.evaluation.samples import load_samples
from sargan_hf.expressions import EXPRESSIONS


def row(kind, wanted, read, before="neutral", picture="a", domain="avatar", level=1.0):
    about = {"kind": kind, "expression": wanted, "picture": picture, "domain": domain, "intensity": level}
    return about | {"read:net": read, "before_read:net": before}


def test_a_confusion_matrix_counts_what_was_read_for_every_wanted_expression():
    rows = [
        row("edit", "happy", "happy"),
        row("edit", "happy", "sad", picture="b", before="angry"),
        row("edit", "sad", "sad", picture="b", before="angry"),
        row("edit", "sad", "happy", level=0.5),
        row("neutralised", "neutral", "neutral", picture="c", before="happy"),
        row("round trip", "neutral", "happy"),
    ]
    (matrix,) = confusions(rows, ["net"])
    assert list(matrix.counts) == ["happy", "neutral", "sad", WITHOUT_EDIT]
    assert matrix.counts["happy"] == dict.fromkeys(EXPRESSIONS, 0) | {"happy": 1, "sad": 1}
    assert matrix.counts["sad"]["sad"] == sum(matrix.counts["sad"].values()) == 1
    assert matrix.shares()["neutral"]["neutral"] == 0.5
    assert (matrix.counts[WITHOUT_EDIT]["neutral"], matrix.counts[WITHOUT_EDIT]["angry"]) == (1, 1)
    assert sum(matrix.counts[WITHOUT_EDIT].values()) == 2  # once for each picture, not for each edit
    assert confusions([], ["net"]) == []


def test_several_classifiers_and_domains_each_have_their_matrix():
    rows = [row("edit", "happy", "happy"), row("edit", "happy", "sad", picture="b", domain="painting")]
    rows = [each | {"read:other": "angry", "before_read:other": "sad"} for each in rows]
    found = {
        (matrix.classifier, matrix.domain): matrix.counts["happy"] for matrix in confusions(rows, ["net", "other"])
    }
    assert set(found) == {("all", "all"), ("net", "all"), ("other", "all"), ("all", "avatar"), ("all", "painting")}
    assert found["all", "all"]["angry"] == 2
    assert found["other", "all"]["angry"] == 2
    assert found["all", "painting"]["happy"] == 0


def test_readings_before_and_after_an_edit_stand_in_one_row():
    happy, neutral = np.eye(7)[EXPRESSIONS.index("happy")], np.eye(7)[EXPRESSIONS.index("neutral")]
    key = ("edit", "happy", 1.0)
    columns = read_columns(
        key,
        {"net": {("original", "", 0.0): neutral, key: happy}, "dull": {("original", "", 0.0): neutral, key: neutral}},
    )
    assert (columns["top1"], columns["top1:net"], columns["before_top1"]) == (0.5, 1.0, 0.0)
    assert (columns["read:net"], columns["read:dull"], columns["before_read:net"]) == ("happy", "neutral", "neutral")
    assert (columns["gain"], columns["rises"]) == (0.5, 1.0)


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    """Four drawn avatars, two of them old, one labelled as dark; repainted."""
    folder = tmp_path_factory.mktemp("grouped")
    lines = ["file,group,prompt", "a.png,old,x", "b.png,old,x", "c.png,darkskin,x", "d.png,plain,x"]
    (folder / "SOURCES.csv").write_text("\n".join(lines))
    for person, name in enumerate("abcd"):
        draw_face("neutral", person, 96).save(folder / f"{name}.png")
    return evaluate(SARGANPipeline(Repainting()), load_samples(str(folder)), EVALUATORS, model="m", data="d")


def test_every_expression_has_a_figure_without_edit(grouped):
    for expression in set(EXPRESSIONS) - {"neutral"}:
        before = grouped.figure("ecs_top1_before", expression=expression)
        assert before.n == 4
        assert before.value <= grouped.figure("ecs_top1", expression=expression).value
    assert WITHOUT_EDIT in grouped.confusions[0].counts
    assert len(grouped.confusions[0].counts) == 8  # six edits, round trips to neutral, no edit


def test_groups_of_the_table_have_figures_and_counts(grouped):
    assert (grouped.figure("ecs_top1", group="age: old").n, grouped.figure("ecs_top1", group="age: old").people) == (
        12,
        2,
    )
    assert grouped.figure("ecs_top1", skin_tone="dark").people >= 1
    counts = {(count.split, count.name): (count.pictures, count.by_label) for count in grouped.groups}
    assert counts["group", "age: old"] == (2, 2)
    assert counts["domain", "avatar"] == (4, 4)
    assert counts["skin_tone", "dark"][1] == 1
    assert sum(pictures for (split, _), (pictures, _) in counts.items() if split == "skin_tone") == 4


def test_nothing_is_printed_as_nan(tmp_path):
    """One person alone, whose figures have no interval."""
    samples = load_samples(str(write_expression_folder(tmp_path / "drawn", people=1)))
    evaluation = evaluate(SARGANPipeline(Untouched()), samples, EVALUATORS, model="m", data="d")
    assert any(math.isnan(figure.low) for figure in evaluation.figures)
    assert {figure.interval for figure in evaluation.figures if math.isnan(figure.low)} == {"one person"}
    page = write_report(evaluation, tmp_path / "report")
    text = page.read_text().split("data:image")[0].lower()
    assert ">nan" not in text
    assert "nan " not in text
    assert "NaN" not in (page.parent / "report.json").read_text()
    json.dumps(as_json(evaluation), allow_nan=False)
    with (page.parent / "edits.csv").open(newline="") as file:
        assert not any(value == "nan" for line in csv.reader(file) for value in line)
