"""`sargan edit` with recipes, presets of one's own and the expression of another picture."""

import json

import numpy as np
import pytest
from PIL import Image

from sargan_hf import EditRecipe
from sargan_hf.errors import ConfigurationError, RecipeError


def test_a_recipe_is_saved_and_made_again(run, photo, tmp_path):
    saved = tmp_path / "mine.json"
    options = ["-e", "happy=0.6,sad=0.4", "--intensity", 0.8, "--region", "mouth", "--faces", "1"]
    assert run(photo, "-o", tmp_path / "one", *options, "--save-recipe", saved).exit_code == 0
    content = json.loads(saved.read_text())
    assert content["sargan_recipe"] == 1
    assert content["faces"] == [1]
    assert run(photo, "-o", tmp_path / "two", "--recipe", saved).exit_code == 0
    edited = tmp_path / "one" / photo.name
    assert run(photo, "-o", tmp_path / "three", "--recipe", edited).exit_code == 0
    first, *others = (np.asarray(Image.open(tmp_path / name / photo.name)) for name in ("one", "two", "three"))
    assert all(np.array_equal(first, other) for other in others)
    assert EditRecipe.load(edited) == EditRecipe.load(saved)


def test_what_a_recipe_says_is_not_said_again(run, photo, tmp_path):
    EditRecipe.from_json({"sargan_recipe": 1, "edits": [{"expression": {"sad": 1}}]}).save(tmp_path / "sad.json")
    for option in (["-e", "happy"], ["--intensity", 0.5], ["--region", "eyes"], ["--save-recipe", tmp_path / "a.json"]):
        result = run(photo, "-o", tmp_path / "out", "--recipe", tmp_path / "sad.json", *option)
        assert isinstance(result.exception, ConfigurationError)
        assert f"leave out {option[0].replace('-e', '--expression')}" in str(result.exception)
    missing = run(photo, "-o", tmp_path / "out", "--recipe", tmp_path / "none.json")
    assert isinstance(missing.exception, RecipeError)
    assert not (tmp_path / "out").exists()


def test_a_run_with_another_recipe_is_another_run(run, photo, tmp_path):
    for name in ("sad", "happy"):
        EditRecipe.from_json({"sargan_recipe": 1, "edits": [{"expression": {name: 1}}]}).save(tmp_path / f"{name}.json")
    assert run(photo, "-o", tmp_path / "out", "--recipe", tmp_path / "sad.json").exit_code == 0
    mixed = run(photo, "-o", tmp_path / "out", "--recipe", tmp_path / "happy.json", "--resume")
    assert "holds edits made with recipe" in str(mixed.exception)


def test_presets_of_ones_own_and_another_pictures_expression(run, photo, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({"gloomy": {"expression": {"sad": 1}, "intensity": 0.5}}))
    own = ["--preset", "Gloomy", "--presets", tmp_path / "mine.json"]
    assert run(photo, "-o", tmp_path / "own", *own).exit_code == 0
    assert EditRecipe.load(tmp_path / "own" / photo.name).edits[0].intensity == 0.5
    assert run(photo, "-o", tmp_path / "like", "--like", photo).exit_code == 0
    assert EditRecipe.load(tmp_path / "like" / photo.name).edits[0].expression
    both = run(photo, "-o", tmp_path / "both", "--like", photo, "-e", "sad")
    assert "like stands for an expression" in str(both.exception)
    for wrong in ({}, {"gloomy": 1}, {"gloomy": {"mood": 1}}):
        (tmp_path / "mine.json").write_text(json.dumps(wrong))
        assert "mine.json holds" in str(run(photo, "-o", tmp_path / "x", *own).exception).replace(
            "has a wrong", "holds"
        )


@pytest.mark.parametrize("text", ['{"sargan_recipe": 1, "edits": [{"expression": {"bored": 1}}]}'])
def test_a_recipe_that_the_model_cannot_make_is_one_error(run, photo, tmp_path, text):
    (tmp_path / "odd.json").write_text(text)
    result = run(photo, "-o", tmp_path / "out", "--recipe", tmp_path / "odd.json")
    assert "'bored' is not an expression" in str(result.exception)
    assert not (tmp_path / "out").exists()
