"""Mouths that the rig opens: their edges, and the skin beside them."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="the rig's extra is not installed: pip install -e .[rig]")

from sargan_hf.controls import controls_vector
from sargan_hf.images.color_modes import LUMA
from sargan_hf.rig.face_model.mesh import SKIN
from sargan_hf.rig.portraits.reader import PortraitReader, fit_portrait
from sargan_hf.rig.rendering.deform import sample_weights
from sargan_hf.rig.rendering.mouth_blend import smooth_opening
from sargan_hf.rig.rendering.recipes import commonest, default_recipes
from sargan_hf.rig.rendering.stage import Stage
from sargan_hf.rig.rendering.variation import TeethLook, Variation

TURNED = "pg30314-img-014"  # the far corner of its mouth is folded under itself
WAVY = "pg10477-illus0363-0_2614"  # carved: the line between its lips has the shape of an M, in a beard
CANVAS = "pg30316-img-014-1_0213"  # enlarged three times, with the threads of its canvas


@pytest.fixture(scope="module")
def turned(assets, model):
    return stage_of(assets, model, "paintings", TURNED, 192)


def stage_of(assets, model, folder, name, size, variation=None):
    path = next((assets / folder).glob(f"*{name}*"), None)
    if path is None:
        pytest.skip(f"The {folder} are not here.")
    return Stage(fit_portrait(model, PortraitReader().read(path)), model, variation or Variation(), size)


def shot(stage, expression):
    return stage.shot(stage.weights(commonest(expression, default_recipes())))


def test_thin_corners_of_a_mouth_stay_and_round_ones_stay_round():
    rows, columns = np.mgrid[:320, :320].astype(float)
    thin = np.abs(rows - 200) < 6 * (1 - np.abs(columns - 160) / 60)
    round_ = np.hypot(rows - 200, columns - 160) < 30
    for inside in (thin, round_):
        opening = smooth_opening(inside, 0.0)
        cover = np.zeros(inside.shape)
        cover[opening.window] = opening.cover
        ends = np.flatnonzero(inside.any(axis=0))[[0, -1]]
        shown = np.flatnonzero((cover > 0.5).any(axis=0))[[0, -1]]
        assert np.abs(shown - ends).max() <= 3
        assert cover.sum() == pytest.approx(inside.sum(), rel=0.06)


def test_the_steps_of_a_polygon_are_smoothed():
    rows, columns = np.mgrid[:320, :320].astype(float)
    stepped = (np.abs(columns - 160) < 50) & (np.abs(rows - 200) < np.where(columns % 8 < 4, 15, 17))
    opening = smooth_opening(stepped, 0.0)
    height = opening.cover.sum(axis=0)
    middle = height[len(height) // 2 - 30 : len(height) // 2 + 30]
    assert np.ptp(middle) < 1.5, "steps of 4 pixels are gone"


def test_a_round_hole_is_no_heart_and_no_box():
    """The bow of the upper lip cut a notch into it, and the corners of the lips stood out as points."""
    rows, columns = np.mgrid[:320, :320].astype(float)
    across = (columns - 160) / 60
    above = 160 + 8 * np.cos(6 * across)
    below = 160 + 80 * np.clip(1 - across**2, 0, 1) ** 0.65
    heart = (np.abs(across) < 1) & (rows > above) & (rows < below)
    opening = smooth_opening(heart, 0.0)
    shape = (opening.cover > 0.5).astype(np.uint8)
    outline = max(cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], key=len)
    assert shape.sum() > 0.97 * cv2.contourArea(cv2.convexHull(outline))
    (_, (width, height), _) = cv2.minAreaRect(outline)
    assert shape.sum() < 0.86 * width * height, "a box fills 1, an ellipse 0.79"
    assert shape.sum() == pytest.approx(heart.sum(), rel=0.1)


def test_a_carved_mouth_is_a_hollow_without_a_plug(assets, model):
    """Teeth of stone were a grey slab in it, or a second lip."""
    stage = stage_of(assets, model, "sculpture", WAVY, 256)
    assert stage.mouth.carved
    seen = shot(stage, "surprised")
    inside = cv2.erode(seen.mouth[::2, ::2].astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
    light = stage.render(seen).astype(np.float32) @ LUMA
    assert light[inside].max() < 0.5 * stage.mouth.cheek


def test_a_carved_hollow_has_a_floor_and_is_no_darker_than_the_face(assets, model):
    """Of one dark tone, it was a black disc."""
    stage = stage_of(assets, model, "sculpture", WAVY, 256)
    seen = shot(stage, "surprised")
    light = stage.render(seen).astype(np.float32) @ LUMA
    inside = seen.mouth[::2, ::2]
    rows, middle = np.flatnonzero(inside.any(axis=1)), int(np.flatnonzero(inside.any(axis=0)).mean())
    down = light[rows[0] : rows[-1] + 1, middle - 4 : middle + 5].mean(axis=1)
    upper, floor = down[len(down) // 4], down[3 * len(down) // 4]
    assert down.min() > 0.9 * stage.material.deepest
    assert down.argmin() < len(down) / 2, "darkest under the upper lip"
    assert floor > 1.2 * upper
    assert floor < 0.6 * stage.mouth.cheek, "no plug"


def test_a_carved_mouth_opens_less_than_that_of_flesh(assets, model):
    stage = stage_of(assets, model, "sculpture", WAVY, 192)
    carved = shot(stage, "surprised").mouth.any(axis=1).sum()
    flesh = sample_weights(commonest("surprised", default_recipes()), stage.mesh, 1.0, None)
    assert carved < 0.9 * stage.shot(flesh).mouth.any(axis=1).sum()


def test_carved_anger_keeps_the_lips_together_and_lowers_the_brows(assets, model):
    """Of 58 carved shouts, a strict eye called 41 broken."""
    stage = stage_of(assets, model, "sculpture", WAVY, 192)
    anger = commonest("angry", default_recipes())
    assert stage.shot(stage.weights(anger)).mouth.any(axis=1).sum() < 0.02 * 384
    assert controls_vector({"brow_inner_up": 1}) @ stage.controls_of(stage.weights(anger)) < -0.3


def test_a_jaw_that_opens_cuts_no_cheek(turned):
    """Lips that part as asked are left as the jaw moves them: one vertex moved by itself tears a vertical line."""
    movement = turned.movement(controls_vector({"jaw_open": 1}))
    moved = turned.shot_of(movement).deformation.photo
    freely = turned.shot(movement.weights).deformation.photo
    assert np.abs(moved - freely)[SKIN, 1].max() < 0.006 * turned.posed.side


def test_a_mouth_that_only_the_jaw_opens_shows_teeth_a_throat_and_a_tongue(assets, model):
    """Evenly coloured, it looked plugged."""
    path = assets / "portraits" / "neutral" / "london_129.jpg"
    stage = Stage(fit_portrait(model, PortraitReader().read(path)), model, Variation(), 256)
    shot = stage.shot_of(stage.movement(controls_vector({"jaw_open": 1})))
    inside = shot.mouth[::2, ::2]
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    middle = (columns[0] + columns[-1]) // 2
    down = stage.render(shot)[rows[0] : rows[-1] + 1, middle - 3 : middle + 4].astype(float).mean(axis=(1, 2))
    teeth, throat, tongue = (part.mean() for part in np.array_split(down[2:-3], [len(down) // 5, -len(down) // 3]))
    assert teeth > 2 * down.min()
    assert tongue > 1.3 * down[len(down) // 4 : len(down) // 2].min()
    assert throat < min(teeth, tongue)


@pytest.mark.parametrize("name", ["london_144", "canada_151m", "london_016.jpg", "canada_129m"])
def test_teeth_have_the_tint_of_real_ones(assets, model, name):
    """Nine in ten real smiles show teeth with a Lab b of 2.8 to 7.6, and a below 0.55 of the cheeks'; the rig's had 8 to 19."""
    yellow = Variation(teeth=TeethLook(yellowness=0.4))
    stage = stage_of(assets, model, "portraits/neutral", name, 256, yellow)
    seen = shot(stage, "happy")
    mouth = stage.render(seen)[seen.mouth[::2, ::2]]
    lab = cv2.cvtColor(np.float32(mouth)[None] / 255, cv2.COLOR_RGB2LAB)[0]
    tint = np.median(lab[lab[:, 0] >= np.percentile(lab[:, 0], 60)], axis=0)
    cheek = np.array([[stage.posed.texture[int(y), int(x)] for x, y in stage.posed.landmarks.cheeks]], np.float32) / 255
    red = cv2.cvtColor(cheek, cv2.COLOR_RGB2LAB)[0, :, 1].mean()
    assert 2 < tint[2] < 11
    assert 0 < tint[1] < 0.6 * red


def test_teeth_are_not_green_in_yellow_varnish(assets, model):
    """On Botticelli's young man they were mint: (212, 222, 138)."""
    stage = stage_of(assets, model, "paintings", "pg29532-plate03-0_1880", 192)
    red, green, blue = stage.mouth.teeth
    assert red > green > blue


