"""The mouth at a finer scale: where a refiner paints, where it must not, and how it is trained and found."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from sargan_hf import EXPRESSIONS, SARGAN, SARGANPipeline
from sargan_hf.editing.apply import apply_warp
from sargan_hf.editing.change import plan_warp
from sargan_hf.editing.mouth_refiner import mouth_transform
from sargan_hf.errors import ConfigurationError
from sargan_hf.faces.alignment import canonical_transform, crop_face
from sargan_hf.inference import GeneratorOutput

HAPPY = np.eye(len(EXPRESSIONS), dtype=np.float32)[EXPRESSIONS.index("happy")]


class RedPaint:
    """A refiner whose work is easy to see."""

    expressions = EXPRESSIONS
    sample_size = 64

    def __init__(self):
        self.calls = []

    def __call__(self, crops: np.ndarray, expression: np.ndarray) -> GeneratorOutput:
        self.calls.append((crops, expression))
        red = np.zeros_like(crops)
        red[:, 0] = 0.5
        return GeneratorOutput(red, None, None, expression)


@pytest.fixture
def astronaut() -> np.ndarray:
    return data.astronaut()


@pytest.fixture
def pipes(tiny_model_folder) -> tuple[SARGANPipeline, SARGANPipeline, RedPaint]:
    """The same model without and with a refiner."""
    plain = SARGANPipeline.from_pretrained(str(tiny_model_folder))
    paint = RedPaint()
    return plain, SARGANPipeline(plain.generator, mouth=paint), paint


def pixels(output) -> np.ndarray:
    return np.asarray(output.images[0]).astype(int)


def test_only_the_mouth_is_painted(pipes, astronaut):
    plain, refined, paint = pipes
    before, output = plain(astronaut, "happy"), refined(astronaut, "happy")
    painted = np.abs(pixels(output) - pixels(before)).max(axis=2) > 0
    rows, columns = np.nonzero(painted)
    _, _, _, right_corner, left_corner = output.faces[0].points
    assert rows.min() > output.faces[0].points[:2, 1].max() + 10  # below the eyes
    assert columns.min() < right_corner[0] < left_corner[0] < columns.max()
    left, top, right, bottom = output.faces[0].region
    assert left <= columns.min() <= columns.max() < right
    assert top <= rows.min() <= rows.max() < bottom
    crops, expression = paint.calls[-1]
    assert crops.shape == (1, 3, 64, 64)
    assert expression.argmax() == EXPRESSIONS.index("happy")


def test_intensity_zero_is_the_identity_and_faint_edits_are_painted_faintly(pipes, astronaut):
    _, refined, _ = pipes
    assert np.array_equal(pixels(refined(astronaut, "happy", intensity=0)), astronaut)
    plain = pipes[0]

    def paint_at(intensity):
        return np.abs(
            pixels(refined(astronaut, "happy", intensity=intensity))
            - pixels(plain(astronaut, "happy", intensity=intensity))
        ).sum()

    assert 0 <= paint_at(0.02) < 0.3 * paint_at(1.0)


def test_a_refiner_that_speckles_paints_no_speckles(pipes, astronaut):
    """Brightness is as fine as the refiner painted it; colours are broad, or teeth would shimmer like oil."""

    class Speckles(RedPaint):
        def __call__(self, crops, expression):
            random = np.random.default_rng(0)
            speckles = random.normal(0, 0.2, crops.shape).astype(np.float32)
            return GeneratorOutput(speckles, None, None, expression)

    plain = pipes[0]
    refined = SARGANPipeline(plain.generator, mouth=Speckles())
    output = refined(astronaut, "happy")
    painted = pixels(output) - pixels(plain(astronaut, "happy"))
    left, top, right, bottom = output.faces[0].region
    painted = painted[top:bottom, left:right].astype(float)
    light = painted @ [0.299, 0.587, 0.114]
    colour = painted - light[..., None]
    assert np.abs(np.diff(light, axis=1)).max() > 5
    assert np.diff(colour, axis=1).std() < 0.2 * np.diff(light, axis=1).std()


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "I;16"])
def test_every_mode_is_kept_and_grey_stays_grey(pipes, astronaut, mode):
    _, refined, paint = pipes
    grey = Image.fromarray(astronaut).convert("L")
    image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
    result = refined(image, "happy").images[0]
    assert paint.calls
    assert result.mode == mode
    values = np.asarray(result)
    if mode == "RGBA":
        assert np.array_equal(values[..., 0], values[..., 2])
    if mode in ("LA", "RGBA"):
        assert np.array_equal(values[..., -1], np.asarray(image)[..., -1])


def test_a_face_no_larger_than_the_models_crop_is_left_to_the_model(tiny_model_folder, astronaut):
    paint = RedPaint()
    refined = SARGANPipeline(SARGANPipeline.from_pretrained(str(tiny_model_folder)).generator, mouth=paint)
    refined(Image.fromarray(astronaut).resize((160, 160)), "happy")
    assert not paint.calls


def test_with_the_eyes_alone_the_mouth_stays(pipes, astronaut):
    plain, refined, _ = pipes
    before, output = plain(astronaut, "happy", region="eyes"), refined(astronaut, "happy", region="eyes")
    nose_tip = int(output.faces[0].points[2, 1])
    assert np.array_equal(pixels(before)[nose_tip:], pixels(output)[nose_tip:])


def test_a_refiner_of_other_expressions_is_refused(tiny_model_folder):
    plain = SARGANPipeline.from_pretrained(str(tiny_model_folder))
    with pytest.raises(ConfigurationError, match="same expressions"):
        SARGANPipeline(plain.generator, mouth=SARGAN(base_channels=8, expressions=("sad", "happy")))


def test_the_patch_lies_over_the_mouth_and_shows_it_larger():
    picture = np.zeros((600, 600, 3), np.uint8)
    points = np.array([[220, 200], [380, 200], [300, 280], [240, 363], [360, 363]], np.float64)
    picture[361:366, 238:363] = 255  # a line between the lips
    transform = canonical_transform(points, 128)
    patch = crop_face(picture, mouth_transform(transform, 128, 128), 128)
    rows, columns = np.nonzero(patch[..., 0] > 128)
    assert 40 < rows.mean() < 60
    assert columns.mean() == pytest.approx(63.5, abs=1)
    assert 2.0 < np.ptp(columns) / np.ptp(np.nonzero(crop_face(picture, transform, 128)[..., 0] > 64)[1]) < 2.4


SMOOTH_CHEEKS = np.s_[
    520:630
]  # rows of a picture of 1,024: grain of cheeks would be added to the mouth (see test_grain.py)


def test_a_drawn_out_seam_is_no_comb_of_streaks():
    """The line between the lips, drawn out over an opening mouth, must not show its grain as streaks."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (1024, 1024, 1), dtype=np.uint8).repeat(3, axis=2)
    picture[SMOOTH_CHEEKS] = 128
    side = 128
    transform = np.array([[side / 1024, 0, 0.5 * side / 1024 - 0.5], [0, side / 1024, 0.5 * side / 1024 - 0.5]])
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    inside = np.exp(-((((xs - 64) / 20) ** 2 + ((ys - 92) / 12) ** 2) ** 3))
    motion = np.stack([0 * ys, inside * (92 - ys) * (2 / side)], axis=-1)  # everything is fetched from one row
    crop, residual = crop_face(picture, transform, side), np.zeros((side, side, 3), np.float32)
    change = plan_warp(crop, residual, motion, "motion", expression=HAPPY)
    pixels = picture.copy()
    apply_warp(pixels, transform, side, change)
    opening = pixels[712:760, 480:544, 0].astype(float)
    grain = picture[712:760, 480:544, 0].astype(float)
    assert np.diff(opening, axis=1).std() < 0.2 * np.diff(grain, axis=1).std()


