"""Presets: the shipped ones are whole, and what is saved loads again."""

import json

import pytest

from sargan_hf import Preset, load_preset
from sargan_hf.controls import CONTROL_NAMES
from sargan_hf.errors import PresetError
from sargan_hf.presets import SPRITE_NAMES, save_preset, shipped_presets


def test_every_sprite_of_a_character_has_a_preset():
    assert len(SPRITE_NAMES) == 28
    assert set(SPRITE_NAMES) <= set(shipped_presets())


@pytest.mark.parametrize("name", shipped_presets())
def test_a_shipped_preset_asks_for_something(name):
    preset = shipped_presets()[name]
    assert preset.expression or preset.controls
    assert set(preset.controls) <= set(CONTROL_NAMES)
    assert load_preset(name.upper().replace(" ", "_")) == preset


def test_what_is_saved_loads_again(tmp_path):
    preset = Preset({"happy": 0.6, "neutral": 0.4}, {"eye_wide_left": -1, "smile": 0.3}, 0.8)
    save_preset(preset, tmp_path / "mine.json")
    assert load_preset(tmp_path / "mine.json") == preset
    assert dict(preset.controls) == pytest.approx({"eye_wide_left": -1, "smile_left": 0.3, "smile_right": 0.3})


def test_a_model_may_have_classes_of_its_own():
    assert dict(Preset({"contempt": 1}).expression) == {"contempt": 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "a JSON object with expression, controls, intensity; got list"),
        ({"mood": 1}, "got 'mood'"),
        ({"expression": "happy"}, "must map names to numbers"),
        ({"expression": {"happy": -1}}, "must be finite, >= 0"),
        ({"controls": {"jaw_opn": 1}}, "Did you mean jaw_open"),
        ({"controls": {"jaw_open": 3}}, "goes from -1 to 1"),
        ({"intensity": 9}, "from 0 to 1.5"),
        ({"intensity": True}, "from 0 to 1.5"),
        ({"intensity": float("nan")}, "from 0 to 1.5"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(tmp_path, content, words):
    (tmp_path / "odd.json").write_text(json.dumps(content))
    with pytest.raises(PresetError, match=r"odd\.json is no preset") as error:
        load_preset(tmp_path / "odd.json")
    assert words in str(error.value)


def test_names_and_files_that_are_not_there(tmp_path):
    with pytest.raises(PresetError, match="Did you mean wink"):
        load_preset("winkk")
    with pytest.raises(PresetError, match="cannot be read"):
        load_preset(tmp_path / "none.json")
    (tmp_path / "broken.json").write_bytes(b"\xff{")
    with pytest.raises(PresetError, match="cannot be read"):
        load_preset(tmp_path / "broken.json")
    with pytest.raises(PresetError, match="cannot be written"):
        save_preset(Preset(), tmp_path / "no" / "folder.json")
