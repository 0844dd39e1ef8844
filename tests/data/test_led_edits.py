"""Edits that a set's exact motion leads: what a mouth refiner learns from."""

import cv2
import numpy as np
import pytest
from datasets import load_dataset
from random_models import layered_model, plain_model

from sargan_hf.data.led_edits import LedGenerator, led_by
from sargan_hf.data.loading import load_expression_dataset
from sargan_hf.data.mouth_pairs import make_mouths
from sargan_hf.data.pair_flow import PairMotion
from sargan_hf.expressions import EXPRESSIONS
from sargan_hf.images.normalize import to_tensor
from sargan_hf.inference.torch_backend import TorchGenerator

SIDE = 64  # of the small models' crops; the set's pictures are twice as large
ANGRY = np.eye(len(EXPRESSIONS), dtype=np.float32)[[EXPRESSIONS.index("angry")]]


@pytest.fixture(scope="module")
def generator():
    return TorchGenerator(layered_model())


@pytest.fixture
def crops():
    random = np.random.default_rng(0)
    picture = cv2.GaussianBlur(random.uniform(0, 255, (SIDE, SIDE, 3)), (0, 0), 3).astype(np.uint8)
    return to_tensor(picture)[None]


def halved() -> np.ndarray:
    """From the pixels of a picture of 128 to a crop of 64."""
    return np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]])


def moved(valid: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """8 pixels to the right everywhere, in a picture of 128."""
    field = np.zeros((128, 128, 2), np.float32)
    field[..., 0] = 8
    return field, np.ones((128, 128), bool) if valid is None else valid


def test_the_motion_is_exact_where_it_is_known(generator, crops):
    led = LedGenerator(generator, *moved(), halved(), np.random.default_rng(0))
    motion = led(crops, ANGRY).motion[0]
    np.testing.assert_allclose(motion[0, 8:-8, 8:-8], 4 * 2 / SIDE, atol=1e-5)
    np.testing.assert_allclose(motion[1, 8:-8, 8:-8], 0, atol=1e-5)


def test_the_motion_is_the_models_where_it_is_not_known(generator, crops):
    led = LedGenerator(generator, *moved(np.zeros((128, 128), bool)), halved(), np.random.default_rng(0))
    np.testing.assert_allclose(led(crops, ANGRY).motion, generator(crops, ANGRY).motion, atol=1e-6)


def test_the_layer_lies_over_what_the_source_does_not_hold(generator, crops):
    valid = np.ones((128, 128), bool)
    valid[40:90, 40:90] = False
    led = LedGenerator(generator, *moved(valid), halved(), np.random.default_rng(0))
    covered = led(crops, ANGRY).layer.occlusion[0, 0]
    inside, outside = covered[26:39, 26:39], np.concatenate([covered[:10].ravel(), covered[-10:].ravel()])
    assert inside.mean() > 10 * max(outside.max(), 1e-3)
    assert 0 <= covered.min() <= covered.max() <= 1


def test_a_generator_without_motion_paints_as_it_did(crops):
    plain = TorchGenerator(plain_model())
    led = LedGenerator(plain, *moved(), halved(), np.random.default_rng(0))
    assert np.array_equal(led(crops, ANGRY).residual, plain(crops, ANGRY).residual)


def test_rows_without_motion_lead_nothing(generator):
    row = {"motion_backward": None, "motion_forward": None}
    assert led_by(generator, row, row, halved(), np.random.default_rng(0)) is None


@pytest.fixture
def moving_set(expression_folder, tmp_path):
    """The drawn faces, with motion columns that say that nothing moves."""
    drawn = load_expression_dataset(expression_folder, expressions=EXPRESSIONS)
    size = drawn[0]["image"].height
    columns = PairMotion.neutral(size, size).columns()
    for name, value in columns.items():
        drawn = drawn.add_column(name, [value] * len(drawn))
    return drawn


def test_mouths_of_a_set_with_motion_are_the_models_own(moving_set, generator, tmp_path, monkeypatch):
    """The motion says that nothing moves, so every picture that it leads is its source, with the model's paint on it."""
    monkeypatch.setattr("sargan_hf.data.mouth_pairs.LED", 1.0)
    led = read(make(moving_set, generator, tmp_path / "led"))
    monkeypatch.setattr("sargan_hf.data.mouth_pairs.LED", 0.0)
    blurred = read(make(moving_set, generator, tmp_path / "blurred"))
    assert led["expression"] == blurred["expression"]
    sharp, soft = (np.mean([detail(image) for image in rows["before"]]) for rows in (led, blurred))
    assert sharp > soft


def make(dataset, generator, folder):
    make_mouths(dataset, generator, folder)
    return folder


def read(folder) -> dict:
    return load_dataset("parquet", data_files=str(folder / "data" / "*.parquet"), split="train")[:]


def detail(image) -> float:
    return float(np.abs(cv2.Laplacian(np.asarray(image).astype(np.float32), cv2.CV_32F)).mean())
