"""Animations: films of stills that loop, stand still where nothing moves, and open in other programs."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from skimage import data

from sargan_hf import SARGANPipeline
from sargan_hf.editing.animation import Animation
from sargan_hf.errors import ConfigurationError, ExpressionError, ImageError
from sargan_hf.images.provenance import DIGITAL_SOURCE_TYPE

WEIGHTS = Path(__file__).resolve().parents[2] / "weights" / "sargan-motion-128"


@pytest.fixture(scope="module")
def pipe(tiny_model_folder):
    return SARGANPipeline.from_pretrained(str(tiny_model_folder))


@pytest.fixture(scope="module")
def refining_pipe():
    """The released model, with its mouth refiner."""
    return SARGANPipeline.from_pretrained(str(WEIGHTS))


@pytest.fixture(scope="module")
def animation(pipe):
    return pipe.animate(data.astronaut(), ["happy", "sad"], seconds=0.2, fps=10)


def test_starts_at_the_picture_and_changes(animation):
    assert len(animation.frames) == 6
    assert np.array_equal(np.asarray(animation.frames[0]), data.astronaut())
    assert not np.array_equal(np.asarray(animation.frames[2]), data.astronaut())


def test_each_frame_is_the_still_at_its_point_of_the_way(refining_pipe):
    film = refining_pipe.animate(data.astronaut(), ["happy", "surprised"], intensity=1.2, seconds=0.2, fps=20)
    half = [0, 0.5 - 0.5 * 0.5**0.5, 0.5, 0.5 + 0.5 * 0.5**0.5]  # a quarter of the time is not a quarter of the way
    ways = [("happy", 1.2 * share) for share in half]
    ways += [({"happy": 1 - share, "surprised": share}, 1.2) for share in half]
    ways += [("surprised", 1.2 * share) for share in (1, *half[:0:-1])]
    assert len(film.frames) == len(ways) == len(film.moments)
    for frame, moment, (expression, intensity) in zip(film.frames, film.moments, ways, strict=True):
        still = refining_pipe(film.frames[0], expression, intensity=intensity).images[0]
        assert np.array_equal(np.asarray(frame), np.asarray(still))
        again = refining_pipe(film.frames[0], list(moment.expression), intensity=moment.intensity).images[0]
        assert np.array_equal(np.asarray(frame), np.asarray(again))
    refining_pipe.mouth, mouth = None, refining_pipe.mouth
    unrefined = refining_pipe(film.frames[0], "happy", intensity=1.2).images[0]
    refining_pipe.mouth = mouth
    assert not np.array_equal(np.asarray(film.frames[4]), np.asarray(unrefined))


@pytest.mark.parametrize("choice", [{"faces": "all"}, {"box": (180, 60, 270, 180)}, {"region": "mouth"}])
def test_frames_are_stills_however_the_face_is_chosen(pipe, choice):
    film = pipe.animate(data.astronaut(), {"sad": 0.5, "angry": 0.5}, seconds=0.2, fps=10, **choice)
    still = pipe(data.astronaut(), {"sad": 0.5, "angry": 0.5}, intensity=film.moments[1].intensity, **choice).images[0]
    assert np.array_equal(np.asarray(film.frames[1]), np.asarray(still))


def test_the_way_back_is_the_way_out(pipe):
    film = pipe.animate(data.astronaut(), "happy", seconds=0.5, fps=10)
    assert [film.frames[-index] is film.frames[index] for index in range(1, 5)] == [True] * 4


def test_vectors_are_taken_as_they_are(pipe):
    strong, other = np.array([0, 0, 0, 2, 0, 0, 0.0]), np.array([0, 2, 0, 0, 0, 0, 0.0])
    film = pipe.animate(data.astronaut(), [strong, other], seconds=0.2, fps=10)
    assert film.moments[3].expression.tolist() == [[0, 1, 0, 1, 0, 0, 0]]
    assert pipe.animate(data.astronaut(), strong, seconds=0.1, fps=20).moments[1].expression.tolist() == [
        strong.tolist()
    ]


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4"])
def test_saved_files_open_and_stand_still_outside_the_face(animation, tmp_path, suffix):
    path = animation.save(tmp_path / f"moving{suffix}")
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    frames = read_frames(path)
    assert len(frames) == 6
    corners = np.stack([frame[400:, 300:] for frame in frames]).astype(int)
    assert np.ptp(corners, axis=0).max() <= (0 if suffix == ".gif" else 24)
    assert np.abs(corners[0] - data.astronaut()[400:, 300:]).mean() < 12


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4"])
def test_saved_files_say_that_they_were_edited(animation, tmp_path, suffix):
    assert DIGITAL_SOURCE_TYPE.encode() in animation.save(tmp_path / f"moving{suffix}").read_bytes()
    alone = io.BytesIO()
    animation.frames[2].save(alone, "PNG")
    assert DIGITAL_SOURCE_TYPE.encode() in alone.getvalue()


@pytest.mark.parametrize(("suffix", "milliseconds"), [(".gif", 10), (".webp", 1)])
def test_the_whole_takes_as_long_as_it_should(suffix, milliseconds, tmp_path):
    shades = [Image.new("RGB", (32, 32), (shade, 0, 0)) for shade in range(0, 250, 10)]
    with Image.open(Animation(shades, fps=30).save(tmp_path / f"shades{suffix}")) as image:
        total = 0
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            total += image.info["duration"]
    assert abs(total - 25 * 1000 / 30) <= milliseconds


def read_frames(path, mode="RGB"):
    if path.suffix == ".mp4":
        av = pytest.importorskip("av")
        with av.open(str(path)) as container:
            assert "SARGAN" in container.metadata["comment"]
            return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    frames = []
    with Image.open(path) as image:
        for index in range(image.n_frames):
            image.seek(index)
            frames.append(np.asarray(image.convert(mode)))
    return frames


def test_a_box_is_given_in_pixels_of_the_whole_picture(pipe):
    large = data.astronaut().repeat(2, axis=0).repeat(2, axis=1)
    moving = pipe.animate(large, "happy", box=(360, 120, 540, 360), seconds=0.1, fps=20, max_side=256)
    assert moving.frames[0].size == (256, 256)


def test_a_turned_photograph_stands_upright(pipe, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(np.rot90(data.astronaut())).save(tmp_path / "turned.png", exif=exif)
    film = pipe.animate(tmp_path / "turned.png", "happy", seconds=0.1, fps=20)
    assert np.array_equal(np.asarray(film.frames[0]), data.astronaut())


def test_what_cannot_be_animated_is_refused(animation, pipe, tmp_path):
    with pytest.raises(ImageError, match=r"use \.gif, \.webp or \.mp4"):
        animation.save(tmp_path / "moving.avi")
    with pytest.raises(ConfigurationError, match="seconds"):
        pipe.animate(data.astronaut(), "happy", seconds=-1)
    with pytest.raises(ConfigurationError, match="frames are more than"):
        pipe.animate(data.astronaut(), ["happy", "sad"], seconds=30, fps=60)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"seconds": float("nan")}, ConfigurationError, "0 < seconds <= 60"),
        ({"seconds": "1"}, ConfigurationError, "seconds='1'"),
        ({"fps": 0.5}, ConfigurationError, "1 <= fps <= 60"),
        ({"fps": None}, ConfigurationError, "fps=None"),
        ({"max_side": 20}, ConfigurationError, "max_side >= 64"),
        ({"max_side": True}, ConfigurationError, "max_side=True"),
        ({"expression": []}, ConfigurationError, "at least one expression"),
        ({"expression": 5}, ExpressionError, "got 5"),
        ({"intensity": 2}, ConfigurationError, "intensity must be"),
    ],
)
def test_settings_that_cannot_work_get_one_sentence(pipe, settings, error, message):
    with pytest.raises(error, match=message) as caught:
        pipe.animate(data.astronaut(), **{"expression": "happy"} | settings)
    assert "\n" not in str(caught.value)


def test_sizes_that_cannot_work_get_one_sentence(pipe, tmp_path):
    points = np.array([[30, 8], [50, 8], [40, 12], [32, 18], [48, 18.0]])
    with pytest.raises(ImageError, match="raise max_side"):
        pipe.animate(np.zeros((24, 2400, 3), np.uint8), "happy", points=points, max_side=640)
    with pytest.raises(ConfigurationError, match="lower max_side"):
        pipe.animate(np.zeros((6000, 6000, 3), np.uint8), "happy", points=points, max_side=6000)
    wide = Animation([Image.new("RGB", (16_400, 16), shade) for shade in ("red", "blue")], fps=10)
    with pytest.raises(ImageError, match="16383 a side"):
        wide.save(tmp_path / "wide.webp")
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_every_frame(pipe):
    told = []
    pipe.animate(data.astronaut(), "happy", seconds=0.2, fps=10, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
