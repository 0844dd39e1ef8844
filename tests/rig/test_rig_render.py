"""The renderer of the rig: what a user sees in its pictures."""

import dataclasses
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("numba")

from sargan_hf import EXPRESSIONS
from sargan_hf.errors import RigError
from sargan_hf.rig.face_model.mesh import DRAWN_VERTICES
from sargan_hf.rig.face_model.model import Part
from sargan_hf.rig.portraits.reader import PortraitReader, fit_portrait
from sargan_hf.rig.rendering.beard import BeardLook, add_beard, beard_chart
from sargan_hf.rig.rendering.downsample import average_down
from sargan_hf.rig.rendering.flow_tracer import MotionTracer
from sargan_hf.rig.rendering.recipes import Recipe, default_recipes, most_common_only, read_recipes, recipes_for
from sargan_hf.rig.rendering.render import render_expression, render_set
from sargan_hf.rig.rendering.stage import Stage
from sargan_hf.rig.rendering.variation import RenderOptions, Variation, draw_variation

SIZE = 96


@pytest.fixture(scope="module")
def face(assets, model):
    picture = sorted((assets / "portraits" / "neutral").glob("london_*.jpg"))[0]
    return fit_portrait(model, PortraitReader().read(picture))


@pytest.fixture(scope="module")
def stage(face, model):
    return Stage(face, model, Variation(), SIZE)


def lid_gap(stage, name):
    recipe = recipes_for(name, default_recipes())[0]
    rest = stage.posed.photo
    from sargan_hf.rig.rendering.deform import deform

    moved = deform(stage.posed, stage.weights(recipe), stage.mesh).photo

    def gap(vertices):
        return vertices[[1518, 1511], 1].mean() - vertices[[1542, 1537], 1].mean()

    return gap(moved) / gap(rest)


def test_no_expression_gives_the_photograph_back(stage):
    posed = stage.posed
    inner = slice(posed.margin, posed.margin + posed.side)
    photograph = average_down(posed.texture[inner, inner].astype(np.float32), stage.supersample)
    picture = stage.render(stage.neutral)
    assert np.abs(picture - np.round(photograph)).mean() <= 0.2


def test_intensity_zero_is_neutral(face, model):
    neutral = render_expression(face, model, "neutral", size=SIZE).image
    assert np.array_equal(render_expression(face, model, "surprised", intensity=0.0, size=SIZE).image, neutral)


def test_a_set_has_every_expression_once_and_neutral_first(face, model):
    pictures = render_set(face, model, seed=3, size=SIZE, options=RenderOptions())
    assert pictures[0].expression == "neutral"
    assert sorted(picture.expression for picture in pictures) == sorted(EXPRESSIONS)
    assert all(p.image.shape == (SIZE, SIZE, 3) and p.image.dtype == np.uint8 for p in pictures)
    assert all(p.motion_backward is None for p in pictures)


def test_same_seed_same_bytes_and_another_seed_another_set(face, model):
    options = RenderOptions(head_turn=1.0, gaze=1.0, relight=1.0, backdrop=1.0, subtle=0.5)
    first, again, other = (render_set(face, model, seed=seed, size=48, options=options) for seed in (1, 1, 2))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a.image, b.image) for a, b in zip(first, other, strict=True))


def test_more_recipes_per_expression(face, model):
    pictures = render_set(face, model, seed=0, size=48, options=RenderOptions.plain(recipes_per_expression=2))
    smiles = [p for p in pictures if p.expression == "happy"]
    assert len(smiles) == 2
    assert smiles[0].recipe != smiles[1].recipe


def test_lids_open_and_close_as_the_recipes_say(stage):
    assert min(lid_gap(stage, "surprised"), lid_gap(stage, "afraid")) > 1.1
    assert max(lid_gap(stage, "angry"), lid_gap(stage, "disgusted")) < 0.9


def test_a_hooded_eye_opens_without_a_second_one_above_it(assets, model):
    """Skin that lay folded behind the lid's edge closes over the eyeball, and shows neither lashes nor iris again."""
    hooded = fit_portrait(model, PortraitReader().read(assets / "portraits" / "neutral" / "london_173.jpg"))
    stage = Stage(hooded, model, Variation(), 160)
    recipe = recipes_for("surprised", default_recipes())[0]
    shot = stage.shot(stage.weights(recipe))
    above = slice(int(0.29 * stage.posed.side), int(0.33 * stage.posed.side))
    columns = slice(int(0.3 * stage.posed.side), int(0.7 * stage.posed.side))
    assert (shot.part[above, columns] == Part.FACE).all()
    places = shot.raster.interpolate(shot.places, stage.triangles)
    for opening in (stage.posed.landmarks.right_eye_opening, stage.posed.landmarks.left_eye_opening):
        eye = np.zeros(stage.posed.texture.shape[:2], np.uint8)
        cv2.fillPoly(eye, [np.round(opening).astype(np.int32)], 1)
        eye = cv2.erode(eye, np.ones((3, 3), np.uint8))
        x, y = np.clip(np.round(places[above, columns]).astype(int), 0, len(eye) - 1).transpose(2, 0, 1)
        assert not eye[y, x].any()


