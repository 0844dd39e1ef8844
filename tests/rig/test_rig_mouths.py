"""Mouths that the rig opens: their edges, and the skin beside them."""

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="the rig's extra is not installed: pip install -e .[rig]")

from sargan_hf.controls import controls_vector
from sargan_hf.rig.face_model.mesh import SKIN
from sargan_hf.rig.portraits.reader import PortraitReader, fit_portrait
from sargan_hf.rig.rendering.mouth_blend import smooth_opening
from sargan_hf.rig.rendering.stage import Stage
from sargan_hf.rig.rendering.variation import Variation

TURNED = "pg30314-img-014"  # the far corner of its mouth is folded under itself


@pytest.fixture(scope="module")
def turned(assets, model):
    path = next((assets / "paintings").glob(f"*{TURNED}*"), None)
    if path is None:
        pytest.skip("The paintings are not here.")
    return Stage(fit_portrait(model, PortraitReader().read(path)), model, Variation(), 192)


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
