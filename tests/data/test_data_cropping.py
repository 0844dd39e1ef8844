"""Photographs to crops: faces where training expects them, pairs at one scale, what shows no face listed."""

import csv
import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from datasets import Image as ImageFeature
from datasets import concatenate_datasets
from drawing import embed
from PIL import Image
from skimage.data import astronaut

from sargan_hf.data.cropping import write_crops
from sargan_hf.data.image_decoding import stored_pictures
from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.errors import DatasetError
from sargan_hf.faces.detection import FaceDetector

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def photographs(tmp_path):
    """A pair of one person whose head moves and comes closer, and a wall."""
    root = tmp_path / "photographs"
    root.mkdir()
    person = Image.fromarray(astronaut())
    person.save(root / "a.png")
    person.resize((560, 560)).crop((30, 10, 542, 522)).rotate(4).save(root / "b.png")
    Image.new("RGB", (300, 300), (90, 120, 90)).save(root / "c.png")
    rows = ["b.png,joy,eileen,1,9", "a.png,neutral,eileen,1,8", "c.png,sad,wall,,7"]
    (root / "metadata.csv").write_text("\n".join(["file_name,expression,subject,pair,age", *rows]))
    return load_expression_dataset(root)


def test_faces_come_to_lie_where_training_expects_them(photographs, tmp_path):
    summary = write_crops(photographs, tmp_path / "crops", size=160)
    crops = load_expression_dataset(tmp_path / "crops", cache_dir=tmp_path / "cache")
    assert (summary.pictures, len(crops)) == (2, 2)
    assert set(zip(crops["subject"], crops["expression"], crops["age"], strict=True)) == {
        ("eileen", 3, 9),
        ("eileen", 4, 8),
    }
    pictures = [np.asarray(row["image"]) for row in crops]
    for picture in pictures:
        eyes = FaceDetector().find(picture)[0].points[:2]
        assert picture.shape == (160, 160, 3)
        assert np.allclose(eyes.mean(axis=0), [79.5, 61.1], atol=4)
        assert abs(eyes[0, 1] - eyes[1, 1]) < 3
    assert np.abs(pictures[0].astype(float) - pictures[1]).mean() < 12


def test_pictures_without_a_face_are_listed(photographs, tmp_path):
    summary = write_crops(photographs, tmp_path / "crops")
    assert summary.skipped == ((2, "no face was found"),)
    assert (tmp_path / "crops" / "skipped-train.csv").read_text() == "row,reason\n2,no face was found\n"
    with pytest.raises(DatasetError, match="already holds crops of the part train"):
        write_crops(photographs, tmp_path / "crops")
    with pytest.raises(DatasetError, match="None of the 1 pictures shows a face"):
        write_crops(photographs.select([2]), tmp_path / "nothing")


def damaged(root, *names):
    for name in names:
        (root / name).write_bytes((root / "a.png").read_bytes()[:3000])