@pytest.mark.parametrize(("paint", "grain_left"), [(1.0, (0, 0.2)), (0.15, (0.8, 1.2))], ids=["over teeth", "a fold"])
@pytest.mark.parametrize("intensity", [1.0, 0.5])
def test_what_is_painted_over_shows_no_more_and_skin_under_a_fold_does(paint, grain_left, intensity):
    """Teeth that the network painted over at its own size left the fine gaps between them in the picture."""
    rng = np.random.default_rng(0)
    picture = np.clip(rng.normal(200, 25, (1024, 1024, 1)), 0, 255).astype(np.uint8).repeat(3, axis=2)
    picture[SMOOTH_CHEEKS] = 200
    side = 128
    transform = np.array([[side / 1024, 0, 0.5 * side / 1024 - 0.5], [0, side / 1024, 0.5 * side / 1024 - 0.5]])
    crop = crop_face(picture, transform, side)
    residual = np.zeros((side, side, 3), np.float32)
    residual[85:100, 50:78] = paint * (-0.9 - (crop[85:100, 50:78] / 127.5 - 1))
    pixels = picture.copy()
    change = plan_warp(crop, residual, np.zeros((side, side, 2), np.float32), "motion", expression=HAPPY)
    apply_warp(pixels, transform, side, change.at_intensity(intensity))
    inside = np.s_[704:776, 424:600, 0]
    left = np.diff(pixels[inside].astype(float), axis=1).std() / np.diff(picture[inside].astype(float), axis=1).std()
    assert grain_left[0] <= left <= grain_left[1]
    assert pixels[inside].mean() < picture[inside].mean() - 10 * intensity
    assert np.array_equal(pixels[:600], picture[:600])


