"""Faces and the pipeline: real photographs, a real generator, and motions made by hand where the answer must be known."""

import cv2
import numpy as np
import pytest
from drawing import opening_mouth
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import cbook
from PIL import Image
from skimage import data

from sargan_hf import SARGAN, SARGANPipeline
from sargan_hf.editing.apply import apply_warp
from sargan_hf.editing.change import FaceWarp, plan_warp
from sargan_hf.editing.color_match import match_crop_colors
from sargan_hf.errors import ConfigurationError, ExpressionError, NoFaceError
from sargan_hf.faces.alignment import EYES_CENTRE, canonical_transform, crop_face
from sargan_hf.faces.detection import FaceDetector
from sargan_hf.images import load_image
from sargan_hf.images.color_modes import LUMA
from sargan_hf.images.warp import warp_field

ANY_EXPRESSION = np.ones(1, np.float32)


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return data.astronaut()


@pytest.fixture(scope="module")
def hopper() -> Image.Image:
    return Image.open(cbook.get_sample_data("grace_hopper.jpg"))


@pytest.fixture(scope="module")
def pipe(tiny_model_folder) -> SARGANPipeline:
    return SARGANPipeline.from_pretrained(str(tiny_model_folder))


def test_three_lines_edit_a_photograph(pipe, hopper, tmp_path):
    output = pipe(hopper, expression="happy", intensity=0.8)
    output.images[0].save(tmp_path / "happy.png")
    saved = Image.open(tmp_path / "happy.png")
    assert saved.size == hopper.size
    face = output.faces[0]
    left, top, right, bottom = face.region
    changed = np.abs(np.asarray(saved, int) - np.asarray(hopper, int)).max(axis=2) > 0
    assert changed[top:bottom, left:right].any()
    changed[top:bottom, left:right] = False
    assert not changed.any()
    assert face.residual.shape == (64, 64, 3)
    assert face.motion.shape == (64, 64, 2)
    assert face.attention.shape == (16, 16)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_intensity_zero_is_the_identity_bit_for_bit(pipe, astronaut, mode):
    grey = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)
    image = (
        Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(astronaut).convert(mode)
    )
    result = pipe(image, "surprised", intensity=0).images[0]
    assert result.mode == mode
    assert np.array_equal(np.asarray(result), np.asarray(image))


@pytest.mark.parametrize("intensity", [1.0, 0.7])
@pytest.mark.parametrize("tint", [(1.0, 0.8, 0.55), (0.6, 0.75, 1.0)])
def test_a_picture_of_one_tint_keeps_it(pipe, astronaut, tint, intensity):
    light = Image.fromarray(astronaut).convert("L")
    sepia = np.asarray(light, np.float32)[..., None] * np.float32(tint)
    picture = Image.fromarray(sepia.round().astype(np.uint8))
    edited = np.asarray(pipe(picture, "happy", intensity=intensity).images[0]).astype(float)
    changed = (np.abs(edited - sepia).max(axis=2) > 2) & (edited.max(axis=2) < 255)  # nothing is lighter than white
    assert changed.mean() > 0.005
    across = np.cross(edited, np.array(tint)) / np.linalg.norm(tint)  # 0 where a colour lies on the tint's line
    assert np.abs(across[changed]).max() < 4


def test_no_hue_is_painted_that_the_face_does_not_hold():
    random = np.random.default_rng(0)
    face = random.integers(60, 200, (64, 64, 1)) * np.array([1.0, 0.75, 0.4])  # under a yellowed varnish,
    face[::7] *= [1.0, 0.8, 0.9]  # with a little of another hue
    face = face.astype(np.uint8)
    start = face.astype(np.float32) / 127.5 - 1
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
    start = face.astype(np.float32) / 127.5 - 1
    cavity = np.zeros_like(start)
    cavity[44:50, 24:40] = np.float32([55, 50, 25]) / 127.5 - 1 - start[44:50, 24:40]  # dark yellow is olive

    painted = (start + match_crop_colors(face, start, cavity))[44:50, 24:40] / 2 + 0.5
    assert (painted[..., 1] / painted[..., 0]).mean() < 0.75  # .91 as painted, .6 in the shadows


