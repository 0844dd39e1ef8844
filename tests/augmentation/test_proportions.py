"""Faces of other proportions in training: bent smoothly, both pictures of a pair alike, and the motion with them."""

import cv2
import numpy as np
import pytest

from sargan_hf.augmentation.proportions import draw_proportions
from sargan_hf.faces.alignment import canonical_eyes, canonical_mouth
from sargan_hf.images.warp import warp_field
from sargan_hf.training.optical_flow import MotionMaps
from sargan_hf.training.sample import Draw, Face, SampleMaker

SIZE = 128
SEEDS = pytest.mark.parametrize("seed", range(30))


def caricature(seed: int):
    return draw_proportions(np.random.default_rng(seed), SIZE, canonical_eyes(SIZE), canonical_mouth(SIZE))


def texture(seed: int) -> np.ndarray:
    """Smooth noise, float32 [S, S, 3], that shows where each pixel went."""
    noise = np.random.default_rng(seed).random((SIZE // 8, SIZE // 8, 3), np.float32)
    return cv2.resize(noise, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)


@SEEDS
def test_it_folds_nowhere(seed):
    places = caricature(seed).places()
    (x_down, x_across), (y_down, y_across) = np.gradient(places[..., 0]), np.gradient(places[..., 1])
    area = x_across * y_down - x_down * y_across
    assert area.min() > 0.1
    assert area.max() < 8
    assert np.abs(caricature(seed).offsets).max() > 2  # pixels


@SEEDS
def test_points_are_found_where_they_went(seed):
    """A spot at an eye or at the mouth is seen again there."""
    shape = caricature(seed)
    for place in [*canonical_eyes(SIZE), canonical_mouth(SIZE)]:
        spot = np.exp(-((np.indices((SIZE, SIZE))[::-1].transpose(1, 2, 0) - place) ** 2).sum(axis=2) / 8)
        seen = warp_field(spot.astype(np.float32), shape.offsets)
        brightest = np.unravel_index(seen.argmax(), seen.shape)[::-1]
        assert np.abs(shape.points(place[None])[0] - brightest).max() <= 1


@SEEDS
def test_the_motion_between_bent_pictures_is_the_bent_motion(seed):
    source = texture(seed)
    flow = 4 * texture(seed + 1000)[..., :2] - 2
    target = warp_field(source, flow)
    shape = caricature(seed)
    bent, valid = shape.bent(flow, np.ones((SIZE, SIZE), np.float32))
    source, target = warp_field(source, shape.offsets), warp_field(target, shape.offsets)
    inside = slice(12, -12)
    error = np.abs(warp_field(source, bent) - target)[inside, inside].mean()
    assert error < 0.1 * np.abs(source - target)[inside, inside].mean()
    assert (valid[inside, inside] > 0.99).all()


def test_eyes_become_larger_and_smaller_and_chins_wider_and_narrower():
    eye, chin = canonical_eyes(SIZE)[0].round().astype(int), (int(0.5 * SIZE), int(0.85 * SIZE))
    size_of_eyes, width_of_chins = [], []
    for seed in range(60):
        places = caricature(seed).places()
        size_of_eyes.append(4 / (places[eye[1], eye[0] + 2, 0] - places[eye[1], eye[0] - 2, 0]))
        width_of_chins.append(40 / (places[chin[1], chin[0] + 20, 0] - places[chin[1], chin[0] - 20, 0]))
    assert min(size_of_eyes) < 1 < 1.4 < max(size_of_eyes)
    assert min(width_of_chins) < 0.9 < 1.1 < max(width_of_chins)


@pytest.mark.parametrize(("share", "canonical"), [(0.0, True), (1.0, True), (1.0, False)])
def test_samples_are_bent_as_often_as_asked_and_mouths_never(share, canonical):
    picture = np.random.default_rng(0).integers(0, 255, (160, 160, 3), dtype=np.uint8)
    still = np.zeros((160, 160, 2), np.float32), np.ones((160, 160), np.float32)
    settings = {"resolution": SIZE, "neutral_source": 0.5, "stylise": 0.0, "occluders": 0.0, "motion": True, "seed": 0}
    bent = SampleMaker(Draw(**settings, caricature=share, canonical=canonical), 160, MotionMaps())
    plain = SampleMaker(Draw(**settings, caricature=0.0, canonical=canonical), 160, MotionMaps())
    for seed in range(10):
        pair = [
            maker.make(Face(picture, 4), Face(picture, 3), 3, still, np.random.default_rng(seed))
            for maker in (plain, bent)
        ]
        assert (pair[0]["source"].equal(pair[1]["source"])) == (share == 0 or not canonical)
        assert pair[1]["source"].equal(pair[1]["target"])
        assert pair[1]["motion"].abs().max() < 1e-3  # nothing moved between the two, however both are bent
