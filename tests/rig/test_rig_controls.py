"""Controls in the rig: what its pictures show, and what its sets say of it."""

import hashlib
import shutil

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("ai_edge_litert", reason="the rig's extra is not installed: pip install -e .[rig]")

from sargan_hf import load_expression_dataset
from sargan_hf.commands.rig import rig_app
from sargan_hf.controls import CONTROL_NAMES, CONTROLS, controls_vector, mirrored_controls, named_controls
from sargan_hf.errors import ConfigurationError, ControlError, DatasetError
from sargan_hf.rig.face_model.model import Part
from sargan_hf.rig.portraits.reader import PortraitReader, fit_portrait
from sargan_hf.rig.rendering.control_draws import draw_controls
from sargan_hf.rig.rendering.flow_tracer import MotionTracer
from sargan_hf.rig.rendering.recipes import commonest, default_recipes
from sargan_hf.rig.rendering.render import render_expression, render_set
from sargan_hf.rig.rendering.stage import Stage
from sargan_hf.rig.rendering.variation import ControlShares, RenderOptions, Variation

SIZE = 128
EYES = slice(int(0.27 * SIZE), int(0.48 * SIZE))
MOUTH = slice(int(0.6 * SIZE), int(0.9 * SIZE))
LEFT, RIGHT = slice(SIZE // 2 + 6, None), slice(None, SIZE // 2 - 6)  # the subject's, in the picture


@pytest.fixture(scope="module")
def face(assets, model):
    return fit_portrait(model, PortraitReader().read(assets / "portraits" / "neutral" / "london_001.jpg"))


@pytest.fixture(scope="module")
def stage(face, model):
    return Stage(face, model, Variation(), SIZE)


def shot(stage, recipe=None, **controls):
    return stage.shot_of(stage.movement(controls_vector(controls), recipe))


def change(stage, **controls):
    """Mean change of each pixel of the neutral picture under controls."""
    moved = stage.render(shot(stage, **controls)).astype(float)
    return np.abs(moved - stage.render(stage.neutral)).mean(axis=2)


def opening(stage, seen, side):
    model = stage.mesh.model
    upper, lower = (seen.vertices[paths[side], :2] for paths in (model.upper_lid_paths, model.lower_lid_paths))
    middle = slice(len(upper) // 3, -(len(upper) // 3))
    return np.interp(upper[middle, 0], lower[:, 0], lower[:, 1]).mean() - upper[middle, 1].mean()


def inside_mouth(stage, seen):
    return int(seen.mouth.sum())


@pytest.mark.parametrize("variation", [Variation(), Variation(mirror=True, yaw=20.0, gaze=(8.0, 2.0))])
def test_all_zeros_are_the_neutral_picture_bit_for_bit(face, model, variation):
    stage = Stage(face, model, variation, SIZE)
    still = shot(stage)
    assert np.array_equal(stage.render(still), stage.render(stage.neutral))
    backward, forward, valid = MotionTracer(stage).trace(still)
    assert np.abs(backward[valid]).max() < 1e-4
    assert np.abs(forward).max() < 1e-4


def test_zero_on_a_recipe_is_that_recipe(face, model):
    plain = render_expression(face, model, "angry", size=SIZE).image
    assert np.array_equal(render_expression(face, model, "angry", size=SIZE, controls={}).image, plain)
    assert np.array_equal(render_expression(face, model, "angry", size=SIZE, controls={"jaw_open": 0}).image, plain)
    with pytest.raises(ControlError, match="jaw_open"):
        render_expression(face, model, "angry", size=SIZE, controls={"jaw_opened": 1})


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_every_control_shows_at_both_ends(stage, control):
    for value in {control.least, 1.0} - {0.0}:
        assert (change(stage, **{control.name: value}) > 12).sum() > 20


@pytest.mark.parametrize("name", ["eye_wide", "smile", "brow_outer_up"])
def test_one_side_moves_alone(stage, name):
    for value in (-1.0, 1.0):
        moved = change(stage, **{f"{name}_left": value})
        assert moved[:, LEFT].sum() > 4 * moved[:, RIGHT].sum()


@pytest.mark.parametrize(
    "controls", [{"eye_wide_left": -1.0}, {"smile_right": 1.0}, {"gaze_x": 1.0}, {"jaw_side": 1.0}]
)
def test_a_mirrored_picture_shows_the_controls_on_its_own_sides(face, model, stage, controls):
    mirrored = Stage(face, model, Variation(mirror=True), SIZE)
    swapped = mirrored.shot_of(mirrored.movement(mirrored_controls(controls_vector(controls))))
    assert np.array_equal(mirrored.render(swapped)[:, ::-1], stage.render(shot(stage, **controls)))


def test_a_shut_eye_is_shut_and_shows_no_second_one(stage):
    seen = shot(stage, eye_wide_left=-1.0)
    assert abs(opening(stage, seen, "L")) <= 0.05 * opening(stage, stage.neutral, "L")
    assert opening(stage, seen, "R") == pytest.approx(opening(stage, stage.neutral, "R"), rel=0.02)
    eyeball = np.isin(seen.part, (Part.LEFT_EYEBALL, Part.LEFT_EYE_SOCKET))
    assert eyeball.sum() <= 0.05 * np.isin(stage.neutral.part, (Part.LEFT_EYEBALL, Part.LEFT_EYE_SOCKET)).sum()
    # Neither the dark of the iris nor a light of the eye is left where the eye was.
    marks = (stage.posed.landmarks.left_iris - stage.posed.margin) / stage.supersample
    (left, top), (right, bottom) = marks.min(axis=0).astype(int), marks.max(axis=0).astype(int)
    iris = np.s_[top : bottom - (bottom - top) // 3, left:right]
    was, now = (stage.render(each).mean(axis=2)[iris] for each in (stage.neutral, seen))
    assert now.std() < 0.5 * was.std()
    assert now.mean() > was.mean() + 20


@pytest.mark.parametrize("side", ["left", "right"])
def test_lids_follow_their_value(stage, side):
    gaps = [
        opening(stage, shot(stage, **{f"eye_wide_{side}": value}), side[0].upper()) for value in np.linspace(-1, 1, 9)
    ]
    assert (np.diff(gaps) > 0).all()


def test_gaze_moves_the_iris_and_not_the_lids(stage):
    seen = shot(stage, gaze_x=1.0)
    assert opening(stage, seen, "L") == pytest.approx(opening(stage, stage.neutral, "L"), rel=1e-3)
    moved = stage.render(seen).astype(float) - stage.render(stage.neutral)
    assert np.abs(moved[MOUTH]).max() <= 1
    # To the subject's left: in the picture the dark of both irises goes right.
    for columns in (slice(int(0.3 * SIZE), int(0.45 * SIZE)), slice(int(0.55 * SIZE), int(0.7 * SIZE))):
        assert iris_column(stage.render(seen), columns) > iris_column(stage.render(stage.neutral), columns) + 1


def iris_column(picture, columns):
    dark = np.maximum(0, 90 - picture[EYES, columns].mean(axis=2))[4:-6].sum(axis=0)
    return (dark * np.arange(len(dark))).sum() / max(dark.sum(), 1e-6)


@pytest.mark.parametrize("name", ["snarling anger", "shouting anger", "sneer", "broad smile"])
def test_a_jaw_that_shuts_leaves_no_tooth(stage, name):
    recipe = next(recipe for recipe in default_recipes() if recipe.name == name)
    seen = [inside_mouth(stage, shot(stage, recipe, jaw_open=value)) for value in (0.0, -0.5, -1.0)]
    assert seen[0] > seen[1] > seen[2]
    closed = shot(stage, recipe, jaw_open=-1.0)
    assert not (closed.part == Part.TEETH).any()


@pytest.mark.parametrize("name", ["smile", "nose_sneer", "mouth_stretch", "mouth_pucker", "jaw_side", "chin_up"])
def test_what_opens_no_mouth_leaves_it_shut(stage, name):
    assert (
        inside_mouth(stage, shot(stage, **{name: 1.0}))
        <= inside_mouth(stage, stage.neutral) + 0.001 * stage.posed.side**2
    )


@pytest.mark.parametrize("controls", [{"smile": 1.0, "brow_inner_up": 1.0}, {"eye_wide_left": -1.0, "jaw_open": 0.7}])
def test_motion_is_exact_for_controls(stage, controls):
    seen = shot(stage, **controls)
    backward, _, valid = MotionTracer(stage).trace(seen)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    rest = stage.render(stage.neutral, shaded=False).astype(np.float32)
    moved = cv2.remap(rest, x + backward[..., 0], y + backward[..., 1], cv2.INTER_LINEAR)
    assert valid.mean() > 0.9
    assert np.abs(moved - stage.render(seen, shaded=False))[valid].mean() < 4
    assert np.abs(rest - stage.render(seen, shaded=False))[EYES.start : MOUTH.stop].mean() > 1


def test_the_skin_of_a_shut_lid_comes_from_above_the_eye(stage):
    seen = shot(stage, eye_wide_left=-1.0)
    backward, _, valid = MotionTracer(stage).trace(seen)
    neutral, shut = (stage.render(each).astype(np.float32) for each in (stage.neutral, seen))
    eye = (np.abs(shut - neutral).mean(axis=2) > 12) & (np.arange(SIZE) > SIZE // 2)
    eye = cv2.erode(eye.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    drawn = cv2.remap(neutral, x + backward[..., 0], y + backward[..., 1], cv2.INTER_LINEAR)
    assert valid[eye].mean() > 0.75  # all but a rim along the lower lid
    far = {name: np.abs(each - shut)[eye & valid].mean() for name, each in (("drawn", drawn), ("open", neutral))}
    assert far["drawn"] < 0.5 * far["open"]
    assert backward[eye & valid, 1].min() < -3


def test_the_skin_of_a_shut_lid_is_drawn_out_and_not_folded(stage):
    backward, _, valid = MotionTracer(stage).trace(shot(stage, eye_wide=-1.0))
    rows = np.arange(SIZE)[:, None] + backward[..., 1]
    known = valid[1:] & valid[:-1]
    known[: EYES.start], known[EYES.stop :] = False, False
    assert (np.diff(rows, axis=0)[known] > -0.5).mean() > 0.99
    brow = slice(int(0.2 * SIZE), int(0.27 * SIZE))
    assert np.abs(backward[brow]).max() < 0.4 * np.abs(backward[EYES][valid[EYES]]).max()


@pytest.mark.parametrize("name", [name for name in CONTROL_NAMES if not name.startswith(("gaze", "eye_wide"))])
def test_controls_are_read_back_off_the_shapes_they_move(stage, name):
    asked = controls_vector({name: 0.7})
    read = stage.controls_of(stage.movement(asked).weights)
    assert np.abs(read - asked).max() < 0.12


def test_a_recipe_reads_as_what_it_does(stage):
    read = named_controls(stage.controls_of(stage.weights(commonest("surprised", default_recipes()))))
    assert read["jaw_open"] > 0.5
    assert min(read["eye_wide_left"], read["eye_wide_right"]) > 0.3
    read = named_controls(stage.controls_of(stage.weights(commonest("happy", default_recipes()))))
    assert min(read["smile_left"], read["smile_right"]) > 0.8


def test_drawn_pictures_follow_the_seven_and_leave_them_alone(face, model):
    plain = render_set(face, model, seed=7, size=64, options=RenderOptions())
    drawn = render_set(face, model, seed=7, size=64, options=RenderOptions(controls=6))
    again = render_set(face, model, seed=7, size=64, options=RenderOptions(controls=6))
    assert [p.image.tobytes() for p in drawn[: len(plain)]] == [p.image.tobytes() for p in plain]
    assert [p.image.tobytes() for p in again] == [p.image.tobytes() for p in drawn]
    assert len(drawn) == len(plain) + 6
    for picture in drawn:
        assert (picture.controls_added != 0).any() == (picture in drawn[len(plain) :])


@pytest.mark.parametrize("kind", ["alone", "several", "recipe", "eyes"])
def test_shares_choose_what_is_drawn(face, model, kind):
    shares = ControlShares(**dict.fromkeys(("alone", "several", "recipe", "eyes"), 0.0) | {kind: 1.0})
    pictures = render_set(face, model, seed=2, size=48, options=RenderOptions(controls=8, control_shares=shares))[7:]
    parts = [
        {name.rsplit("_left")[0].rsplit("_right")[0] for name in named_controls(p.controls_added)} for p in pictures
    ]
    assert all(bool(p.expression) == (kind == "recipe") for p in pictures)
    if kind == "alone":
        assert all(len(part) == 1 for part in parts)
        assert parts[::2] == parts[1::2], "in twos, at two values"
    if kind == "several":
        assert {len(part) for part in parts} <= {2, 3}
    if kind == "eyes":
        assert all(part <= {"gaze_x", "gaze_y", "eye_wide", "squint"} for part in parts)


def test_a_third_of_the_pictures_of_eyes_show_shut_ones():
    """One in ninety of a set had an eye shut, and a network that learned from it shut none."""
    options = RenderOptions(controls=400, control_shares=ControlShares(0, 0, 0, 1))
    drawn = [named_controls(each.controls) for each in draw_controls(options, np.random.default_rng(3))]
    shut = [{side for side, value in each.items() if side.startswith("eye_wide") and value == -1} for each in drawn]
    assert 0.3 < np.mean([bool(sides) for sides in shut]) < 0.5
    for sides in ({"eye_wide_left"}, {"eye_wide_right"}, {"eye_wide_left", "eye_wide_right"}):
        assert shut.count(sides) > 20


def test_shares_that_cannot_be_are_refused():
    with pytest.raises(ConfigurationError, match="0 or more"):
        ControlShares(alone=-1.0)
    with pytest.raises(ConfigurationError, match="not all 0"):
        ControlShares(0, 0, 0, 0)


@pytest.fixture(scope="module")
def made(assets, tmp_path_factory):
    """A set of one person with drawn controls and a real smile, made by the command."""
    root = tmp_path_factory.mktemp("controls")
    for folder in ("neutral", "smiling"):
        (root / folder).mkdir()
        for file in (assets / "portraits" / folder).glob("london_001.*"):
            shutil.copy(file, root / folder)
    for name, more in (("plain", []), ("drawn", ["--controls", "5", "--control-share", "alone=1"])):
        arguments = [str(root / "neutral"), "--output", str(root / name), "--variants", "1", "--size", "48", *more]
        arguments += ["--real", f"{root / 'smiling'}=happy", "--seed", "3"]
        result = CliRunner().invoke(rig_app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    return root


def test_a_set_tells_what_every_picture_shows(made):
    rows = load_expression_dataset(made / "drawn", controls=True)
    assert len(rows["controls"][0]) == len(CONTROLS)
    for row in rows.remove_columns("image"):
        shown, added = np.array(row["controls"]), np.array(row["controls_added"])
        if row["recipe"] == "real":
            gaze = [CONTROL_NAMES.index(name) for name in ("gaze_x", "gaze_y")]
            assert np.isnan(shown[gaze]).all()
            assert not np.isnan(np.delete(shown, gaze)).any()
            smile = shown[[CONTROL_NAMES.index(name) for name in ("smile_left", "smile_right")]].mean()
            assert smile == pytest.approx(row["intensity"], abs=0.15)
            assert np.isnan(added).all()
        elif row["recipe"] == "controls":
            assert row["expression"] == -1
            assert np.array_equal(shown, added)
            assert row["intensity"] == pytest.approx(np.abs(added).max())
        elif row["recipe"] == "neutral":
            assert not shown.any()
            assert not added.any()


@pytest.mark.parametrize("streaming", [False, True])
def test_training_by_class_sees_the_set_as_it_was(made, streaming):
    def digests(folder):
        rows = load_expression_dataset(made / folder, streaming=streaming)
        return [hashlib.sha256(np.asarray(row["image"]).tobytes()).hexdigest() for row in rows]

    assert digests("drawn") == digests("plain")
    everything = load_expression_dataset(made / "drawn", streaming=streaming, controls=True)
    assert sum(1 for _ in everything) == len(digests("plain")) + 4 * 5


def test_a_set_of_another_table_of_controls_is_refused(made, tmp_path):
    from datasets import List, Value

    rows = load_expression_dataset(made / "plain").remove_columns("controls")
    other = rows.add_column("controls", [[0.0] * 3] * len(rows), feature=List(Value("float32"), length=3))
    with pytest.raises(DatasetError, match=f"holds 3 numbers, and there are {len(CONTROLS)} controls"):
        load_expression_dataset(other)


def test_a_share_without_pictures_is_refused(made, tmp_path):
    arguments = [str(made / "neutral"), "--output", str(tmp_path / "out"), "--control-share", "alone=1"]
    with pytest.raises(ConfigurationError, match="give --controls too"):
        CliRunner().invoke(rig_app, arguments, catch_exceptions=False)
    with pytest.raises(ConfigurationError, match="alone, several, recipe, eyes; got 'lids=1'"):
        CliRunner().invoke(rig_app, [*arguments[:-1], "lids=1", "--controls", "2"], catch_exceptions=False)
