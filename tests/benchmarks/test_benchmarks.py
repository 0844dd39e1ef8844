"""The figures in the documents come from benchmarks/, which has to keep up with the code it measures."""

import dataclasses
import importlib.util
import sys
from pathlib import Path

import pytest

from sargan_hf.rig.rendering.recipes import default_recipes, read_recipes

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def load(monkeypatch):
    """Imports a script of the folder by its name."""

    def load(name: str):
        monkeypatch.syspath_prepend(str(FOLDER))
        spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.py")), ids=lambda script: script.stem)
def test_every_benchmark_finds_what_it_measures(script, load):
    load(script.stem)


def test_a_found_recipe_can_be_put_into_the_table(load, tmp_path):
    search = load("rig_recipe_search")
    for recipe in default_recipes():
        space = search.Space.around(recipe, ["cheekPuff"], {"browDown": 0.2}, {"jawOpen": 0.3})
        found = space.at(space.start)
        assert found.shapes.get("browDown", 1) >= 0.2
        assert found.shapes.get("jawOpen", 0) <= 0.3
        text = (FOLDER.parent / "sargan_hf" / "rig" / "rendering" / "recipes.toml").read_text()
        table = tmp_path / "recipes.toml"
        table.write_text(text + "\n" + search.as_toml(dataclasses.replace(found, name="found")))
        assert dataclasses.replace(read_recipes(table)[-1], name=found.name) == found
