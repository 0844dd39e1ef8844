"""The rig's data set: what the command writes, the same bytes for the same seed, and going on after a kill."""

import hashlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import load_dataset
from PIL import Image
from typer.testing import CliRunner

import sargan_hf
from sargan_hf.commands.rig import rig_app
from sargan_hf.data.pair_flow import decode_motion, decode_valid
from sargan_hf.errors import ConfigurationError, ExpressionError, RigError
from sargan_hf.expressions import EXPRESSIONS
from sargan_hf.rig.dataset.build import build_dataset
from sargan_hf.rig.dataset.set_sheet import write_sheets
from sargan_hf.rig.dataset.work_units import RigSettings, make_plan
from sargan_hf.rig.portraits.reader import find_portraits

pytest.importorskip("ai_edge_litert", reason="the rig's extra is not installed: pip install -e .[rig]")


def copy_portraits(assets, folder, count, landmarks=True):
    """`count` portraits in a folder of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = sorted((assets / "portraits" / "neutral").glob("london_*.jpg"))[:count]
    for path in paths:
        (folder / path.name).write_bytes(path.read_bytes())
        if landmarks:
            (folder / path.name).with_suffix(".csv").write_bytes(path.with_suffix(".csv").read_bytes())
    return folder


@pytest.fixture(scope="module")
def run(assets, tmp_path_factory):
    """One small run of the command: two portraits, one without landmarks, a broken picture, a morph, two real smiles."""
    root = tmp_path_factory.mktemp("rig")
    portraits = copy_portraits(assets, root / "portraits", 2)
    (portraits / "london_002.csv").unlink()
    (portraits / "broken.jpg").write_bytes(b"no picture")
    smiling = root / "smiling"
    smiling.mkdir()
    for name in ("london_001.jpg", "london_003.jpg"):
        (smiling / name).write_bytes((assets / "portraits" / "smiling" / name).read_bytes())
    arguments = [str(portraits), "--output", str(root / "out"), "--variants", "2", "--morphs", "3", "--size", "64"]
    arguments += ["--seed", "5", "--workers", "2", "--real", f"{smiling}=joy", "--motion"]
    model = str(assets / "ict_facekit_light.npz")
    result = CliRunner().invoke(rig_app, [*arguments, "--face-model", model], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return root / "out", result.output


def test_the_data_set_loads_with_the_schema(run):
    data = load_dataset(str(run[0]), split="train")
    assert data.features["expression"].names == list(EXPRESSIONS)
    assert {row["image"].size for row in data} == {(64, 64)}
    pairs = {}
    for row in data:
        if row["source"] != "real":
            pairs.setdefault(row["pair"], []).append(row)
    assert "" not in pairs
    # two portraits and one usable morph, two variants each, and three times as many of the one who was seen to smile
    assert len(pairs) == 3 * 2 + 3 * 2
    for rows in pairs.values():
        assert sorted(row["expression"] for row in rows) == list(range(7))
        assert len({row["subject"] for row in rows}) == 1
    assert {row["subject"] for row in data} >= {"london_001", "london_002"}
    assert any("+" in row["subject"] for row in data)


def test_a_data_set_made_anew_in_the_same_place_is_not_read_from_the_cache(run, tmp_path):
    folder = tmp_path / "out"  # the name of the fixture's folder
    shutil.copytree(run[0], folder)
    shard = next((folder / "data").glob("*.parquet"))
    pq.write_table(pq.read_table(shard).slice(0, 3), shard)
    assert len(load_dataset(str(folder), split="train")) == 3


def test_a_real_picture_joins_sets_of_the_same_person_and_is_unpaired_without_one(run):
    rows = list(load_dataset(str(run[0]), split="train"))
    real = [row for row in rows if row["source"] == "real"]
    assert {EXPRESSIONS[row["expression"]] for row in real} == {"happy"}
    known = [row for row in real if row["subject"] == "london_001"]
    assert len(known) == 3 * 2
    for row in known:
        partners = [other for other in rows if other["pair"] == row["pair"] and other is not row]
        assert sorted(other["expression"] for other in partners) == list(range(7))
        assert {(other["subject"], other["source"]) for other in partners} == {("london_001", "portrait")}
        assert 0 < row["intensity"] < 1
        assert row["motion_backward"] is not None
    stranger = [row for row in real if row["subject"] == "london_003"]
    assert [(row["pair"], row["motion_backward"]) for row in stranger] == [("", None)] * 2


def test_motion_columns_lead_back_to_the_neutral_picture(run):
    rows = [row for row in load_dataset(str(run[0]), split="train") if row["source"] != "real"]
    neutral = {row["pair"]: row for row in rows if EXPRESSIONS[row["expression"]] == "neutral"}
    for row in rows[:7]:
        motion, valid = decode_motion(row["motion_backward"]), decode_valid(row["motion_backward"])
        assert motion.shape == (64, 64, 2)
        y, x = np.mgrid[:64, :64].astype(np.float32)
        still = np.asarray(neutral[row["pair"]]["image"])
        moved = cv2.remap(still, x + motion[..., 0], y + motion[..., 1], cv2.INTER_LINEAR)
        # Shading, folds and JPEG are on top; the unshaded equality is tested with the renderer.
        assert np.abs(moved[valid].astype(int) - np.asarray(row["image"])[valid]).mean() < 12


def test_unusable_portraits_are_listed_with_their_reason(run):
    folder, printed = run
    listed = (folder / "skipped.csv").read_text()
    assert "broken.jpg" in listed
    assert "not a picture" in listed
    assert "broken.jpg" in printed


def test_the_card_is_valid_and_complete(run):
    text = (run[0] / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    metadata = yaml.safe_load(front)
    assert metadata["license"] == "cc-by-4.0"  # all used portraits are of the London Set
    for said in ("10.6084/m9.figshare.5047666", "ICT-FaceKit", "## Command", "synthetic"):
        assert said in body


def test_sheets_show_every_set(run, tmp_path):
    pages = write_sheets(run[0], tmp_path, rows=4, pages=9)
    assert len(pages) == 3  # twelve sets
    with Image.open(pages[0]) as page:
        assert page.width >= 8 * 64  # seven expressions, and the photographs
        assert np.asarray(page).std() > 10


def digest(folder):
    files = sorted((folder / "data").glob("*.parquet"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


@pytest.fixture(scope="module")
def small(assets, tmp_path_factory):
    """Settings of a run over three portraits, and the digest of what one worker makes."""
    root = tmp_path_factory.mktemp("small")
    portraits = copy_portraits(assets, root / "portraits", 3)
    model = assets / "ict_facekit_light.npz"
    settings = RigSettings((portraits,), root / "one", variants=1, size=48, seed=3, model=model)
    build_dataset(settings)
    return settings, digest(settings.output)


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers(small, tmp_path):
    settings, expected = small
    again = replace(settings, output=tmp_path / "again")
    build_dataset(again, workers=2)
    assert digest(again.output) == expected


def pictures_of(folder, subject):
    table = pq.read_table(folder / "data", columns=["subject", "image"]).to_pylist()
    return [row["image"]["bytes"] for row in table if row["subject"] == subject]


def test_another_seed_gives_other_pictures(small, tmp_path):
    settings, _ = small
    first = find_portraits(settings.portraits)[0]
    other = replace(settings, output=tmp_path / "other", seed=4, portraits=(first,))
    build_dataset(other)
    before, after = (pictures_of(folder, first.stem) for folder in (settings.output, other.output))
    assert len(before) == len(after) == 7
    assert not set(before) & set(after)


RUNNER = """\
import pickle, sys
from pathlib import Path
from sargan_hf.rig.dataset.build import build_dataset
if __name__ == "__main__":
    build_dataset(pickle.loads(Path(sys.argv[1]).read_bytes()))
