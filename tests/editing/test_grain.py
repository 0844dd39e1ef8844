"""What a network paints has the grain of the picture it is painted into."""

import numpy as np
import pytest

from sargan_hf.editing.apply import apply_warp
from sargan_hf.editing.change import FaceWarp
from sargan_hf.editing.grain import CHEEKS, SQUARE, Grain
from sargan_hf.editing.masks import spread_pixels
from sargan_hf.images.warp import CropFlow

SIDE, PIXEL = 64, 8  # a crop of 64 pixels, each 8 of the picture
PAD = spread_pixels(SIDE)
TRANSFORM = np.array([[1 / PIXEL, 0, 0.5 / PIXEL - 0.5], [0, 1 / PIXEL, 0.5 / PIXEL - 0.5]])
WHOLE = SIDE * PIXEL
MOUTH = slice(round(0.72 * WHOLE), round(0.84 * WHOLE)), slice(round(0.42 * WHOLE), round(0.58 * WHOLE))


def face(strength: float) -> np.ndarray:
    """A skin-coloured picture of the size of the crop with noise of a standard deviation."""
    noise = np.random.default_rng(0).normal(0, strength, (WHOLE, WHOLE, 1))
    return np.clip(np.rint(np.array([200, 150, 130]) + noise), 0, 255).astype(np.uint8)


def cheek(number: int) -> tuple[slice, slice]:
    across, down = (round(place * WHOLE) for place in CHEEKS[number])
    half = round(SQUARE * WHOLE / 2)
    return slice(down - half, down + half), slice(across - half, across + half)


def painted_mouth(level: float = 0.7, *, pasted: bool = False) -> FaceWarp:
    """Replaces a face's mouth by one of a single grey, and moves nothing."""
    wide = SIDE + 2 * PAD
    mouth = np.zeros((wide, wide), np.float32)
    mouth[PAD + 44 : PAD + 56, PAD + 24 : PAD + 40] = 1
    crop = np.full((wide, wide, 3), level, np.float32)
    still = CropFlow(np.zeros((wide, wide, 2), np.float32))
    return FaceWarp(still, np.zeros_like(crop), crop, mouth, mouth, np.ones(1, np.float32), pasted)


def edited(picture: np.ndarray, warp: FaceWarp, transform: np.ndarray = TRANSFORM) -> np.ndarray:
    result = picture.copy()
    apply_warp(result, transform, SIDE, warp)
    return result


def tile_of(picture: np.ndarray, transform: np.ndarray = TRANSFORM) -> np.ndarray:
    grain = Grain.of(picture, transform, SIDE)
    assert grain is not None
    return grain.tile


def fine(pixels: np.ndarray) -> float:
    """How much neighbouring pixels differ."""
    return float(np.diff(pixels.astype(float), axis=0).std())


@pytest.mark.parametrize("strength", [4, 12])
def test_a_painted_mouth_is_as_grainy_as_a_cheek(strength):
    picture = face(strength)
    result = edited(picture, painted_mouth())
    assert fine(edited(picture, painted_mouth(pasted=True))[MOUTH]) < 0.1 * strength, "a mode for comparison"
    assert 0.6 < fine(result[MOUTH]) / fine(picture[cheek(0)]) < 1.1
    assert result[MOUTH].mean() == pytest.approx(0.7 * 255, abs=1)
    assert np.ptp(result[MOUTH].astype(int), axis=2).max() == 0, "brightness, not colour"


def test_the_dark_of_a_mouth_has_less_of_it():
    dark, light = (fine(edited(face(8), painted_mouth(level))[MOUTH]) for level in (0.2, 0.7))
    assert 0.4 < dark / light < 0.8


def test_a_smooth_picture_stays_smooth():
    assert fine(edited(face(0), painted_mouth())[MOUTH]) == 0


def test_nothing_else_changes():
    picture = face(8)
    warp = painted_mouth()
    elsewhere = np.ones(picture.shape[:2], bool)
    elsewhere[43 * PIXEL : 57 * PIXEL, 23 * PIXEL : 41 * PIXEL] = False
    assert (edited(picture, warp) == picture)[elsewhere].all()
    assert (edited(picture, warp.at_intensity(0.0)) == picture).all()


def test_a_hair_on_the_cheeks_is_no_line_in_the_mouth():
    picture = face(6)
    for number in (0, 1):
        rows, columns = cheek(number)
        middle = (rows.start + rows.stop) // 2
        picture[middle - 1 : middle + 2, columns.start - 9 : columns.stop + 9] -= 80
    tile = tile_of(picture)
    of_a_line = np.abs(tile.mean(axis=1)).max() / tile.std()
    assert of_a_line < 5 / np.sqrt(len(tile)), "rows are what means of so many pixels without order are"
    assert tile.std() == pytest.approx(tile_of(face(6)).std(), rel=0.25)


def test_a_line_drawn_on_flat_cheeks_is_no_grain():
    picture = face(0)
    for number in (0, 1):
        rows, columns = cheek(number)
        picture[rows.start + 20 : rows.start + 23, columns] = 0
    assert fine(edited(picture, painted_mouth())[MOUTH]) == 0


def test_the_tile_has_no_seam():
    tile = tile_of(face(8))
    for axis in (0, 1):
        steps = np.abs(np.diff(np.concatenate([tile, tile], axis=axis), axis=axis)).mean(axis=1 - axis)
        assert steps[len(tile) - 1] < 1.6 * np.median(steps)


def test_grain_stays_where_it_is_when_the_face_is_found_a_little_beside():
    """Else an animation, and the page and Python, would show other grain."""
    beside = TRANSFORM + np.array([[0, 0, 1.0 / PIXEL], [0, 0, 0.0]])
    one, other = (tile_of(face(8), transform) for transform in (TRANSFORM, beside))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("kind", ["grey", "grey with alpha", "alpha", "16 bits"])
def test_pictures_of_every_kind(kind):
    picture = face(8)
    grey = picture[..., 1]
    alpha = np.random.default_rng(1).integers(0, 256, grey.shape, dtype=np.uint8)
    pixels = {
        "grey": grey,
        "grey with alpha": np.dstack([grey, alpha]),
        "alpha": np.dstack([picture, alpha]),
        "16 bits": grey.astype(np.uint16) * 257,
    }[kind]
    result = edited(pixels, painted_mouth())
    colour, before = (each if each.ndim == 2 else each[..., 0] for each in (result, pixels))
    assert 0.6 < fine(colour[MOUTH]) / fine(before[cheek(0)]) < 1.1
    if "alpha" in kind:
        assert (result[..., -1] == alpha).all()


def test_a_face_without_pixels_or_without_a_cheek_in_the_picture_has_none():
    picture = face(8)
    assert Grain.of(picture, TRANSFORM * PIXEL, SIDE) is None
    cut_off = picture[WHOLE * 6 // 10 :]  # above the mouth
    below = TRANSFORM + np.array([[0, 0, 0], [0, 0, (WHOLE - len(cut_off)) / PIXEL]])
    assert Grain.of(cut_off, below, SIDE) is None
    assert (edited(cut_off, painted_mouth(), below) == edited(cut_off, painted_mouth(pasted=True), below)).all()
    assert Grain.of(picture[:, : WHOLE // 2], TRANSFORM, SIDE) is not None, "one cheek is enough"