def test_hair_and_hats_stay_while_a_chin_may_drop():
    side = 128
    crop = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
    motion = np.full((side, side, 2), 0.05, np.float32)
    weight = plan_warp(crop, np.zeros((side, side, 3), np.float32), motion, "motion", expression=HAPPY).weight
    pad = (weight.shape[0] - side) // 2
    top, chin = weight[: pad + 2], weight[-pad - 4 : -pad, weight.shape[1] // 2]
    assert top.max() < 0.02
    assert chin.min() > 0.95


def test_a_mouth_that_controls_alone_moved_is_refined(astronaut):
    """It has no class, so the refiner is asked with zeros."""
    torch.manual_seed(0)
    model = SARGAN(base_channels=8, motion=True, attention_channels=8, sample_size=64, controls=["jaw_open"])
    paint = RedPaint()
    refined = SARGANPipeline(model, mouth=paint)(astronaut, controls={"jaw_open": 1})
    plain = SARGANPipeline(model)(astronaut, controls={"jaw_open": 1})
    [(_, asked)] = paint.calls
    assert not asked.any()
    assert (pixels(refined) != pixels(plain)).any()


def test_the_training_set_of_a_refiner_trains_one_that_the_pipeline_finds(
    tiny_model_folder, expression_folder, astronaut, tmp_path
):
    def sargan(*arguments: object) -> None:
        command = [sys.executable, "-m", "sargan_hf.cli", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]

    sargan("mouths", expression_folder, tmp_path / "set", "--model", tiny_model_folder)
    folder = tmp_path / "model"
    shutil.copytree(tiny_model_folder, folder)
    settings = {"train_data_dir": tmp_path / "set", "output_dir": tmp_path / "run", "resolution": 64}
    settings |= {"base_channels": 8, "max_train_steps": 3, "train_batch_size": 2, "report_to": "none"}
    settings |= {"discriminator_channels": 8, "validation_steps": 2, "held_out": 0.2, "dataloader_num_workers": 0}
    sargan("train", *(word for name, value in settings.items() for word in (f"--{name}", value)))
    samples = Image.open(max((tmp_path / "run" / "samples").iterdir()))
    assert samples.width == 64 * len(EXPRESSIONS)
    assert samples.height % (3 * 64) == 0  # before, after, truth
    SARGAN.from_pretrained(tmp_path / "run").save_pretrained(folder / "mouth")
    pipe = SARGANPipeline.from_pretrained(str(folder))
    assert pipe.mouth.sample_size == 64
    pipe(astronaut, "surprised")


def test_an_export_brings_the_refiner_along(tiny_model_folder, astronaut, tmp_path):
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "model"
    shutil.copytree(tiny_model_folder, folder)
    SARGAN(base_channels=8, attention_channels=8, sample_size=64).save_pretrained(folder / "mouth")
    done = subprocess.run(
        [sys.executable, "-m", "sargan_hf.cli", "export", folder, tmp_path / "out"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    by_torch = SARGANPipeline.from_pretrained(str(folder))
    by_onnx = SARGANPipeline.from_pretrained(str(tmp_path / "out"), backend="onnx")
    assert by_onnx.mouth is not None
    edits = [pixels(pipe(astronaut, "happy")) for pipe in (by_torch, by_onnx)]
    assert np.abs(edits[0] - edits[1]).max() <= 2
