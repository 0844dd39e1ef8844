"""Recipes: what is saved of an edit makes the same edit again, in a file and in the metadata of a picture."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from random_models import heeding_controls
from skimage import data

from sargan_hf import SARGAN, EditRecipe, Preset, SARGANPipeline
from sargan_hf.controls import CONTROLS
from sargan_hf.editing.recipe import RecipeEdit
from sargan_hf.editing.requests import face_requests, recipe_of
from sargan_hf.errors import ConfigurationError, RecipeError
from sargan_hf.expressions import EXPRESSIONS

NAMES = ["jaw_open", "smile_left", "smile_right"]


@pytest.fixture(scope="module")
def pipe() -> SARGANPipeline:
    torch.manual_seed(0)
    model = SARGAN(base_channels=8, motion=True, attention_channels=8, sample_size=64, controls=NAMES)
    return SARGANPipeline(heeding_controls(model))


@pytest.fixture(scope="module")
def two() -> np.ndarray:
    astronaut = data.astronaut()[:300, 100:400]
    return np.concatenate([astronaut, astronaut], axis=1)


def pixels(result) -> np.ndarray:
    return np.asarray(result.images[0])


VALUES = {
    control.name: st.floats(control.least, 1, allow_subnormal=False).filter(lambda value: abs(value) > 1e-6)
    for control in CONTROLS
}
BLENDS = st.dictionaries(st.sampled_from(EXPRESSIONS), st.floats(0.01, 1), max_size=4)
EDITS = st.builds(
    RecipeEdit,
    expression=BLENDS,
    controls=st.fixed_dictionaries({}, optional=VALUES),
    intensity=st.floats(0, 1.5, allow_subnormal=False),
    region=st.none() | st.sampled_from(["mouth", "eyes"]) | st.just(((0.0, 0.5), (1.0, 0.1))),
)
FACES = st.sampled_from(["largest", "all"]) | st.lists(st.integers(1, 9), min_size=1, max_size=4)
RECIPES = st.builds(EditRecipe, edits=st.lists(EDITS, min_size=1, max_size=3).map(tuple), faces=FACES)


@settings(max_examples=50, deadline=None)
@given(RECIPES)
def test_what_is_written_is_read_again(recipe):
    assert EditRecipe.from_text(recipe.to_text()) == recipe
    assert EditRecipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


@settings(max_examples=50, deadline=None)
@given(RECIPES)
def test_a_recipe_of_what_a_recipe_asks_asks_the_same_bit_for_bit(recipe):
    names = (EXPRESSIONS, [control.name for control in CONTROLS])

    def asked(of: EditRecipe) -> list:
        given = of.settings
        wish = {name: given[name] for name in ("expression", "controls", "intensity")}
        return face_requests(wish, len(of.edits), *names, given["region"], given["transfer"])

    first = asked(recipe)
    again = recipe_of(first, *names, recipe.faces)
    second = asked(again) * (len(first) if len(again.edits) == 1 else 1)
    for one, other in zip(first, second, strict=True):
        assert (one.plan, one.intensity) == (other.plan, other.intensity)
    assert recipe_of(second, *names, recipe.faces) == again


def test_a_saved_edit_says_how_to_make_it_of_another_picture(pipe, two, tmp_path):
    asked = {"expression": {"happy": 0.3, "sad": 0.2, "angry": 0.4}, "controls": {"jaw_open": -0.3}, "region": "mouth"}
    asked |= {"intensity": 0.7, "faces": "all"}
    result = pipe(two, **asked)
    for suffix in ("png", "jpg", "webp", "tiff", "avif"):
        result.images[0].save(tmp_path / f"edit.{suffix}")
        recipe = EditRecipe.load(tmp_path / f"edit.{suffix}")
        assert recipe == result.recipes[0]
        assert recipe.faces == "all"
    other = np.ascontiguousarray(two[:, ::-1])
    again = pipe(other, **recipe.settings)
    assert np.array_equal(pixels(again), pixels(pipe(other, **asked)))
    assert again.recipes == [recipe]


def test_each_face_has_an_edit_of_its_own(pipe, two, tmp_path):
    edits = (
        RecipeEdit("happy", {}, 0.5, "mouth"),
        RecipeEdit({}, {"jaw_open": 1}),
    )
    recipe = EditRecipe(edits, faces=[2, 1])
    result = pipe(two, **recipe.settings)
    by_hand = pipe(two, ["happy", None], controls=[None, {"jaw_open": 1}], intensity=[0.5, 1.0], region=["mouth", None],
                   faces=[2, 1])  # fmt: skip
    assert np.array_equal(pixels(result), pixels(by_hand))
    assert result.recipes == [recipe]
    with pytest.raises(ConfigurationError, match="2 expressions were given for 1 faces"):
        pipe(two[:, :300], **recipe.settings | {"faces": "all"})


def test_faces_that_a_session_found_have_their_numbers(pipe, two):
    session = pipe.open(two)
    faces = session.find_faces("all")
    asked = session.requests("happy")
    assert session.recipe(faces[:1], asked).faces == "largest"
    assert session.recipe(faces[1:], asked).faces == (2,)
    assert pipe(two, box=(20, 20, 260, 260)).recipes[0].faces == "largest"


def test_a_recipe_may_name_presets(pipe, two, tmp_path):
    mine = {"loud": {"expression": {"angry": 1}, "controls": {"jaw_open": 0.5}, "intensity": 0.8}}
    (tmp_path / "mine.json").write_text(json.dumps(mine))
    text = json.dumps({"sargan_recipe": 1, "edits": [{"preset": "loud", "intensity": 0.5}]})
    recipe = EditRecipe.from_text(text, tmp_path / "mine.json")
    assert recipe.edits[0] == RecipeEdit("angry", {"jaw_open": 0.5}, 0.4)
    by_name = pipe(two, preset="Loud", presets=tmp_path / "mine.json", intensity=0.5)
    assert np.array_equal(pixels(by_name), pixels(pipe(two, **recipe.settings)))
    several = pipe(two, preset=["loud", Preset({"sad": 1})], presets=tmp_path / "mine.json", faces="all")
    assert [edit.intensity for edit in several.recipes[0].edits] == [0.8, 1.0]
    with pytest.raises(RecipeError, match="There is no preset 'loud'"):
        EditRecipe.from_text(text)
    with pytest.raises(ConfigurationError, match="say by preset"):
        pipe(two, "happy", presets=tmp_path / "mine.json")


def test_without_a_note_there_is_no_recipe_in_the_file(pipe, two, tmp_path):
    pipe(two, provenance=False).images[0].save(tmp_path / "edit.png")
    with pytest.raises(RecipeError, match="holds no recipe"):
        EditRecipe.load(tmp_path / "edit.png")


def test_copies_and_crops_carry_it_along_and_a_new_edit_replaces_it(pipe, two, tmp_path):
    edited = pipe(two, "sad")
    edited.images[0].crop((0, 0, 300, 300)).save(tmp_path / "crop.webp")
    assert EditRecipe.load(tmp_path / "crop.webp") == edited.recipes[0]
    once = Image.open(tmp_path / "crop.webp")
    again = pipe(two, "happy").images[0]
    again.save(tmp_path / "again.webp", xmp=once.info["xmp"])
    assert EditRecipe.load(tmp_path / "again.webp").edits[0].expression == {"happy": 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ("[]", "A recipe is a JSON object"),
        ("{}", 'begins with "sargan_recipe": 1'),
        ('{"sargan_recipe": 2, "edits": [{}]}', "of version 2"),
        ('{"sargan_recipe": 1}', "edits must be a list"),
        ('{"sargan_recipe": 1, "edits": []}', "at least one edit"),
        ('{"sargan_recipe": 1, "edits": [{"mood": 1}]}', "got 'mood'"),
        ('{"sargan_recipe": 1, "edits": [{}], "faces": "both"}', "faces='both' is not known"),
        ('{"sargan_recipe": 1, "edits": [{}], "transfer": "glue"}', "transfer='glue'"),
        ('{"sargan_recipe": 1, "edits": [{"intensity": 3}]}', "from 0 to 1.5"),
        ('{"sargan_recipe": 1, "edits": [{"region": "ear"}]}', "region='ear'"),
        ('{"sargan_recipe": 1, "edits": [{"region": [[2]]}]}', "values from 0 to 1"),
        ('{"sargan_recipe": 1, "edits": [{"controls": {"jaw_opn": 1}}]}', "Did you mean jaw_open"),
        ('{"sargan_recipe": 1, "edits": [{"expression": {"happy": "a"}}]}', "happy has the weight 'a'"),
        ('{"sargan_recipe": 1, "edits": [{"preset": "wink", "controls": {}}]}', "give it, or these"),
    ],
)
def test_what_is_no_recipe_is_refused_with_a_reason(tmp_path, content, words):
    (tmp_path / "odd.json").write_text(content)
    with pytest.raises(RecipeError, match=r"odd\.json is no recipe") as error:
        EditRecipe.load(tmp_path / "odd.json")
    assert words in str(error.value)
