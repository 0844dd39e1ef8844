"""Animations: they loop, they stand still where nothing moves, and they open in other programs."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from sargan_hf import SARGANPipeline
from sargan_hf.errors import ConfigurationError, PictureError


@pytest.fixture(scope="module")
def animation(tiny_model_folder):
    pipe = SARGANPipeline.from_pretrained(str(tiny_model_folder))
    return pipe.animate(data.astronaut(), ["happy", "sad"], seconds=0.2, fps=10)


def test_starts_at_the_picture_and_changes(animation):
    assert len(animation.frames) == 6
    assert np.array_equal(np.asarray(animation.frames[0]), data.astronaut())
    assert not np.array_equal(np.asarray(animation.frames[2]), data.astronaut())


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4"])
def test_saved_files_open_and_stand_still_outside_the_face(animation, tmp_path, suffix):
    path = animation.save(tmp_path / f"moving{suffix}")
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    frames = read_frames(path)
    assert len(frames) == 6
    corners = np.stack([frame[400:, 300:] for frame in frames]).astype(int)
    assert np.ptp(corners, axis=0).max() <= (0 if suffix == ".gif" else 24)
    assert np.abs(corners[0] - data.astronaut()[400:, 300:]).mean() < 12


def read_frames(path):
    if path.suffix == ".mp4":
        av = pytest.importorskip("av")
        with av.open(str(path)) as container:
            assert "SARGAN" in container.metadata["comment"]
            return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    frames = []
    with Image.open(path) as image:
        for index in range(image.n_frames):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGB")))
    return frames


def test_a_box_is_given_in_pixels_of_the_whole_picture(tiny_model_folder):
    pipe = SARGANPipeline.from_pretrained(str(tiny_model_folder))
    large = data.astronaut().repeat(2, axis=0).repeat(2, axis=1)
    moving = pipe.animate(large, "happy", box=(360, 120, 540, 360), seconds=0.1, fps=20, max_side=256)
    assert moving.frames[0].size == (256, 256)


def test_what_cannot_be_animated_is_refused(animation, tiny_model_folder, tmp_path):
    with pytest.raises(PictureError, match=r"use \.gif, \.webp or \.mp4"):
        animation.save(tmp_path / "moving.avi")
    pipe = SARGANPipeline.from_pretrained(str(tiny_model_folder))
    with pytest.raises(ConfigurationError, match="seconds"):
        pipe.animate(data.astronaut(), "happy", seconds=-1)
    with pytest.raises(ConfigurationError, match="frames are more than"):
        pipe.animate(data.astronaut(), ["happy", "sad"], seconds=30, fps=60)


def test_progress_counts_every_frame(tiny_model_folder):
    pipe = SARGANPipeline.from_pretrained(str(tiny_model_folder))
    told = []
    pipe.animate(data.astronaut(), "happy", seconds=0.2, fps=10, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
