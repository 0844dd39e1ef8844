"""Style augmentation: one draw for a whole stack, within range, reproducible, strong only as asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sargan_hf.augmentation.style import CONDITIONS, MEDIA, draw, stylise
from sargan_hf.errors import ImageError

TRANSFORMS = pytest.mark.parametrize("transform", [*MEDIA, *CONDITIONS], ids=lambda transform: transform.name)


def pair_of_pictures(size: int = 64) -> np.ndarray:
    """Two pictures that share most of what they show, like the sides of a training pair: [2, size, size, 3]."""
    across = np.linspace(0, 1, size, dtype=np.float32)
    picture = np.stack(np.broadcast_arrays(across, across[:, None], 0.5 * (across + across[:, None])), axis=-1)
    rounder = picture.copy()
    rounder[size // 2 : size // 2 + 8, size // 4 : size // 2] = (0.7, 0.2, 0.2)
    return np.stack([picture, rounder])


@TRANSFORMS
def test_every_transform_changes_the_picture_and_leaves_its_input_alone(transform):
    before = pair_of_pictures()
    pictures = before.copy()
    after = transform.apply(pictures, np.random.default_rng(3), 1.0)
    assert after.shape == before.shape
    assert after.dtype == np.float32
    assert np.isfinite(after).all()
    assert np.abs(after - before).max() > 0.02
    np.testing.assert_array_equal(pictures, before)


@TRANSFORMS
def test_every_transform_treats_all_pictures_of_a_stack_alike(transform):
    """Same noise field, same occluder, same numbers: neither K nor the other pictures matter."""
    first, second = pair_of_pictures()
    together = transform.apply(np.stack([first, second]), np.random.default_rng(5), 1.0)
    np.testing.assert_array_equal(together[0], transform.apply(first[None], np.random.default_rng(5), 1.0)[0])
    np.testing.assert_array_equal(together[1], transform.apply(second[None], np.random.default_rng(5), 1.0)[0])


@pytest.mark.parametrize("name", ["stone", "bronze"])
def test_statues_often_have_no_irises_but_keep_their_lids(name):
    """An iris where canonical crops have one goes in three draws of five; the line of the lid above it stays."""
    size = 128
    picture = np.full((1, size, size, 3), 0.75, dtype=np.float32)
    y, x = round(0.385 * size), round(0.35 * size)
    rows, columns = np.mgrid[:size, :size]
    picture[0, np.hypot(rows - y, columns - x) < 3.5] = 0.2
    picture[0, y - 6, x - 9 : x + 10] = 0.2
    transform = next(medium for medium in MEDIA if medium.name == name)
    irises, lids = [], []
    for seed in range(40):
        after = transform.apply(picture, np.random.default_rng(seed), 1.0)[0].mean(axis=2)
        skin = np.median(after[y - 12 : y + 12, x - 16 : x + 17])
        irises.append(skin - after[y - 1 : y + 2, x - 1 : x + 2].mean())
        lids.append(skin - after[y - 6, x - 8 : x + 9].mean())
    carved = np.array(irises) > 0.5 * np.array(lids)
    assert 0.2 < carved.mean() < 0.6
    assert (np.array(lids) > 0.03).mean() > 0.9


def test_without_blank_eyes_every_statue_keeps_its_irises():
    """Else it would look as a real one does, which a set may show with its lips together."""
    pictures, draws = pair_of_pictures(), [seed for seed in range(200) if _medium(seed) in ("stone", "bronze")]
    alike = [
        np.array_equal(*(stylise(pictures, np.random.default_rng(seed), blank_eyes=blank) for blank in (False, True)))
        for seed in draws
    ]
    assert 0.2 < np.mean(alike) < 0.6, "two in five keep them anyway"


def _medium(seed: int) -> str:
    return next((transform.name for transform in draw(np.random.default_rng(seed))), "")


@TRANSFORMS
def test_every_transform_weakens_with_strength(transform):
    """Over several draws: a fifth of the strength moves the picture less than all of it."""
    before = pair_of_pictures()

    def change(strength: float) -> float:
        draws = (transform.apply(before, np.random.default_rng(seed), strength) for seed in range(8))
        return np.mean([np.abs(np.clip(after, 0, 1) - before).mean() for after in draws])

    assert change(0.2) < change(1.0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), height=st.integers(16, 96), width=st.integers(16, 96), strength=st.floats(0, 2))
def test_stylise_keeps_shape_range_and_the_pair_together(seed, height, width, strength):
    picture = np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)
    pictures = np.stack([picture, picture])
    after = stylise(pictures, np.random.default_rng(seed), strength)
    assert after.shape == pictures.shape
    assert after.dtype == np.float32
    assert after.min() >= 0
    assert after.max() <= 1
    np.testing.assert_array_equal(after[0], after[1])
    np.testing.assert_array_equal(after, stylise(pictures, np.random.default_rng(seed), strength))


def test_strength_zero_changes_nothing():
    pictures = pair_of_pictures()
    for seed in range(20):
        np.testing.assert_array_equal(stylise(pictures, np.random.default_rng(seed), 0.0), pictures)


def test_flipped_and_double_precision_input_is_accepted():
    """A mirrored crop is a view with negative strides, which OpenCV refuses."""
    mirrored = pair_of_pictures()[:, :, ::-1].astype(np.float64)
    for seed in range(30):
        assert stylise(mirrored, np.random.default_rng(seed)).dtype == np.float32


def test_two_draws_in_five_leave_the_picture_alone_and_every_transform_is_drawn():
    rng = np.random.default_rng(0)
    draws = [draw(rng) for _ in range(4000)]
    assert np.mean([not chosen for chosen in draws]) == pytest.approx(0.4, abs=0.03)
    assert {transform.name for chosen in draws for transform in chosen} == {t.name for t in (*MEDIA, *CONDITIONS)}
    assert max(sum(transform in MEDIA for transform in chosen) for chosen in draws) == 1


@pytest.mark.parametrize(
    "pictures", [np.zeros((8, 8, 3), np.float32), np.zeros((1, 8, 8, 4), np.float32), np.zeros((1, 8, 8, 3), np.uint8)]
)
def test_what_is_no_stack_of_rgb_pictures_is_refused_with_its_shape(pictures):
    with pytest.raises(ImageError, match=str(list(pictures.shape)).replace("[", r"\[")):
        stylise(pictures, np.random.default_rng(0))
