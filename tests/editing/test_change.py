"""Warps planned and made, from motions made by hand where the answer must be known."""

import numpy as np
import pytest
from drawing import opening_mouth
from hypothesis import given, settings
from hypothesis import strategies as st

from sargan_hf.editing.apply import apply_warp
from sargan_hf.editing.change import FaceWarp, plan_warp
from sargan_hf.faces.alignment import crop_face
from sargan_hf.images.warp import warp_field

ANY_EXPRESSION = np.ones(1, np.float32)


def test_full_resolution_pixels_move_and_stay_sharp():
    """A shift by hand: fine noise far below the model's resolution must arrive unchanged."""
    picture = (np.random.default_rng(1).random((1024, 1024, 3)) * 255).astype(np.uint8)
    size = 64
    transform = np.array([[size / 1024, 0, 0.5 * size / 1024 - 0.5], [0, size / 1024, 0.5 * size / 1024 - 0.5]])
    crop = crop_face(picture, transform, size)
    ys, xs = np.mgrid[0:size, 0:size]
    middle = np.exp(-((((xs - 31.5) / 8) ** 2 + ((ys - 31.5) / 8) ** 2) ** 4))
    motion = np.stack([middle * (2 / size), 0 * middle], axis=-1).astype(
        np.float32
    )  # one crop pixel: 16 of the picture
    pixels = picture.copy()
    change = plan_warp(crop, np.zeros((size, size, 3), np.float32), motion, "motion", expression=ANY_EXPRESSION)
    apply_warp(pixels, transform, size, change)
    centre = (slice(500, 524), slice(500, 524))
    expected = picture[500:524, 516:540]
    assert np.abs(pixels[centre].astype(int) - expected).mean() < 3
    assert np.array_equal(pixels[:64], picture[:64])


def overpainted_nowhere(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight, overpainted places and condition of a change that acts everywhere, hides nothing and is of any expression."""
    return np.ones((size, size), np.float32), np.zeros((size, size), np.float32), ANY_EXPRESSION


@pytest.mark.parametrize("intensity", [0.25, 0.5, 0.75, 1.25])
def test_a_mouth_half_open_is_the_open_one_smaller(intensity):
    """Light lips; the seam that is drawn out between them is painted dark."""
    motion, inside = opening_mouth(side=64, half=8)
    residual = np.zeros((64, 64, 3), np.float32)
    residual[inside] = -0.9
    change = FaceWarp(motion, residual, np.full((64, 64, 3), 0.8, np.float32), *overpainted_nowhere(64))

    def dark(change: FaceWarp) -> np.ndarray:
        return np.flatnonzero((warp_field(change.crop, change.motion) + change.residual).mean(axis=(1, 2)) < 0.3)

    partly, fully = dark(change.at_intensity(intensity)), dark(change)
    assert (np.diff(partly) == 1).all(), "dark all through"
    assert abs(len(partly) - intensity * len(fully)) <= 2


@settings(max_examples=30, deadline=None)
@given(intensity=st.floats(0, 1.5), seed=st.integers(0, 100))
def test_what_moves_alike_everywhere_moves_in_proportion(intensity, seed):
    rng = np.random.default_rng(seed)
    motion = np.broadcast_to(rng.uniform(-5, 5, 2), (32, 32, 2)).astype(np.float32)
    residual = np.broadcast_to(rng.uniform(-1, 1, 3), (32, 32, 3)).astype(np.float32)
    change = FaceWarp(motion, residual, np.zeros((32, 32, 3), np.float32), *overpainted_nowhere(32))
    at_intensity = change.at_intensity(intensity)
    np.testing.assert_allclose(at_intensity.motion, intensity * motion, atol=1e-5)
    np.testing.assert_allclose(at_intensity.residual, intensity * residual, atol=1e-5)
    assert at_intensity.motion.dtype == at_intensity.residual.dtype == np.float32
    assert not change.at_intensity(0.0).motion.any()
    assert change.at_intensity(1.0) is change
    with pytest.warns(FutureWarning, match="now FaceWarp.at_intensity"):
        assert change.scaled(1.0) is change


def test_a_region_is_limited_by_the_attention_map():
    crop, motion = np.full((64, 64, 3), 128, np.uint8), np.zeros((64, 64, 2), np.float32)
    residual = np.full((64, 64, 3), 0.5, np.float32)
    attention = np.zeros((16, 16), np.float32)
    attention[8:] = 0.9
    limited = plan_warp(
        crop, residual, motion, "motion", np.ones((4, 4)), attention, expression=ANY_EXPRESSION
    ).residual
    whole = plan_warp(crop, residual, motion, "motion", None, attention, expression=ANY_EXPRESSION).residual
    middle, pad = limited.shape[1] // 2, (limited.shape[0] - 64) // 2
    assert np.abs(limited[pad + 16, middle]).max() == 0
    assert limited[pad + 48, middle] == pytest.approx(whole[pad + 48, middle], abs=1e-3)
    assert whole[pad + 16, middle].min() > 0.2
