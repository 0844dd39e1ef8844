"""What somebody found wrong by eye stays out of a set: whole people, or single expressions."""

import pyarrow.parquet as pq
import pytest
from test_rig_dataset import copy_portraits
from typer.testing import CliRunner

from sargan_hf.commands.rig import rig_app
from sargan_hf.errors import ExpressionError, RigError
from sargan_hf.expressions import EXPRESSIONS
from sargan_hf.rig.dataset.left_out import read_left_out
from sargan_hf.rig.dataset.work_units import RigSettings, fingerprint, make_plan


def table(path, *lines):
    path.write_text("\n".join(["subject,broken,reason", *lines]) + "\n", encoding="utf-8")
    return path


def test_a_set_without_a_person_and_without_an_expression(assets, tmp_path):
    portraits = copy_portraits(assets, tmp_path / "portraits", 2)
    wrong = table(tmp_path / "wrong.csv", "london_001,happy angry,teeth too white", "london_002,all,mouth in the beard")
    arguments = [str(portraits), "--output", str(tmp_path / "out"), "--variants", "1", "--size", "64"]
    arguments += ["--leave-out", str(wrong), "--face-model", str(assets / "ict_facekit_light.npz")]
    result = CliRunner().invoke(rig_app, arguments)
    assert result.exit_code == 0, result.output
    rows = pq.read_table(tmp_path / "out" / "data").to_pylist()
    assert {row["subject"] for row in rows} == {"london_001"}
    assert {EXPRESSIONS[row["expression"]] for row in rows} == set(EXPRESSIONS) - {"happy", "angry"}


def test_tables_add_up(tmp_path):
    first = table(tmp_path / "1.csv", "a,happy,", "b,sad,")
    second = table(tmp_path / "2.csv", "a,joy surprised,", "c,all,", "d,,nothing")
    assert read_left_out(first, second) == {
        "a": {"happy", "surprised"}, "b": {"sad"}, "c": set(EXPRESSIONS), "d": frozenset()
    }  # fmt: skip


def test_morphs_are_of_the_people_who_stay(assets, tmp_path):
    portraits = copy_portraits(assets, tmp_path / "portraits", 4, landmarks=False)
    settings = RigSettings((portraits,), tmp_path / "out", morphs=3, left_out={"london_002": frozenset(EXPRESSIONS)})
    assert not any("london_002" in unit.subject for unit in make_plan(settings))
    everybody = RigSettings((portraits,), tmp_path / "out", morphs=3)
    assert fingerprint(settings, make_plan(settings)) != fingerprint(everybody, make_plan(everybody))


def test_a_table_that_says_nothing_of_these_portraits_is_refused(assets, tmp_path):
    portraits = copy_portraits(assets, tmp_path / "portraits", 1, landmarks=False)
    with pytest.raises(RigError, match="None of the 1 people to leave out is among the 1 portraits"):
        make_plan(RigSettings((portraits,), tmp_path / "out", left_out={"london_001.jpg": frozenset({"happy"})}))


def test_a_table_without_its_columns_or_with_a_wrong_name_is_refused(tmp_path):
    wrong = tmp_path / "wrong.csv"
    with pytest.raises(RigError, match="Cannot read what to leave out"):
        read_left_out(wrong)
    wrong.write_text("subject,reason\na,b\n")
    with pytest.raises(RigError, match="needs the columns subject and broken; broken is missing"):
        read_left_out(wrong)
    with pytest.raises(ExpressionError, match="hapy"):
        read_left_out(table(wrong, "a,hapy,"))
