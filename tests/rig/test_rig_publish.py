"""A published set: what `sargan rig publish` writes is loaded by `datasets` and by us, and tells whose every picture is."""

import re
import shutil

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from huggingface_hub import DatasetCard
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("ai_edge_litert", reason="the rig's extra is not installed: pip install -e .[rig]")

from sargan_hf import load_expression_dataset
from sargan_hf.commands.rig import rig_app
from sargan_hf.data.pair_flow import PairMotion, decode_motion, decode_valid
from sargan_hf.errors import RigError
from tests.data.test_motion import as_before


def invoke(*arguments):
    return CliRunner().invoke(rig_app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(assets, tmp_path_factory):
    """A small set of four people and two morphs, with motion."""
    root = tmp_path_factory.mktemp("publish")
    portraits = root / "portraits"
    portraits.mkdir()
    for path in sorted((assets / "portraits" / "neutral").glob("london_*"))[:8]:
        shutil.copy(path, portraits)
    arguments = [
        portraits,
        "--output",
        root / "made",
        "--variants",
        1,
        "--morphs",
        2,
        "--size",
        64,
        "--motion",
        "--seed",
        3,
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["sargan", "rig", *map(str, arguments)])  # what the card quotes
        result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    return root / "made"


@pytest.fixture(scope="module")
def published(made):
    output = made.parent / "faces"
    result = invoke("publish", made, output, "--held-out", 0.3)
    assert result.exit_code == 0, result.output
    assert "configs default and with_motion" in result.output
    return output


def test_both_configs_load_with_splits_by_people(published, tmp_path):
    still = load_dataset(str(published), cache_dir=str(tmp_path))
    moving = load_dataset(str(published), "with_motion", cache_dir=str(tmp_path))
    assert "motion_backward" not in still["train"].features
    people = [{name for subject in part["subject"] for name in subject.split("+")} for part in still.values()]
    assert set(still) == {"train", "test"}
    assert not people[0] & people[1]
    for part in still:
        assert still[part]["subject"][:] == moving[part]["subject"][:]
        assert set(still[part]["license"]) == {"cc-by-4.0"}
        assert all("London Set" in each for each in still[part]["attribution"])


def test_our_loader_takes_the_default_config_and_the_other_by_its_folder(published, tmp_path, caplog):
    for place, count in ((published, 0), (published / "with_motion", 2)):
        parts = [load_expression_dataset(place, split=part, cache_dir=tmp_path) for part in ("train", "test")]
        assert all(sum(name.startswith("motion") for name in part.features) == count for part in parts)
        assert len(parts[0]) + len(parts[1]) >= 4 * 7
    assert "not read" not in caplog.text


def test_the_motion_is_that_of_the_set_that_was_made(made, published, tmp_path):
    before = load_dataset(
        "parquet", data_files=str(made / "data" / "*.parquet"), split="train", cache_dir=str(tmp_path)
    )
    stored = {(row["pair"], row["recipe"]): row for row in before}
    after = load_expression_dataset(published / "with_motion", cache_dir=tmp_path)
    for row in after.select(range(7)):
        first, second = (PairMotion.from_columns(each) for each in (stored[row["pair"], row["recipe"]], row))
        assert np.abs(first.backward - second.backward).max() <= 1 / 64
        assert np.abs(first.forward - second.forward).max() <= 1 / 64
        assert np.array_equal(first.valid, second.valid)
    assert cv2.imdecode(np.frombuffer(row["motion_backward"], np.uint8), cv2.IMREAD_UNCHANGED).shape == (64, 64, 3)


def test_the_card_is_valid_and_names_nobody_s_folders(published):
    card = DatasetCard.load(published / "README.md")
    assert card.data.license == "cc-by-4.0"
    assert [config["config_name"] for config in card.data.configs] == ["default", "with_motion"]
    assert "| cc-by-4.0 | " in card.text
    assert "sargan rig portraits --output made" in card.text
    assert str(published.parent) not in card.text


def test_the_page_shows_every_sheet(published):
    page = (published / "viewer" / "index.html").read_text(encoding="utf-8")
    shown = re.findall(r'<img src="([^"]+)" width="(\d+)" height="(\d+)"', page)
    assert shown
    for name, width, height in shown:
        with Image.open(published / "viewer" / name) as sheet:
            assert sheet.size == (int(width), int(height))
    assert "<script" not in page


def test_shards_hold_about_what_was_asked(made, tmp_path):
    assert invoke("publish", made, tmp_path / "faces", "--held-out", 0.3, "--shard-mb", 1).exit_code == 0
    shards = sorted((tmp_path / "faces" / "with_motion").glob("train-*"))
    sizes = [shard.stat().st_size for shard in shards]
    assert max(sizes) < 1.5e6
    assert sum(pq.read_metadata(shard).num_rows for shard in shards) >= 14


def with_unknown_people(made, folder):
    """The set as if its portraits were somebody's own."""
    shutil.copytree(made, folder)
    for shard in (folder / "data").glob("*.parquet"):
        table = pq.read_table(shard)
        for name in ("subject", "pair"):
            own = [text.replace("london_", "own_") for text in table[name].to_pylist()]
            table = table.set_column(table.column_names.index(name), table.schema.field(name), [own])
        pq.write_table(table, shard)
    return folder


def test_portraits_without_a_licence_are_not_published(made, tmp_path):
    own = with_unknown_people(made, tmp_path / "own")
    result = invoke("publish", own, tmp_path / "faces", "--held-out", 0.3)
    assert isinstance(result.exception, RigError)
    assert "own_001" in str(result.exception)
    assert "--sources" in str(result.exception)
    assert not list(tmp_path.glob("faces*"))


def test_a_table_of_sources_tells_the_licence_of_every_picture(made, tmp_path):
    own = with_unknown_people(made, tmp_path / "own")
    names = sorted({name for subject in load_expression_dataset(own)["subject"] for name in subject.split("+")})
    table = tmp_path / "SOURCES.csv"
    lines = [f"{name}.jpg,{'CC0 1.0' if number else 'CC BY 4.0'},Painter {number}" for number, name in enumerate(names)]
    table.write_text("\n".join(["file,licence,work", *lines]) + "\n")
    result = invoke("publish", own, tmp_path / "faces", "--held-out", 0.3, "--sources", table)
    assert result.exit_code == 0, result.output
    card = DatasetCard.load(tmp_path / "faces" / "README.md")
    assert card.data.license == "other"
    rows = [row for part in ("train", "test") for row in load_expression_dataset(tmp_path / "faces", split=part)]
    told = {row["subject"]: (row["license"], row["attribution"]) for row in rows}
    for number, name in enumerate(names):
        if name in told:
            assert told[name] == ("CC0 1.0" if number else "CC BY 4.0", f"Painter {number}")
    without = tmp_path / "prompts.csv"
    without.write_text("file,prompt\n" + "".join(f"{name}.jpg,a face\n" for name in names))
    refused = invoke("publish", own, tmp_path / "more", "--sources", without)
    assert "licence are needed" in str(refused.exception)
    stated = invoke(
        "publish", own, tmp_path / "more", "--held-out", 0.3, "--licence", f"{without}=CC BY 4.0; artflow.ai"
    )
    assert stated.exit_code == 0, stated.output
    row = load_expression_dataset(tmp_path / "more")[0]
    assert (row["license"], row["attribution"]) == ("CC BY 4.0", "artflow.ai")


def test_a_set_of_before_is_published_in_the_present_form(made, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(made, old)
    for shard in (old / "data").glob("*.parquet"):
        rows = load_dataset("parquet", data_files=str(shard), split="train", cache_dir=str(tmp_path))
        rows = rows.map(
            lambda row: as_before(*(decode(row["motion_backward"]) for decode in (decode_motion, decode_valid)))
        )
        rows.to_parquet(shard)
    result = invoke("publish", old, tmp_path / "faces", "--held-out", 0.3)
    assert result.exit_code == 0, result.output
    row = load_expression_dataset(tmp_path / "faces" / "with_motion")[0]
    assert "motion_valid" not in row
    assert row["motion_backward"].startswith(b"\x89PNG")