@pytest.mark.parametrize(("expression", "fullest"), [("surprised", 0.68), ("angry", 0.76)])
def test_an_opened_mouth_has_no_beak(assets, model, expression, fullest):
    """Half-way to the corners the lower lip hangs about as deep as a parabola (0.75); it was 0.59 and 0.71."""
    stage = stage_of(assets, model, "sculpture", WAVY, 256)
    flesh = sample_weights(commonest(expression, default_recipes()), stage.mesh, 1.0, None)  # stone opens less
    mouth = stage.shot(flesh).mouth
    columns = np.flatnonzero(mouth.any(axis=0))
    lower = len(mouth) - mouth[::-1, columns].argmax(axis=0)
    along = np.linspace(-1, 1, len(columns))
    depth = lower - np.interp(along, [-1, 1], lower[[0, -1]])
    assert np.interp([-0.5, 0.5], along, depth).mean() > fullest * depth.max()


def test_shut_lips_keep_their_line(assets, model):
    """Only lips that part are drawn taut."""
    stage = stage_of(assets, model, "sculpture", WAVY, 192)
    moved = stage.shot(stage.weights(commonest("sad", default_recipes()))).deformation
    seen = (moved.model - stage.posed.model) @ stage.posed.axes.T
    down = -seen[SKIN, 1] * stage.posed.pixels_per_unit[SKIN]
    lips = stage.mesh.lip_region[SKIN]
    assert np.abs(moved.photo[SKIN, 1] - stage.posed.photo[SKIN, 1] - down)[lips].max() < 0.1