def test_smile_widens_the_mouth_and_shows_teeth(face, model):
    smile = recipes_for("happy", default_recipes())[0]
    neutral = render_expression(face, model, "neutral", size=SIZE).image.astype(float)
    happy = render_expression(face, model, smile, size=SIZE).image.astype(float)
    mouth = slice(int(0.66 * SIZE), int(0.74 * SIZE)), slice(int(0.42 * SIZE), int(0.58 * SIZE))
    assert happy[mouth].max(axis=2).max() > neutral[mouth].max(axis=2).max() + 10


@pytest.mark.parametrize("switch", ["head_turn", "gaze", "relight", "backdrop", "mirror", "beard"])
def test_every_switch_changes_the_picture_and_can_be_off(face, model, switch):
    off = draw_variation(RenderOptions.plain(), np.random.default_rng(0))
    on = draw_variation(RenderOptions.plain(**{switch: 1.0}), np.random.default_rng(0))
    changed = {f.name for f in dataclasses.fields(on) if repr(getattr(on, f.name)) != repr(getattr(off, f.name))}
    fields = {"head_turn": {"yaw", "pitch"}, "relight": {"light"}}.get(switch, {switch})
    assert changed == fields
    still, moved = (Stage(face, model, variation, 48) for variation in (off, on))
    assert not np.array_equal(still.render(still.neutral), moved.render(moved.neutral))


def test_a_beard_covers_chin_and_cheeks_and_moves_with_the_skin(face, model):
    beard = BeardLook("full", (30.0, 24.0, 20.0), density=1.0, overhang=1.0, seed=3)
    bare, bearded = (Stage(face, model, Variation(beard=look), SIZE) for look in (None, beard))
    change = bearded.render(bearded.neutral).astype(float) - bare.render(bare.neutral)
    marks = bearded.posed.landmarks
    scale, margin = bearded.supersample, bearded.posed.margin
    nose = int((marks.upper_lip_top[:, 1].min() - margin) / scale - 0.1 * SIZE)
    assert not change[: nose - int(0.15 * SIZE), int(0.35 * SIZE) : int(0.65 * SIZE)].any(), "eyes and nose stay bare"
    chin_x, chin_y = (marks.lower_lip_bottom[3] - margin) / scale + [0, 0.06 * SIZE]
    chin = slice(int(chin_y), int(chin_y) + 5), slice(int(chin_x) - 4, int(chin_x) + 5)
    assert change[chin].mean() < -40, "dark hair on light skin"

    # What the motion says of the skin is true of the beard: the picture at rest, moved, is the picture that is rendered.
    weights = bearded.weights(recipes_for("surprised", default_recipes())[0])
    shot = bearded.shot(weights)
    backward, _, valid = MotionTracer(bearded).trace(shot)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    rest = bearded.render(bearded.neutral, shaded=False).astype(np.float32)
    moved = cv2.remap(rest, x + backward[..., 0], y + backward[..., 1], cv2.INTER_LINEAR)
    below = valid.copy()
    below[:nose] = False
    assert np.abs(moved - bearded.render(shot, shaded=False))[below].mean() < 4
    assert np.abs(moved - bare.render(bare.shot(weights), shaded=False))[below].mean() > 12


def test_a_turned_head_stays_in_the_canonical_crop(face, model):
    from sargan_hf.rig.face_model.mesh import LID_MIDDLES

    for yaw in (-30, 30):
        posed = Stage(face, model, Variation(yaw=yaw, pitch=10), SIZE).posed
        eyes = [posed.screen[list(upper + lower), :2].mean(axis=0) for upper, lower in LID_MIDDLES.values()]
        assert np.mean(eyes, axis=0) / posed.side == pytest.approx([0.5, 0.385], abs=0.02)


def test_recipe_with_an_unknown_shape_or_fold_names_it(stage):
    with pytest.raises(RigError, match="browSideways"):
        stage.weights(Recipe("angry", "odd", shapes={"browSideways": 1.0}))
    with pytest.raises(RigError, match="dimples"):
        stage.render(stage.neutral, {"dimples": 1.0})


def test_the_recipes_cover_all_expressions_in_several_ways():
    recipes = default_recipes()
    for expression in EXPRESSIONS:
        assert len(recipes_for(expression, recipes)) >= (1 if expression == "neutral" else 2)


def test_most_common_only_keeps_the_commonest_recipe_of_each_expression():
    kept = most_common_only(default_recipes())
    assert {recipe.expression for recipe in kept} == set(EXPRESSIONS)
    for recipe in kept:
        commonest = max(recipes_for(recipe.expression, default_recipes()), key=lambda each: each.share)
        assert commonest.name in (recipe.name, recipe.variant_of)
    assert "broad smile" in {recipe.name for recipe in kept}
    assert "closed smile" not in {recipe.name for recipe in kept}


