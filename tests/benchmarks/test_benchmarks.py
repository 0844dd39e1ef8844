"""The figures in the documents come from benchmarks/, and package data from tools/: both have to keep up with the code."""

import dataclasses
import importlib.util
import sys
from pathlib import Path

import pytest

from sargan_hf.rig.rendering.recipes import default_recipes, read_recipes

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted([*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "tools").glob("*.py")])


@pytest.fixture
def load(monkeypatch):
    """Imports a script, with its own folder to import from, as Python runs it."""

    def load(path: Path):
        monkeypatch.syspath_prepend(str(path.parent))
        spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: f"{script.parent.name}-{script.stem}")
def test_every_script_finds_what_it_uses(script, load):
    load(script)


def test_contenders_take_turns_and_warming_up_does_not_count(load):
    timing = load(ROOT / "benchmarks" / "_timing.py")
    now, calls = [0.0], []

    def contender(name: str, seconds: float):
        def run() -> None:
            calls.append(name)
            now[0] += seconds if len(calls) > 2 else 100

        return run

    seconds = timing.side_by_side({"a": contender("a", 2), "b": contender("b", 1)}, 3, lambda: now[0], warm_up=1)
    assert calls == ["a", "b"] * 4
    assert seconds == {"a": [2.0] * 3, "b": [1.0] * 3}
    assert timing.median_ratio(seconds, "a", "b") == 2


def test_a_found_recipe_can_be_put_into_the_table(load, tmp_path):
    search = load(ROOT / "tools" / "rig_recipe_search.py")
    for recipe in default_recipes():
        space = search.Space.around(recipe, ["cheekPuff"], {"browDown": 0.2}, {"jawOpen": 0.3})
        found = space.at(space.start)
        assert found.shapes.get("browDown", 1) >= 0.2
        assert found.shapes.get("jawOpen", 0) <= 0.3
        text = (ROOT / "sargan_hf" / "rig" / "rendering" / "recipes.toml").read_text()
        table = tmp_path / "recipes.toml"
        table.write_text(text + "\n" + search.as_toml(dataclasses.replace(found, name="found")))
        assert dataclasses.replace(read_recipes(table)[-1], name=found.name) == found
