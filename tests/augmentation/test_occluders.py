"""What stands in front of a face in training: the same in both pictures, and nothing moves beneath it."""

import numpy as np
import pytest

from sargan_hf.augmentation.occluders import draw_occluder, obstacle, spectacles
from sargan_hf.training.optical_flow import MotionMaps
from sargan_hf.training.sample import Draw, Face, SampleMaker

SIZE = 128
EYES = np.array([[0.35, 0.385], [0.65, 0.385]]) * SIZE - 0.5
KINDS = pytest.mark.parametrize(
    "kind", [lambda rng: spectacles(rng, SIZE, EYES), lambda rng: obstacle(rng, SIZE)], ids=["spectacles", "obstacle"]
)


@KINDS
@pytest.mark.parametrize("seed", range(5))
def test_both_pictures_of_a_pair_get_the_same_in_front(kind, seed):
    occluder = kind(np.random.default_rng(seed))
    pair = np.random.default_rng(0).random((2, SIZE, SIZE, 3), dtype=np.float32)
    after = occluder.before(pair)
    assert after.dtype == np.float32
    assert after.min() >= 0
    assert after.max() <= 1
    hidden = occluder.cover[..., 0] > 0.99
    np.testing.assert_allclose(after[0][hidden], after[1][hidden], atol=0.02)
    clear = occluder.cover[..., 0] == 0
    assert clear.mean() > 0.2
    np.testing.assert_array_equal(after[:, clear], pair[:, clear])
    again = kind(np.random.default_rng(seed))
    np.testing.assert_array_equal(again.paint, occluder.paint)


@KINDS
def test_nothing_moves_beneath_it_and_all_else_does(kind):
    occluder = kind(np.random.default_rng(1))
    flow, valid = occluder.stills(np.full((SIZE, SIZE, 2), 3, np.float32), np.zeros((SIZE, SIZE), np.float32))
    opaque = occluder.cover[..., 0] > 0.75
    assert opaque.sum() > 20
    assert (flow[opaque] == 0).all()
    assert (valid[opaque] == 1).all()
    clear = occluder.cover[..., 0] < 0.05
    assert (flow[clear] == 3).all()
    assert (valid[clear] == 0).all()


def test_spectacles_sit_around_the_eyes_however_the_head_leans():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        angle, centre = rng.uniform(-0.3, 0.3), rng.uniform(55, 70, 2)
        half = 19 * np.array([np.cos(angle), np.sin(angle)])
        eyes = np.array([centre - half, centre + half])
        rims = spectacles(rng, SIZE, eyes).cover[..., 0]
        rows, columns = np.mgrid[:SIZE, :SIZE]
        x = ((columns - centre[0]) * half[0] + (rows - centre[1]) * half[1]) / 19
        y = ((rows - centre[1]) * half[0] - (columns - centre[0]) * half[1]) / 19
        assert rims[(np.abs(y) < 25) & (np.abs(x) < 60)].sum() > 0.95 * rims.sum()
        for side in (-1, 1):
            assert rims[(side * x > 0) & (np.abs(y) < 25)].max() > 0.6


def test_a_picture_without_eyes_gets_no_spectacles():
    drawn = draw_occluder(np.random.default_rng(3), SIZE, None)
    np.testing.assert_array_equal(drawn.paint, obstacle(np.random.default_rng(3), SIZE).paint)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_samples_have_them_as_often_as_asked(share):
    """In a sample the frame of the spectacles stays, though all of the face moves by four pixels."""
    random = np.random.default_rng(0)
    picture = random.integers(100, 160, (160, 160, 3), dtype=np.uint8)
    faces = Face(picture, 4), Face(np.roll(picture, 5, axis=0), 3)
    exact = np.full((160, 160, 2), [0, -5], np.float32), np.ones((160, 160), np.float32)
    draw = Draw(resolution=SIZE, neutral_source=0.5, stylise=0.0, occluders=share, caricature=0.0, motion=True, seed=0)
    maker = SampleMaker(draw, 160, MotionMaps())
    still = []
    for seed in range(10):
        sample = maker.make(*faces, 3, exact, np.random.default_rng(seed))
        unmoved = sample["motion"].norm(dim=0) == 0
        still.append(float(unmoved.float().mean()))
        assert sample["motion_valid"][0][unmoved].all()
        same = (sample["source"] - sample["target"]).abs().mean(dim=0)
        if unmoved.any():
            assert same[unmoved].mean() < 0.5 * same[~unmoved].mean()
    assert (np.array(still) > 0).mean() == share