def test_teeth_on_a_pink_face_are_not_mint():
    random = np.random.default_rng(0)
    face = (random.integers(120, 200, (64, 64, 1)) * np.array([1.0, 0.78, 0.7])).astype(np.uint8)
    face[20:26, 20:30] = [200, 205, 205]  # the white of an eye
    start = face.astype(np.float32) / 127.5 - 1
    teeth = np.zeros_like(start)
    teeth[44:50, 24:40] = np.float32([205, 217, 199]) / 127.5 - 1 - start[44:50, 24:40]
    painted = (start + match_crop_colors(face, start, teeth))[44:50, 24:40]
    assert (painted[..., 1] < painted[..., 0]).all()


def test_a_shadow_on_skin_is_no_grey_smudge():
    random = np.random.default_rng(0)
    face = np.broadcast_to(random.integers(190, 215, (64, 64, 1)) * np.array([1.0, 0.82, 0.73]), (64, 64, 3)).copy()
    face[50:54] = random.integers(130, 160, (4, 64, 1)) * np.array([1.0, 0.7, 0.55])  # its own shadows are warmer
    face[:12] = random.integers(60, 90, (12, 64, 1)) * np.array([0.5, 0.8, 1.0])  # under a blue hat
    face = face.astype(np.uint8)
    start = face.astype(np.float32) / 127.5 - 1
    fold = np.zeros_like(start)
    fold[36:42, 14:22] = np.float32([176, 158, 152]) / 127.5 - 1 - start[36:42, 14:22]
    skin = np.ones((64, 64), np.float32)

    def warmth(residual):
        shown = ((start + residual)[36:42, 14:22] + 1) / 2
        return (shown[..., 2] / shown[..., 0]).mean()

    assert warmth(fold) > 0.85  # as painted
    assert warmth(match_crop_colors(face, start, fold, skin)) < 0.73  # the skin's own is .73, the shadows' .55
    light = (start + match_crop_colors(face, start, fold, skin))[36:42, 14:22] @ LUMA
    np.testing.assert_allclose(light, (start + fold)[36:42, 14:22] @ LUMA, atol=0.01)


def test_alpha_survives_and_grey_stays_grey(pipe, astronaut):
    image = Image.fromarray(astronaut).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    result = pipe(image, "happy").images[0]
    assert np.array_equal(np.asarray(result)[..., 3], np.asarray(image)[..., 3])
    grey = Image.fromarray(astronaut).convert("L").convert("RGB")
    edited = np.asarray(pipe(grey, "happy").images[0]).astype(int)
    assert np.abs(edited - edited[..., :1]).max() <= 1


def test_lists_blends_and_choices_of_faces(pipe, astronaut):
    two = np.concatenate([astronaut[:300, 100:350], astronaut[:300, 100:350][:, ::-1]], axis=1)
    output = pipe(two, {"happy": 0.6, "surprised": 0.4}, faces="all")
    assert len(output.faces) == 2
    assert output.faces[0].expression.sum() == pytest.approx(1.0)
    each = pipe(two, ["happy", "sad"], faces="all")
    assert each.faces[0].expression.argmax() != each.faces[1].expression.argmax()
    only = pipe(two, "happy", faces=2)
    assert [face.box for face in only.faces] == [output.faces[1].box]
    with pytest.raises(NoFaceError, match="has 2 faces, numbered from 1, the largest first"):
        pipe(two, "happy", faces=5)
    assert [image.size for image in pipe([astronaut, two], "sad").images] == [(512, 512), (500, 300)]


def test_no_face_says_how_to_give_a_box(pipe):
    wall = (np.random.default_rng(0).random((200, 240, 3)) * 40 + 100).astype(np.uint8)
    with pytest.raises(NoFaceError, match=r"No face was found.*box=\(left, top, right, bottom\)"):
        pipe(wall, "happy")
    output = pipe(wall, "happy", box=(60, 40, 160, 170))
    assert output.faces[0].box == (60, 40, 160, 170)
    assert output.faces[0].score == 1.0


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"expression": "grumpy"}, ExpressionError),
        ({"expression": {"happy": -1}}, ExpressionError),
        ({"intensity": 3}, ConfigurationError),
        ({"intensity": float("nan")}, ConfigurationError),
        ({"intensity": "much"}, ConfigurationError),
        ({"box": (5, 5, 2, 2)}, ConfigurationError),
        ({"box": (-900, -900, -800, -800)}, NoFaceError),
        ({"points": [[1, 2]]}, ConfigurationError),
        ({"faces": "some"}, ConfigurationError),
        ({"transfer": "magic"}, ConfigurationError),
        ({"region": "ears"}, ConfigurationError),
    ],
)
def test_wrong_arguments_are_refused(pipe, astronaut, settings, error):
    with pytest.raises(error):
        pipe(astronaut, **settings)


