"""Eyes that move in stone, and in pictures that are not sharp."""

import cv2
import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="the rig's extra is not installed: pip install -e .[rig]")

from sargan_hf.controls import controls_vector
from sargan_hf.rig.portraits.reader import PortraitReader, fit_portrait
from sargan_hf.rig.rendering.eye_blend import EYES
from sargan_hf.rig.rendering.flow_tracer import MotionTracer
from sargan_hf.rig.rendering.recipes import commonest, default_recipes
from sargan_hf.rig.rendering.stage import Stage
from sargan_hf.rig.rendering.variation import Variation

WIDE = {"eye_wide_left": 1, "eye_wide_right": 1}


@pytest.fixture(scope="module")
def statue(assets, model):
    path = next((assets / "sculpture").glob("*_0914.jpg"), None)
    if path is None:
        pytest.skip("The sculptures are not here.")
    return Stage(fit_portrait(model, PortraitReader().read(path)), model, Variation(), 256)


def grain(picture: np.ndarray, where: np.ndarray) -> float:
    fine = picture - cv2.GaussianBlur(picture, (0, 0), 2.0)
    return float(fine[where].std())


def test_eyes_of_stone_that_widen_stay_stone(statue):
    """They were painted anew, as flat discs without any grain."""
    assert statue.blank_eyes
    shot = statue.shot_of(statue.movement(controls_vector(WIDE)))
    before, after = (statue.render(each).astype(np.float32).mean(axis=2) for each in (statue.neutral, shot))
    eyes = [
        cv2.erode(np.isin(each.part, EYES).astype(np.uint8), np.ones((9, 9)))[::2, ::2] > 0
        for each in (statue.neutral, shot)
    ]
    assert eyes[1].sum() > 1.15 * eyes[0].sum(), "they are wider"
    assert grain(after, eyes[1]) > 0.75 * grain(before, eyes[0])
    assert after[eyes[1]].mean() == pytest.approx(before[eyes[0]].mean(), rel=0.1)
    _, _, valid = MotionTracer(statue).trace(shot)
    assert not valid[eyes[1]].any(), "how they stretch is not claimed to be known"


def test_eyes_without_an_iris_do_not_turn(statue):
    turned = statue.shot_of(statue.movement(controls_vector({"gaze_x": 1})))
    assert np.array_equal(statue.render(turned), statue.render(statue.neutral))


def test_a_shut_lid_is_no_sharper_than_the_picture(assets, model):
    path = assets / "portraits" / "neutral" / "london_001.jpg"
    portrait = PortraitReader().read(path)
    iod = portrait.landmarks.inter_ocular_distance
    steepest = {}
    for share in (0.0, 0.03):
        picture = cv2.GaussianBlur(portrait.picture, (0, 0), share * iod) if share else portrait.picture
        face = fit_portrait(model, portrait.__class__(picture, portrait.landmarks, None, "blurred"))
        stage = Stage(face, model, Variation(), 256)
        shut = stage.render(stage.shot_of(stage.movement(controls_vector(dict.fromkeys(WIDE, -1)))))
        eyes = shut[70:130].astype(np.float32).mean(axis=2)
        steepest[share] = np.abs(np.diff(eyes, axis=0)).max()
    assert steepest[0.03] < 0.4 * steepest[0.0]


@pytest.mark.parametrize("name", ["london_014", "london_121"])  # wide eyes, and lids that cover much of the iris
def test_fear_widens_eyes_but_shows_little_white_above_the_iris(assets, model, name):
    """Irises stood free in a broad ring of invented white."""
    path = assets / "portraits" / "neutral" / f"{name}.jpg"
    stage = Stage(fit_portrait(model, PortraitReader().read(path)), model, Variation(), 128)
    moved = stage.shot(stage.weights(commonest("afraid", default_recipes()))).deformation.photo
    for side, iris in (("R", stage.posed.landmarks.right_iris), ("L", stage.posed.landmarks.left_iris)):
        lid = stage.mesh.model.upper_lid_paths[side]
        neutral, afraid = (np.interp(iris[:, 0].mean(), *at[np.argsort(at[:, 0])].T) for at in _lids(stage, moved, lid))
        diameter = np.ptp(iris[:, 0])
        white = iris[:, 1].mean() - diameter / 2 - afraid
        assert neutral - afraid > 0.15 * diameter, "they are wider"
        assert white < 0.25 * diameter


def _lids(stage, moved, lid):
    return [photo[lid, :2] for photo in (stage.posed.photo, moved)]