def test_no_streaks_hang_from_opened_lips(assets, model):
    """What a shut mouth shows of the lips is little, and drawn out it was a fringe of streaks."""
    face = fit_portrait(model, PortraitReader().read(assets / "portraits" / "neutral" / "london_129.jpg"))
    across = np.arange(face.picture.shape[1]) / face.inter_ocular_distance
    stripes = 30 * np.sign(np.sin(2 * np.pi * across / 0.06))[:, None]
    striped = np.clip(face.picture + stripes, 0, 255).astype(np.uint8)
    pictures = []
    for picture in (face.picture, striped):
        stage = Stage(replace(face, picture=picture), model, Variation(), 256)
        seen = shot(stage, "angry")
        pictures.append(stage.render(seen).astype(np.float32) @ LUMA)
    mouth = seen.mouth[::2, ::2]
    columns = np.flatnonzero(mouth.any(axis=0))
    columns = columns[len(columns) // 5 : -(len(columns) // 5)]
    edge = len(mouth) - mouth[::-1].argmax(axis=0)
    shown = pictures[1] - pictures[0]
    rim, chin = (np.array([shown[edge[x] + a : edge[x] + b, x].mean() for x in columns]) for a, b in ((2, 5), (22, 30)))
    assert rim.std() < 0.6 * chin.std()


def test_an_enlarged_picture_is_no_sharper_than_its_pixels(assets, model):
    """The threads of a canvas passed for sharp edges, and a razor-sharp mouth was cut into the paint."""
    stage = stage_of(assets, model, "paintings", CANVAS, 384)
    assert stage.posed.enlargement > 2.5
    assert stage.material.blur > 1.0
    seen = shot(stage, "surprised")
    luminance = stage.render(seen).astype(np.float32) @ LUMA
    opening = seen.mouth[::2, ::2]
    middle = int(np.flatnonzero(opening.any(axis=0)).mean())
    last = np.flatnonzero(opening[:, middle])[-1]
    down = luminance[last - 12 : last + 13, middle - 8 : middle + 9].mean(axis=1)
    assert np.abs(np.diff(down)).max() < 0.3 * np.ptp(down)
