"""The pipeline on real photographs, with a real generator."""

import cv2
import numpy as np
import pytest
import torch
from matplotlib import cbook
from PIL import Image
from skimage import data

from sargan_hf import SARGAN, SARGANPipeline
from sargan_hf.errors import ConfigurationError, ExpressionError, NoFaceError

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


def test_a_model_without_motion_goes_through_optical_flow(astronaut, tmp_path):
    torch.manual_seed(0)
    model = SARGAN(base_channels=8, attention_channels=8, sample_size=64)
    pipe = SARGANPipeline(model)
    for transfer in ("motion", "residual", "paste"):
        output = pipe(astronaut, "happy", transfer=transfer)
        assert output.faces[0].motion is None
        assert not np.array_equal(np.asarray(output.images[0]), astronaut)


def test_a_region_limits_where_the_edit_acts(pipe, hopper):
    face = pipe.open(hopper).find_faces()[0]
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


def test_a_pipeline_is_saved_and_loaded_with_both_its_models(pipe, tiny_model_folder, astronaut, tmp_path):
    torch.manual_seed(2)
    mouth = SARGAN(base_channels=8, attention_channels=8, sample_size=64)
    both = SARGANPipeline(SARGAN.from_pretrained(tiny_model_folder), mouth)
    both.save_pretrained(tmp_path)
    again = SARGANPipeline.from_pretrained(str(tmp_path))
    large = cv2.resize(astronaut, (1024, 1024))
    expected = np.asarray(both(large, "happy").images[0])
    assert np.array_equal(np.asarray(again(large, "happy").images[0]), expected)
    assert not np.array_equal(np.asarray(pipe(large, "happy").images[0]), expected)  # the mouth is refined


def test_a_pipeline_moves_to_a_device(tiny_model_folder, astronaut):
    pipe = SARGANPipeline.from_pretrained(str(tiny_model_folder))
    expected = np.asarray(pipe(astronaut, "happy").images[0])
    assert pipe.device == "cpu"
    assert pipe.to("cpu") is pipe
    assert np.array_equal(np.asarray(pipe(astronaut, "happy").images[0]), expected)
    pipe.to("meta")  # a device without memory, which is there on every machine
    assert pipe.device == "meta"


def test_what_needs_torch_says_so(pipe):
    class Other:
        expressions, sample_size = pipe.generator.expressions, 64

    with pytest.raises(ConfigurationError, match="needs a model that runs on torch; got Other"):
        SARGANPipeline(Other()).to("cpu")
    with pytest.raises(ConfigurationError, match="backend='torch'"):
        SARGANPipeline(Other()).save_pretrained("anywhere")
