"""Photographs to crops: faces where training expects them, pairs at one scale, what shows no face listed."""

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from sargan_hf.data.cropping import write_crops
from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.errors import DatasetError
from sargan_hf.faces.detection import FaceDetector


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