@pytest.mark.launch
def test_damaged_pictures_are_listed_beside_those_without_a_face(photographs, tmp_path):
    root = tmp_path / "photographs"
    damaged(root, "d.png")
    (root / "e.png").write_text("<html>404</html>")
    (root / "f.png").write_bytes(b"")
    with (root / "metadata.csv").open("a") as file:
        file.write("\nd.png,sad,x,,1\ne.png,sad,y,,1\nf.png,sad,z,,1\n")
    command = [sys.executable, "-m", "sargan_hf.cli", "crop", str(root), str(tmp_path / "crops"), "--size", "64"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    assert "2 faces in" in run.stdout
    assert "1 show no face and 3 are damaged, listed in skipped-train.csv" in " ".join(run.stdout.split())
    with (tmp_path / "crops" / "skipped-train.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows] == ["2", "3", "4", "5"]
    assert [name in row["reason"] for name, row in zip(("d.png", "e.png", "f.png"), rows[1:], strict=True)] == [
        True
    ] * 3


def test_a_damaged_row_of_an_embedded_pair_is_that_of_the_set(photographs, tmp_path):
    damaged(tmp_path / "photographs", "b.png")
    dataset = embed(photographs).select([2, 1, 0])
    summary = write_crops(dataset, tmp_path / "crops", size=64)
    assert summary.skipped[1][0] == 2
    assert summary.pictures == 1
    assert (summary.faceless, summary.damaged) == (1, 1)


def test_nothing_but_damage_says_so(photographs, tmp_path):
    for name in "abc":
        (tmp_path / "photographs" / f"{name}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DatasetError, match=r"None of the 3 .*The first: .*photographs/a.png"):
        write_crops(photographs, tmp_path / "crops")
    assert not (tmp_path / "crops").exists()


class Stopped(Exception):
    pass


def test_an_interrupted_run_is_no_set_and_goes_on_where_it_was(photographs, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("sargan_hf.data.cropping.PICTURES_PER_SHARD", 1)
    whole = concatenate_datasets([photographs] * 2).remove_columns("pair")
    dataset = whole.add_column("pair", [""] * 6).cast(photographs.features)
    reference, output = tmp_path / "reference", tmp_path / "crops"
    write_crops(dataset, reference, size=64)
    seen = []

    def stop_at_the_fourth() -> None:
        seen.append(1)
        if len(seen) == 4:
            raise Stopped

    with pytest.raises(Stopped):
        write_crops(dataset, output, size=64, on_picture=stop_at_the_fourth)
    with pytest.raises(DatasetError, match="Nothing in"):
        load_expression_dataset(output)
    with pytest.raises(DatasetError, match=r"the beginning of other crops .*\.unfinished-train"):
        write_crops(dataset, output, size=96)
    counted = []
    summary = write_crops(dataset, output, size=64, on_picture=lambda: counted.append(1))
    assert "Going on after 2 crops" in caplog.text
    assert len(counted) == 6
    assert summary.pictures == 4
    assert contents(output) == contents(reference)


def contents(folder) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_a_full_disk_keeps_what_is_done(photographs, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("pyarrow.parquet.write_table", full)
        with pytest.raises(DatasetError, match=r"cannot be written \(No space left on device\): make room"):
            write_crops(photographs, tmp_path / "crops", size=64)
    assert write_crops(photographs, tmp_path / "crops", size=64).pictures == 2
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match=r"file.* cannot be written"):
        write_crops(photographs, tmp_path / "file" / "crops")


@pytest.mark.launch
def test_the_only_part_of_a_set_stays_that_part(photographs, tmp_path):
    root = tmp_path / "photographs"
    lines = (root / "metadata.csv").read_text().splitlines()
    (root / "metadata.csv").write_text("\n".join([f"{lines[0]},split", *(f"{line},test" for line in lines[1:])]))
    command = [sys.executable, "-m", "sargan_hf.cli", "crop", str(root), str(tmp_path / "crops"), "--size", "64"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    assert [file.name for file in (tmp_path / "crops" / "data").iterdir()] == ["test-00001.parquet"]
    assert len(load_expression_dataset(tmp_path / "crops", split="test", cache_dir=tmp_path / "cache")) == 2


def test_columns_of_pixels_do_not_come_along(photographs, tmp_path, caplog):
    dataset = photographs.add_column("motion_valid", [b"mask"] * 3)
    dataset = dataset.add_column("second", [{"bytes": None, "path": path_of(dataset, 0)}] * 3, feature=ImageFeature())
    write_crops(dataset, tmp_path / "crops", size=64)
    crops = load_expression_dataset(tmp_path / "crops", cache_dir=tmp_path / "cache")
    assert "motion_valid describe pixels" in caplog.text
    assert "motion_valid" not in crops.features
    assert crops[0]["second"].size == (512, 512)


def path_of(dataset, row: int) -> str:
    return stored_pictures(dataset)[row]["image"]["path"]
