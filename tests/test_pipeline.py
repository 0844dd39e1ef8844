"""Faces and the pipeline: real photographs, a real generator, and motions made by hand where the answer must be known."""

import cv2
import numpy as np
import pytest
from matplotlib import cbook
from PIL import Image
from skimage import data

from sargan_hf import SARGAN, SARGANPipeline
from sargan_hf.errors import ConfigurationError, ExpressionError, NoFaceError
from sargan_hf.faces.alignment import EYES_CENTRE, canonical_transform, crop_face
from sargan_hf.faces.detection import FaceDetector
from sargan_hf.faces.transfer import apply_change, plan_change
from sargan_hf.pictures import open_picture


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
    only = pipe(two, "happy", faces=1)
    assert len(only.faces) == 1
    with pytest.raises(NoFaceError, match="numbered from 0"):
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
    apply_change(pixels, transform, size, plan_change(crop, np.zeros((size, size, 3), np.float32), motion, "motion"))
    centre = (slice(500, 524), slice(500, 524))
    moved = picture[500:524, 516:540]
    assert np.abs(pixels[centre].astype(int) - moved).mean() < 3
    assert np.array_equal(pixels[:64], picture[:64])


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
    picture = open_picture(hopper)
    face = pipe.find_faces(picture)[0]
    whole = np.asarray(pipe(hopper, "surprised").images[0], int)
    mouth = np.asarray(pipe(hopper, "surprised", region="mouth").images[0], int)
    original = np.asarray(hopper, int)
    eyes_y = int(face.points[:2, 1].mean())
    assert np.abs(whole - original)[eyes_y - 10 : eyes_y + 10].sum() > 0
    assert np.abs(mouth - original)[eyes_y - 10 : eyes_y + 10].sum() == 0
    assert np.abs(mouth - original).sum() > 0


def test_threads_may_share_a_pipeline(pipe, astronaut, hopper):
    from concurrent.futures import ThreadPoolExecutor

    alone = [np.asarray(pipe(picture, "sad").images[0]) for picture in (astronaut, hopper)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda p: np.asarray(pipe(p, "sad").images[0]), [astronaut, hopper] * 3))
    for index, result in enumerate(together):
        assert np.array_equal(result, alone[index % 2])
