"""What the rig paints is made of the picture's own stuff: its tint, sharpness, grain, light; and what it leaves alone."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("numba")

from sargan_hf.controls import controls_vector
from sargan_hf.images.color_modes import LUMA
from sargan_hf.rig.face_model.mesh import DRAWN_VERTICES
from sargan_hf.rig.face_model.model import Part
from sargan_hf.rig.portraits.reader import PortraitReader, fit_portrait, reduced_portrait
from sargan_hf.rig.rendering.background_swap import with_backdrop
from sargan_hf.rig.rendering.material import read_material
from sargan_hf.rig.rendering.pose import pose_face
from sargan_hf.rig.rendering.recipes import commonest, default_recipes
from sargan_hf.rig.rendering.shading import lit
from sargan_hf.rig.rendering.stage import Stage
from sargan_hf.rig.rendering.variation import Light, Variation

SIZE = 160
BACKDROP = ((225.0, 190.0, 120.0), (60.0, 110.0, 190.0))


@pytest.fixture(scope="module")
def portrait(assets):
    """A photograph at the size of the pictures: what is done to it shows in them."""
    path = sorted((assets / "portraits" / "neutral").glob("london_*.jpg"))[0]
    whole = PortraitReader().read(path)
    scale = SIZE / 256 * 64 / whole.landmarks.inter_ocular_distance
    matrix = np.array([[scale, 0, 0], [0, scale, 0]])
    small = cv2.resize(whole.picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return reduced_portrait(small, whole.landmarks.transformed(matrix), None, path.stem)


@pytest.fixture(scope="module")
def stage_of(model, portrait):
    """A stage for the portrait with another picture of the same face."""

    def stage_of(picture: np.ndarray | None = None, variation: Variation | None = None) -> Stage:
        face = fit_portrait(model, portrait)
        if picture is not None:
            face = replace(face, picture=np.clip(picture, 0, 255).astype(np.uint8))
        return Stage(face, model, variation or Variation(), SIZE)

    return stage_of


def shown(stage: Stage, expression: str) -> tuple[np.ndarray, np.ndarray]:
    """The picture of an expression, float32 [S, S, 3], and bool [S, S], well inside of the mouth."""
    shot = stage.shot(stage.weights(commonest(expression, default_recipes())))
    inside = cv2.erode(shot.mouth.astype(np.uint8), np.ones((9, 9), np.uint8))
    return stage.render(shot).astype(np.float32), inside[::2, ::2] > 0


@pytest.mark.parametrize("tint", [(1.0, 1.0, 1.0), (1.0, 0.8, 0.55), (0.75, 0.9, 1.0)])
@pytest.mark.parametrize("expression", ["surprised", "happy", "angry"])
def test_one_tint_stays_one_tint(stage_of, portrait, tint, expression):
    grey = cv2.cvtColor(portrait.picture, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
    stage = stage_of(grey * np.array(tint))
    assert stage.material.one_tint
    picture, inside = shown(stage, expression)
    mouth = picture[inside]
    wanted = mouth[:, :1] / tint[0] * np.array(tint)
    assert np.abs(mouth - wanted).max() < 9


def test_a_photograph_in_colour_is_not_of_one_tint(stage_of):
    stage = stage_of()
    assert stage.material.colourful == 1.0
    picture, inside = shown(stage, "surprised")
    assert picture[inside][:, 0].mean() > 1.2 * picture[inside][:, 1].mean(), "the mouth is red"


@pytest.mark.parametrize("sigma", [1.5, 2.5])
def test_the_blur_of_a_picture_is_measured(stage_of, portrait, sigma):
    assert stage_of().material.blur < 0.6
    stage = stage_of(cv2.GaussianBlur(portrait.picture, (0, 0), sigma).astype(np.float32))
    # The crop of SIZE pixels shows the portrait at nearly its own size.
    scale = SIZE * 0.25 / portrait.landmarks.inter_ocular_distance
    assert stage.material.blur == pytest.approx(sigma * scale, rel=0.35)


def test_a_mouth_is_as_sharp_as_the_picture(stage_of, portrait):
    def steepest(stage):
        picture, inside = shown(stage, "angry")
        luminance = picture.mean(axis=2)
        slope = np.hypot(cv2.Sobel(luminance, cv2.CV_32F, 1, 0), cv2.Sobel(luminance, cv2.CV_32F, 0, 1)) / 8
        near = cv2.dilate(inside.astype(np.uint8), np.ones((11, 11), np.uint8)) > 0
        eyes = slice(int(0.3 * SIZE), int(0.45 * SIZE)), slice(int(0.3 * SIZE), int(0.7 * SIZE))
        return np.percentile(slope[near], 98), np.percentile(slope[eyes], 98)

    sharp_mouth, sharp_eyes = steepest(stage_of())
    soft_mouth, soft_eyes = steepest(stage_of(cv2.GaussianBlur(portrait.picture, (0, 0), 2.5).astype(np.float32)))
    assert soft_mouth < 0.6 * sharp_mouth
    assert 0.4 < (soft_mouth / sharp_mouth) / (soft_eyes / sharp_eyes) < 2.5


def test_a_grainy_picture_gets_a_grainy_mouth(stage_of, portrait):
    noise = np.random.default_rng(0).normal(0, 18, portrait.picture.shape[:2])[..., None]
    clean, inside = shown(stage_of(), "surprised")
    grainy, _ = shown(stage_of(portrait.picture + noise), "surprised")

    added = (grainy - clean).mean(axis=2)
    added -= cv2.GaussianBlur(added, (0, 0), 2.0)
    forehead = added[int(0.22 * SIZE) : int(0.28 * SIZE), int(0.42 * SIZE) : int(0.58 * SIZE)]
    assert 0.25 * forehead.std() < added[inside].std() < 1.5 * forehead.std(), "darks hold less grain than lights"


def test_the_mouth_lies_in_the_shadow_that_its_half_of_the_face_lies_in(stage_of, portrait):
    across = np.linspace(-1, 1, portrait.picture.shape[1])[None, :, None]
    middle = portrait.landmarks.nose_base[1, 0] / portrait.picture.shape[1] * 2 - 1
    shadow = np.clip(1 - 6 * (across - middle), 0.3, 1)
    lit_evenly, inside = shown(stage_of(), "angry")
    half_lit, _ = shown(stage_of(portrait.picture * shadow), "angry")
    ratio = half_lit.mean(axis=2) / np.maximum(lit_evenly.mean(axis=2), 1)
    rows, columns = np.nonzero(inside)
    above = rows.min() - int(0.08 * SIZE)
    skin = np.median(ratio[above - 3 : above + 3], axis=0)
    left, right = (columns <= np.percentile(columns, 20)), (columns >= np.percentile(columns, 80))
    mouth = [np.median(ratio[rows[side], columns[side]]) for side in (left, right)]
    beside = [skin[columns[side]].mean() for side in (left, right)]
    assert beside[1] < 0.8 * beside[0]
    assert mouth[1] / mouth[0] < 1 - 0.5 * (1 - beside[1] / beside[0])


def test_the_hollow_of_a_turned_mouth_has_no_facets(stage_of):
    """Tongue, cheek and side teeth ended in hard edges beside a black wedge."""
    seen = 0
    for yaw in (-28.0, -20.0, 28.0):
        stage = stage_of(variation=Variation(yaw=yaw))
        shot = stage.shot_of(stage.movement(controls_vector({"jaw_open": 0.8})))
        luminance = stage.render(shot).astype(np.float32).mean(axis=2)
        lower = np.column_stack([stage.mouth.lower, np.zeros(DRAWN_VERTICES, np.float32)])
        assert lower.any()
        hollow = (shot.mouth & (shot.part != Part.TEETH)).astype(np.uint8)
        hollow = cv2.erode(hollow, np.ones((11, 11), np.uint8))[::2, ::2] > 0
        seen += hollow.sum()
        slope = np.hypot(cv2.Sobel(luminance, cv2.CV_32F, 1, 0), cv2.Sobel(luminance, cv2.CV_32F, 0, 1)) / 8
        assert slope[hollow].max() < 12
    assert seen > 20


def with_shut_eyes(portrait) -> np.ndarray:
    """The picture with lids drawn over its eyes, each with one dark line below."""
    picture, marks = portrait.picture.copy(), portrait.landmarks
    for upper, lower in (
        (marks.right_upper_lid, marks.right_lower_lid),
        (marks.left_upper_lid, marks.left_lower_lid),
    ):
        width = np.ptp(upper[:, 0])
        middle = (upper[2] + lower[2]) / 2
        x, y = np.round(middle - np.array([0, 0.55 * width])).astype(int)
        axes = int(0.62 * width), int(0.33 * width)
        cv2.ellipse(picture, tuple(middle.astype(int).tolist()), axes, 0, 0, 360, picture[y, x].tolist(), -1)
        cv2.polylines(picture, [np.round(lower).astype(np.int32)], False, (60, 40, 35), 2, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), 0.7)


def test_shut_eyes_stay_shut(stage_of, portrait):
    assert not stage_of().eyes_shut
    stage = stage_of(with_shut_eyes(portrait).astype(np.float32), Variation(gaze=(12.0, 0.0)))
    assert stage.eyes_shut
    rest = stage.render(stage.neutral).astype(np.float32)
    surprised, _ = shown(stage, "surprised")
    eyes = np.zeros((SIZE, SIZE), np.uint8)
    for opening in (stage.posed.landmarks.right_eye_opening, stage.posed.landmarks.left_eye_opening):
        points = (opening - stage.posed.margin) / stage.supersample
        cv2.fillPoly(eyes, [np.round(points).astype(np.int32)], 1)
    darkest = [np.percentile(picture.mean(axis=2)[eyes > 0], 2) for picture in (rest, surprised)]
    assert darkest[1] > darkest[0] - 12, "no iris is cut into the lids"
    assert np.abs(surprised - rest)[eyes > 0].mean() < 14


def test_a_backdrop_is_refused_where_it_would_run_into_the_face(stage_of, portrait):
    posed = stage_of().posed
    changed, reason = with_backdrop(posed, BACKDROP)
    assert reason == ""
    assert np.abs(changed.astype(float) - posed.texture).mean() > 10
    x, y = posed.landmarks.cheeks[0].astype(int)
    stone = posed.texture[y, x].astype(np.float32)
    texture = (stone + 0.1 * (posed.texture - stone)).astype(np.uint8)
    same, reason = with_backdrop(replace(posed, texture=texture), BACKDROP)
    assert "colour" in reason
    assert np.array_equal(same, texture)


def test_a_new_light_never_burns_out(stage_of, portrait):
    colours = np.random.default_rng(0).uniform(0, 255, (20, 20, 3)).astype(np.float32)
    brighter = lit(colours, np.full((20, 20), 1.5, np.float32))
    assert brighter.max() < 255
    assert (brighter >= colours).all()
    np.testing.assert_allclose(lit(colours, np.full((20, 20), 0.5, np.float32)), 0.5 * colours)
    light = Light(np.array([0.8, 0.2, 0.56], np.float32), 0.8)
    assert stage_of(variation=Variation(light=light)).light_refused == ""
    pale = stage_of(0.15 * portrait.picture + 217.0, Variation(light=light))
    assert "white" in pale.light_refused
    assert (pale.light == 1).all()


def test_grain_is_the_same_for_the_same_seed(model, portrait):
    posed = pose_face(fit_portrait(model, portrait), stage_mesh(model), Variation(), SIZE, 2)
    first, again, other = (read_material(posed, 2, seed).grain for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def stage_mesh(model):
    from sargan_hf.rig.face_model.mesh import rig_mesh

    return rig_mesh(model)


@pytest.mark.parametrize("tint", [(1.0, 1.0, 1.0), (1.0, 0.8, 0.55)])
def test_sculpture_with_carved_irises_shows_no_teeth_where_the_rig_is_told_what_it_is(stage_of, portrait, tint):
    """Ten of 43 statues have irises, so that they were taken for prints of a living face."""
    stone = (portrait.picture.astype(np.float32) @ LUMA)[..., None] * np.array(tint, np.float32)
    taken, told = (stage_of(stone, Variation(carved=carved)) for carved in (False, True))
    assert not taken.mouth.carved
    assert told.mouth.carved
    recipe = commonest("angry", default_recipes())
    opened, shut = (stage.shot(stage.weights(recipe)) for stage in (taken, told))
    assert opened.mouth.sum() > 4 * shut.mouth.sum()
    # A photograph among them is flesh.
    assert not stage_of(None, Variation(carved=True)).mouth.carved
