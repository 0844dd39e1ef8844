"""A real smile among the rendered pictures of the same person."""

import cv2
import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="the rig's extra is not installed: pip install -e .[rig]")

from sargan_hf.data.photograph_rows import PHOTOGRAPH
from sargan_hf.errors import RigError
from sargan_hf.rig.face_model.mesh import rig_mesh
from sargan_hf.rig.face_model.model import MOUTH_CORNERS
from sargan_hf.rig.landmarks.landmark_types import five_points
from sargan_hf.rig.portraits.reader import fit_portrait, read_picture
from sargan_hf.rig.rendering.downsample import crop_matrix, cut_out
from sargan_hf.rig.rendering.photo_overlay import register_photograph
from sargan_hf.rig.rendering.recipes import commonest, default_recipes
from sargan_hf.rig.rendering.render import render_expression, render_set
from sargan_hf.rig.rendering.variation import RenderOptions, Variation

SIZE = 128
LAUGHING, CLOSED, FAINT = "london_002", "london_011", "london_003"


def photographed(assets, reader, name):
    neutral = reader.read(assets / "portraits" / "neutral" / f"{name}.jpg")
    return neutral, *reader.find_pair(neutral, read_picture(assets / "portraits" / "smiling" / f"{name}.jpg"))


def tied(model, neutral, at_rest, expressing):
    face = fit_portrait(model, neutral)
    return face, register_photograph(model, face, at_rest, expressing, commonest("happy", default_recipes()))


@pytest.fixture(scope="module")
def laughing(assets, model, reader):
    neutral, at_rest, expressing = photographed(assets, reader, LAUGHING)
    face, real = tied(model, neutral, at_rest, expressing)
    options = RenderOptions.plain(motion=True)
    return expressing, real, render_set(face, model, seed=1, size=SIZE, options=options, real=real)


def test_the_photograph_comes_last_beside_the_rigs_own_smile(laughing):
    _, real, pictures = laughing
    assert [picture.expression for picture in pictures].count("happy") == 2
    assert pictures[-1].recipe == PHOTOGRAPH
    assert 0.2 < pictures[-1].intensity == real.intensity < 1.2


def test_the_mouth_is_the_photographs_and_all_around_the_face_stays(laughing):
    expressing, _, pictures = laughing
    shown, neutral = (pictures[i].image.astype(np.float32) for i in (-1, 0))
    border = np.ones((SIZE, SIZE), bool)
    border[SIZE // 5 : -SIZE // 8, SIZE // 5 : -SIZE // 5] = False
    assert np.abs(shown - neutral)[border].mean() < 1

    # Crops of both photographs differ by a little scale and shift, so the mouth is looked for in the smiling one.
    matrix = crop_matrix(five_points(expressing.landmarks), SIZE, Variation())
    photograph = cut_out(expressing.picture, matrix, SIZE)
    rows, columns = slice(int(0.62 * SIZE), int(0.76 * SIZE)), slice(int(0.36 * SIZE), int(0.64 * SIZE))
    found = [
        cv2.matchTemplate(photograph, picture.image[rows, columns], cv2.TM_CCOEFF_NORMED).max()
        for picture in (pictures[-1], pictures[0])
    ]
    assert found[0] > 0.9 > 0.75 > found[1]


def test_its_motion_leads_back_to_the_neutral_picture(laughing):
    smile, neutral = laughing[2][-1], laughing[2][0]
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    back = cv2.remap(
        neutral.image, x + smile.motion_backward[..., 0], y + smile.motion_backward[..., 1], cv2.INTER_LINEAR
    )
    apart = [np.abs(picture.astype(int) - smile.image).mean(axis=2) for picture in (back, neutral.image)]
    changed = smile.motion_valid & (apart[1] > 20)
    assert changed.sum() > 100
    assert apart[0][changed].mean() < 0.75 * apart[1][changed].mean()
    # No neutral picture holds the teeth.
    # Beside them the motion is not claimed to be known.
    mouth = ~smile.motion_valid[int(0.62 * SIZE) : int(0.76 * SIZE), int(0.36 * SIZE) : int(0.64 * SIZE)]
    assert mouth.mean() > 0.15


def test_a_smile_with_closed_lips_opens_no_mouth(assets, model, reader):
    _, real = tied(model, *photographed(assets, reader, CLOSED))
    mesh = rig_mesh(model).model
    upper, lower = mesh.upper_lip_path[1:-1], mesh.lower_lip_path[1:-1]
    opened = real.delta[upper, 1].mean() - real.delta[lower, 1].mean()
    width = np.ptp(mesh.mean[list(MOUTH_CORNERS), 0])
    assert opened < 0.02 * width


def test_a_smile_that_is_hardly_there_is_refused(assets, model, reader):
    with pytest.raises(RigError, match=r"happy at 0\.0\d of the rig's"):
        tied(model, *photographed(assets, reader, FAINT))


def test_heads_that_are_turned_apart_are_refused(assets, model, reader):
    neutral, _, _ = photographed(assets, reader, FAINT)
    turned = render_turned(model, fit_portrait(model, neutral))
    with pytest.raises(RigError, match=r"turned \d+ degrees away"):
        tied(model, neutral, *reader.find_pair(neutral, turned))


def render_turned(model, face):
    return render_expression(face, model, "neutral", size=400, variation=Variation(yaw=28.0)).image
