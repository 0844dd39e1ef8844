"""Colours of what is painted: those of the face it is painted into."""

import numpy as np

from sargan_hf.editing.color_match import match_crop_colors
from sargan_hf.images.color_modes import LUMA
from sargan_hf.images.normalize import normalize


def test_no_hue_is_painted_that_the_face_does_not_hold():
    random = np.random.default_rng(0)
    face = random.integers(60, 200, (64, 64, 1)) * np.array([1.0, 0.75, 0.4])  # under a yellowed varnish,
    face[::7] *= [1.0, 0.8, 0.9]  # with a little of another hue
    face = face.astype(np.uint8)
    start = normalize(face)
    white_teeth = np.zeros_like(start)
    white_teeth[40:50, 20:44] = 0.9 - start[40:50, 20:44]

    residual = match_crop_colors(face, start, white_teeth)
    teeth = (start + residual)[40:50, 20:44]
    assert (teeth[..., 0] - teeth[..., 2]).min() > 0.1  # warm, like everything there
    np.testing.assert_allclose(teeth @ LUMA, 0.9, atol=0.01)  # and as light as painted
    assert np.abs(residual[:30]).max() < 1e-5


def test_the_dark_of_a_mouth_takes_the_hue_of_the_faces_shadows():
    random = np.random.default_rng(0)
    face = random.integers(140, 200, (64, 64, 1)) * np.array([1.0, 0.85, 0.4])  # yellow skin
    face[36:40] = random.integers(40, 60, (4, 64, 1)) * np.array([1.0, 0.6, 0.5])  # with brown shadows
    face = face.astype(np.uint8)
    start = normalize(face)
    cavity = np.zeros_like(start)
    cavity[44:50, 24:40] = normalize([55, 50, 25]) - start[44:50, 24:40]  # dark yellow is olive

    painted = (start + match_crop_colors(face, start, cavity))[44:50, 24:40] / 2 + 0.5
    assert (painted[..., 1] / painted[..., 0]).mean() < 0.75  # 0.91 as painted, 0.6 in the shadows


def test_teeth_on_a_pink_face_are_not_mint():
    random = np.random.default_rng(0)
    face = (random.integers(120, 200, (64, 64, 1)) * np.array([1.0, 0.78, 0.7])).astype(np.uint8)
    face[20:26, 20:30] = [200, 205, 205]  # the white of an eye
    start = normalize(face)
    teeth = np.zeros_like(start)
    teeth[44:50, 24:40] = normalize([205, 217, 199]) - start[44:50, 24:40]
    painted = (start + match_crop_colors(face, start, teeth))[44:50, 24:40]
    assert (painted[..., 1] < painted[..., 0]).all()


def test_a_shadow_on_skin_is_no_grey_smudge():
    random = np.random.default_rng(0)
    face = np.broadcast_to(random.integers(190, 215, (64, 64, 1)) * np.array([1.0, 0.82, 0.73]), (64, 64, 3)).copy()
    face[50:54] = random.integers(130, 160, (4, 64, 1)) * np.array([1.0, 0.7, 0.55])  # its own shadows are warmer
    face[:12] = random.integers(60, 90, (12, 64, 1)) * np.array([0.5, 0.8, 1.0])  # under a blue hat
    face = face.astype(np.uint8)
    start = normalize(face)
    fold = np.zeros_like(start)
    fold[36:42, 14:22] = normalize([176, 158, 152]) - start[36:42, 14:22]
    skin = np.ones((64, 64), np.float32)

    def warmth(residual):
        shown = ((start + residual)[36:42, 14:22] + 1) / 2
        return (shown[..., 2] / shown[..., 0]).mean()

    assert warmth(fold) > 0.85  # as painted
    assert warmth(match_crop_colors(face, start, fold, skin)) < 0.73  # the skin's own is 0.73, the shadows' 0.55
    light = (start + match_crop_colors(face, start, fold, skin))[36:42, 14:22] @ LUMA
    np.testing.assert_allclose(light, (start + fold)[36:42, 14:22] @ LUMA, atol=0.01)