@pytest.mark.parametrize("angle", [0, 90, 180, -40])
def test_turned_faces_are_found(astronaut, angle):
    matrix = cv2.getRotationMatrix2D((255.5, 255.5), angle, 0.7)
    turned = cv2.warpAffine(astronaut, matrix, (512, 512))
    upright = FaceDetector().find(astronaut)[0].points
    expected = upright @ matrix[:, :2].T + matrix[:, 2]
    found = FaceDetector().find(turned)[0]
    assert np.abs(found.points - expected).max() < 8
    assert found.tried


@pytest.mark.parametrize("size", [60, 3000])
def test_small_and_large_faces_are_found(astronaut, size):
    face = astronaut[:260, 110:370]
    resized = cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA if size < 260 else cv2.INTER_CUBIC)
    found = FaceDetector().find(resized)[0].points / size
    assert np.abs(found - FaceDetector().find(face)[0].points / 260).max() < 0.04


def test_canonical_crop_puts_eyes_where_training_has_them():
    points = np.array([[300, 200], [360, 230], [320, 260], [290, 280], [345, 305.0]])
    transform = canonical_transform(points, 128)
    eyes = cv2.transform(points[None], transform)[0][:2]
    assert eyes.mean(axis=0) == pytest.approx(np.array(EYES_CENTRE) * 128 - 0.5)
    assert eyes[0, 1] == pytest.approx(eyes[1, 1])
    assert eyes[1, 0] > eyes[0, 0]


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
    warp_field = picture[500:524, 516:540]
    assert np.abs(pixels[centre].astype(int) - warp_field).mean() < 3
    assert np.array_equal(pixels[:64], picture[:64])