"""


def test_a_killed_run_goes_on_without_redoing_or_losing_a_portrait(small, tmp_path):
    settings, expected = small
    settings = replace(settings, output=tmp_path / "killed")
    (tmp_path / "run.py").write_text(RUNNER)
    (tmp_path / "settings").write_bytes(pickle.dumps(settings))
    root = Path(sargan_hf.__file__).parent.parent
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "run.py"), str(tmp_path / "settings")],
        env=os.environ | {"PYTHONPATH": str(root)},
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    parts = settings.output / ".parts"
    deadline = time.monotonic() + 120
    while not list(parts.glob("*.parquet")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = len(list(parts.glob("*.parquet")))
    assert 1 <= done < 3
    assert not (settings.output / "README.md").exists()

    with pytest.raises(RigError, match="--resume"):
        build_dataset(settings)
    seen = []
    build_dataset(settings, resume=True, on_progress=seen.append)
    assert seen[0].finished == done
    assert seen[-1].pictures == (3 - done) * 7
    assert digest(settings.output) == expected


def test_a_finished_run_is_left_as_it_is(small):
    settings, expected = small
    seen = []
    summary = build_dataset(settings, resume=True, on_progress=seen.append)
    assert seen[-1].pictures == 0
    assert summary.pictures == 21
    assert digest(settings.output) == expected


def test_a_run_with_other_settings_is_not_mixed_in(small, tmp_path):
    settings, _ = small
    with pytest.raises(RigError, match="other portraits or settings"):
        build_dataset(replace(settings, variants=2), resume=True)
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RigError, match="not empty"):
        build_dataset(replace(settings, output=tmp_path))


def test_portraits_that_are_all_unusable_end_in_one_error(small, tmp_path):
    portraits = tmp_path / "portraits"
    portraits.mkdir()
    (portraits / "broken.png").write_bytes(b"no picture")
    with pytest.raises(RigError, match=r"None of the 1 portraits.*broken\.png"):
        build_dataset(replace(small[0], portraits=(portraits,), output=tmp_path / "out"))


def touch_pictures(folder, names):
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_the_plan_draws_distinct_pairs_within_folders(tmp_path):
    photos = touch_pictures(tmp_path / "photos", ["a.jpg", "b.jpg", "c.jpg"])
    statues = touch_pictures(tmp_path / "statues", ["d.png", "e.png", "notes.txt"])
    settings = RigSettings((photos, statues), tmp_path / "out", morphs=4)
    units = make_plan(settings)
    assert [unit.kind for unit in units] == ["portrait"] * 5 + ["morph"] * 4
    pairs = {frozenset(unit.subject.split("+")) for unit in units[5:]}
    assert pairs == {frozenset("ab"), frozenset("ac"), frozenset("bc"), frozenset("de")}
    with pytest.raises(RigError, match="at most 4"):
        make_plan(replace(settings, morphs=5))


def test_sheets_among_the_portraits_are_not_taken_for_portraits(tmp_path):
    photos = touch_pictures(tmp_path / "photos", ["a+b.jpg"])
    touch_pictures(photos / "out" / "sheets", ["sheet-01.png"])
    units = make_plan(RigSettings((photos,), photos / "out"))
    assert [unit.subject for unit in units] == ["a-b"]


def test_a_person_is_drawn_alike_whoever_else_is_in_the_run(tmp_path):
    alone = make_plan(RigSettings((touch_pictures(tmp_path / "one", ["m.jpg"]),), tmp_path / "out"))
    together = make_plan(
        RigSettings((touch_pictures(tmp_path / "many", ["a.jpg", "m.jpg", "z.jpg"]),), tmp_path / "out")
    )
    assert alone[0].seed(7, 1) == together[1].seed(7, 1)
    assert together[1].seed(7, 1) != together[1].seed(7, 2) != together[1].seed(8, 2)


def test_settings_that_cannot_work_are_named(tmp_path):
    folder = touch_pictures(tmp_path / "p", ["a.jpg"])
    with pytest.raises(RigError, match="variants"):
        make_plan(RigSettings((folder,), tmp_path, variants=0))
    with pytest.raises(ExpressionError, match="smug"):
        make_plan(RigSettings((folder,), tmp_path, real=((folder, "smug"),)))
    result = CliRunner().invoke(rig_app, [str(folder), "--output", str(tmp_path / "o"), "--real", "smiling"])
    assert isinstance(result.exception, ConfigurationError)