def test_own_recipes_are_checked(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('[[recipe]]\nexpression = "smug"\nname = "x"\n')
    with pytest.raises(RigError, match="smug"):
        read_recipes(path)
    path.write_text('[[recipe]]\nexpression = "happy"\nname = "x"\n')
    with pytest.raises(RigError, match="no recipe for afraid"):
        read_recipes(path)
    path.write_text('[[recipe]]\nexpression = "happy"\nname = "x"\nlike = "grin"\n')
    with pytest.raises(RigError, match="'x' is a variant of 'grin'"):
        read_recipes(path)
    path.write_text("[[recipe")
    with pytest.raises(RigError, match="not a TOML"):
        read_recipes(path)


def test_a_dark_face_is_no_dim_light(assets, model):
    """Teeth take their brightness from the whites of the eyes too: by the cheeks alone, those of dark faces were grey."""
    portrait = assets / "portraits" / "neutral" / "london_062.jpg"
    dark = fit_portrait(model, PortraitReader().read(portrait))
    picture = render_expression(dark, model, "angry", size=SIZE).image
    mouth = picture[round(0.58 * SIZE) : round(0.8 * SIZE), round(0.35 * SIZE) : round(0.65 * SIZE)]
    # 158 of 255; 102 with the cheeks alone. The whites of this person's eyes are at 149.
    assert np.percentile(mouth.mean(axis=2), 98) > 149


def test_a_statues_mouth_is_carved_from_its_own_stone(assets, model, tmp_path):
    """A face of one colour has teeth and a mouth of that colour; pink gums in bronze look like a bad montage."""
    portrait = sorted((assets / "portraits" / "neutral").glob("london_*.jpg"))[0]
    stone = np.array([1.0, 0.72, 0.45])
    grey = np.asarray(Image.open(portrait).convert("L"), np.float32)[..., None]
    Image.fromarray((0.8 * grey * stone).astype(np.uint8)).save(tmp_path / "bronze.png")
    shutil.copy(portrait.with_suffix(".csv"), tmp_path / "bronze.csv")
    statue = fit_portrait(model, PortraitReader().read(tmp_path / "bronze.png"))
    picture = render_expression(statue, model, "happy", size=SIZE).image.astype(np.float32)
    mouth = picture[round(0.6 * SIZE) : round(0.8 * SIZE), round(0.35 * SIZE) : round(0.65 * SIZE)].reshape(-1, 3)
    mouth = mouth[mouth[:, 0] > 30]
    np.testing.assert_allclose(mouth[:, 1:] / mouth[:, :1], np.broadcast_to(stone[1:], (len(mouth), 2)), atol=0.08)


def test_a_statues_beard_is_carved_from_its_own_stone():
    stone = np.array([200.0, 150.0, 90.0], np.float32)
    picture = np.tile(stone, (64, 64, 1))
    y, x = np.mgrid[3:-8:64j, -7:7:64j]
    look = BeardLook("full", (30.0, 24.0, 20.0), density=1.0, overhang=0.5, seed=0)
    add_beard(picture, beard_chart(look), look, np.dstack([x, y]).astype(np.float32), cheek=150.0, one_colour=True)
    assert picture[40:60, 20:44].std() > 5, "hair is seen"
    np.testing.assert_allclose(picture / picture[..., :1], np.broadcast_to(stone / stone[0], picture.shape), atol=1e-3)


def test_an_opened_jaw_keeps_its_lower_side_teeth_in_the_dark(assets, model):
    """Lit, they showed as slivers in the corners of a frightened mouth; teeth that are bared together stay lit."""
    face = fit_portrait(model, PortraitReader().read(assets / "portraits" / "neutral" / "london_020.jpg"))
    stage = Stage(face, model, Variation(), 320, supersample=1)

    def lower_side_teeth(name):
        shot = stage.shot(stage.weights(next(recipe for recipe in default_recipes() if recipe.name == name)))
        lower_and_x = np.column_stack([stage.mouth.lower, stage.mesh.model.mean[:DRAWN_VERTICES, 0]])
        teeth = shot.part == Part.TEETH
        view = dataclasses.replace(shot.raster, triangle=np.where(teeth, shot.raster.triangle, np.int32(-1)))
        lower, x = np.moveaxis(view.interpolate(lower_and_x, stage.triangles), 2, 0)
        picture = stage.render(shot).mean(axis=2)
        return picture[teeth & (lower > 0.5) & (np.abs(x) > 1.4)], picture[teeth & (lower < 0.5)]

    side, upper = lower_side_teeth("stretched fear")
    assert len(side) > 20, "no lower side tooth is seen: choose another person"
    assert side.mean() < 0.5 * upper.mean()
    side, upper = lower_side_teeth("bared anger")
    assert side.mean() > 0.5 * upper.mean()