def covered_nowhere(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight, covered places and condition of a change that acts everywhere, hides nothing and is of any expression."""
    return np.ones((size, size), np.float32), np.zeros((size, size), np.float32), ANY_EXPRESSION


@pytest.mark.parametrize("intensity", [0.25, 0.5, 0.75, 1.25])
def test_a_mouth_half_open_is_the_open_one_smaller(intensity):
    """Light lips; the seam that is drawn out between them is painted dark."""
    motion, inside = opening_mouth(side=64, half=8)
    residual = np.zeros((64, 64, 3), np.float32)
    residual[inside] = -0.9
    change = FaceWarp(motion, residual, np.full((64, 64, 3), 0.8, np.float32), *covered_nowhere(64))

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
    change = FaceWarp(motion, residual, np.zeros((32, 32, 3), np.float32), *covered_nowhere(32))
    at_intensity = change.at_intensity(intensity)
    np.testing.assert_allclose(at_intensity.motion, intensity * motion, atol=1e-5)
    np.testing.assert_allclose(at_intensity.residual, intensity * residual, atol=1e-5)
    assert at_intensity.motion.dtype == at_intensity.residual.dtype == np.float32
    assert not change.at_intensity(0.0).motion.any()
    assert change.at_intensity(1.0) is change


def test_a_model_without_motion_goes_through_optical_flow(astronaut, tmp_path):
    import torch

    torch.manual_seed(0)
    model = SARGAN(base_channels=8, attention_channels=8, sample_size=64)
    pipe = SARGANPipeline(model)
    for transfer in ("motion", "residual", "paste"):
        output = pipe(astronaut, "happy", transfer=transfer)
        assert output.faces[0].motion is None
        assert not np.array_equal(np.asarray(output.images[0]), astronaut)


def test_a_region_limits_where_the_edit_acts(pipe, hopper):
    picture = load_image(hopper)
    face = pipe.find_faces(picture)[0]
    whole = np.asarray(pipe(hopper, "surprised").images[0], int)
    mouth = np.asarray(pipe(hopper, "surprised", region="mouth").images[0], int)
    original = np.asarray(hopper, int)
    eyes_y = int(face.points[:2, 1].mean())
    assert np.abs(whole - original)[eyes_y - 10 : eyes_y + 10].sum() > 0
    assert np.abs(mouth - original)[eyes_y - 10 : eyes_y + 10].sum() == 0
    assert np.abs(mouth - original).sum() > 0


def changed_rows(after, before, face, height=10):
    """How many values differ around the eyes and around the mouth of a face."""
    differs = np.abs(np.asarray(after, int) - np.asarray(before, int))
    eyes, mouth = int(face.points[:2, 1].mean()), int(face.points[3:, 1].mean())
    return [np.count_nonzero(differs[y - height : y + height]) for y in (eyes, mouth)]


def test_eyes_and_hand_made_maps_limit_the_edit_too(pipe, hopper):
    eyes = pipe(hopper, "surprised", region="eyes")
    at_eyes, at_mouth = changed_rows(eyes.images[0], hopper, eyes.faces[0])
    assert at_eyes > 0
    assert at_mouth == 0
    lower_half = np.zeros((2, 2))
    lower_half[1] = 1
    drawn = pipe(hopper, "surprised", region=cv2.resize(lower_half, (64, 64), interpolation=cv2.INTER_NEAREST))
    at_eyes, at_mouth = changed_rows(drawn.images[0], hopper, drawn.faces[0])
    assert at_eyes == 0
    assert at_mouth > 0
    nowhere = pipe(hopper, "surprised", region=np.zeros((8, 8))).images[0]
    assert np.array_equal(np.asarray(nowhere), np.asarray(hopper))


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


def test_overlapping_faces_are_both_edited_and_nothing_else(pipe, astronaut):
    face = astronaut[:260, 110:370]
    close = np.concatenate([face[:, :190], face[:, 60:]], axis=1)  # the crops overlap, the faces do not
    output = pipe(close, "surprised", faces="all")
    assert len(output.faces) == 2
    (left, _, right, _), (other_left, _, other_right, _) = (edit.region for edit in output.faces)
    assert max(left, other_left) < min(right, other_right)
    differs = np.abs(np.asarray(output.images[0], int) - close).max(axis=2)
    boxes = [tuple(map(int, edit.box)) for edit in output.faces]
    assert all(differs[max(top, 0) : bottom, max(left, 0) : right].any() for left, top, right, bottom in boxes)
    for edit in output.faces:
        left, top, right, bottom = edit.region
        differs[top:bottom, left:right] = 0
    assert not differs.any()


@pytest.mark.parametrize("cut", ["left", "top", "bottom"])
def test_a_face_cut_by_the_border_is_edited(pipe, astronaut, cut):
    x, y = {"left": (190, 0), "top": (110, 70), "bottom": (110, 0)}[cut]
    picture = astronaut[y : 150 if cut == "bottom" else 260, x:370]
    output = pipe(picture, "surprised")
    left, top, right, bottom = output.faces[0].region
    assert 0 <= left < right <= picture.shape[1]
    assert 0 <= top < bottom <= picture.shape[0]
    assert np.asarray(output.images[0]).shape == picture.shape
    assert not np.array_equal(np.asarray(output.images[0]), picture)


@pytest.mark.parametrize("face_height", [20, 26, 40])
def test_every_tiny_face_of_a_group_photo_is_found_and_edited(pipe, astronaut, face_height):
    scale = face_height / 110  # the face in this part of the photograph is 110 pixels high
    small = cv2.resize(astronaut[:260, 110:370], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    group = np.full((1200, 1600, 3), 110, np.uint8)
    for y in (180, 540, 900):
        for x in (150, 550, 950, 1350):
            group[y : y + len(small), x : x + len(small)] = small
    output = pipe(group, "surprised", faces="all")
    assert len(output.faces) == 12
    heights = [edit.box[3] - edit.box[1] for edit in output.faces]
    assert heights == pytest.approx([face_height] * 12, rel=0.25)
    changed = np.abs(np.asarray(output.images[0], int) - group).max(axis=2)
    assert all(changed[int(e.box[1]) : int(e.box[3]), int(e.box[0]) : int(e.box[2])].any() for e in output.faces)


def test_threads_may_share_a_pipeline(pipe, astronaut, hopper):
    from concurrent.futures import ThreadPoolExecutor

    alone = [np.asarray(pipe(picture, "sad").images[0]) for picture in (astronaut, hopper)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda p: np.asarray(pipe(p, "sad").images[0]), [astronaut, hopper] * 3))
    for index, result in enumerate(together):
        assert np.array_equal(result, alone[index % 2])
