"""Facial controls and presets through the pipeline, the command line and ONNX: one condition beside the expression."""

import json

import numpy as np
import pytest
import torch
from counted_generator import Counted
from PIL import Image
from random_models import heeding_controls
from skimage import data

from sargan_hf import SARGAN, Preset, SARGANPipeline
from sargan_hf.cli import main
from sargan_hf.editing.session import EditModels, EditSession
from sargan_hf.errors import ConfigurationError, ControlError, PresetError
from sargan_hf.images import load_image

NAMES = ["jaw_open", "smile_left", "smile_right"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("controlled")
    model = SARGAN(
        base_channels=8, motion=True, attention_channels=8, sample_size=64, controls=NAMES, typical_motion=[0.05] * 7
    )
    heeding_controls(model).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def pipe(folder) -> SARGANPipeline:
    return SARGANPipeline.from_pretrained(str(folder))


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return data.astronaut()


def run(monkeypatch, *arguments: object) -> object:
    """The exit code or message of `sargan` with these arguments."""
    monkeypatch.setattr("sys.argv", ["sargan", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def edited(pipe: SARGANPipeline, *args, **kwargs) -> np.ndarray:
    return np.asarray(pipe(*args, **kwargs).images[0])


def test_controls_of_zero_leave_an_edit_as_it_is(pipe, astronaut):
    happy = edited(pipe, astronaut, "happy")
    assert np.array_equal(edited(pipe, astronaut, "happy", controls={"jaw_open": 0}), happy)
    assert not np.array_equal(edited(pipe, astronaut, "happy", controls={"jaw_open": 0.8}), happy)
    assert np.array_equal(edited(pipe, astronaut), happy)


@pytest.mark.parametrize("controls", [{}, {"jaw_open": 0.0, "smile": 0}])
def test_asking_for_nothing_is_the_identity_bit_for_bit(pipe, astronaut, controls):
    assert np.array_equal(edited(pipe, astronaut, controls=controls), astronaut)


def test_controls_alone_move_the_face_without_an_expression(pipe, astronaut):
    result = pipe(astronaut, controls={"smile": 0.5})
    assert not np.array_equal(np.asarray(result.images[0]), astronaut)
    assert not result.faces[0].expression.any()
    assert result.faces[0].controls == pytest.approx([0, 0.5, 0.5])
    assert np.array_equal(edited(pipe, astronaut, controls={"smile": 0.5}, intensity=0), astronaut)


def test_a_step_of_a_slider_runs_the_generator_once(pipe, astronaut):
    counted = Counted(pipe.generator)
    session = EditSession(load_image(astronaut), EditModels(counted))
    faces = session.find_faces()
    for steps, calls in (
        ((0.1,), [1, 1]),
        ((0.2, 0.3), [1, 1]),
    ):  # the first also asks how far the expression alone goes
        counted.calls.clear()
        for value in steps:
            made, _ = session.edit(faces, session.requests("happy", controls={"jaw_open": value}))
        assert counted.calls == calls
    assert np.array_equal(np.asarray(made), edited(pipe, astronaut, "happy", controls={"jaw_open": 0.3}))
    session = EditSession(load_image(astronaut), EditModels(counted))
    session.edit(faces, session.requests("happy"))
    counted.calls.clear()
    made, _ = session.edit(faces, session.requests("happy", controls={"jaw_open": 0.3}))
    assert counted.calls == [1], "the expression alone was made before"
    assert np.array_equal(np.asarray(made), edited(pipe, astronaut, "happy", controls={"jaw_open": 0.3}))


def test_the_file_names_its_controls(pipe, astronaut, tmp_path):
    pipe(astronaut, "happy", controls={"jaw_open": -0.4}).images[0].save(tmp_path / "edit.png")
    assert "happy 100% and jaw_open -0.4" in str(Image.open(tmp_path / "edit.png").info)


def test_each_face_has_controls_of_its_own(pipe, astronaut):
    two = np.concatenate([astronaut, astronaut], axis=1)
    asked = pipe(two, "neutral", controls=[{"jaw_open": 1}, {"jaw_open": -1}], faces="all")
    assert [float(face.controls[0]) for face in asked.faces] == [1, -1]
    with pytest.raises(ConfigurationError, match="1 settings of controls were given for 2 faces"):
        pipe(two, "neutral", controls=[{"jaw_open": 1}], faces="all")


def test_a_preset_is_its_expression_controls_and_intensity(pipe, astronaut, tmp_path):
    preset = Preset({"happy": 1}, {"jaw_open": -0.5}, 0.5)
    by_hand = edited(pipe, astronaut, "happy", controls={"jaw_open": -0.5}, intensity=0.4)
    assert np.array_equal(edited(pipe, astronaut, preset=preset, intensity=0.8), by_hand)
    (tmp_path / "mine.json").write_text(json.dumps(preset.to_json()))
    assert np.array_equal(edited(pipe, astronaut, preset=str(tmp_path / "mine.json"), intensity=0.8), by_hand)
    with pytest.raises(ConfigurationError, match="give it, or these"):
        pipe(astronaut, "happy", preset=preset)
    with pytest.raises(PresetError, match="Did you mean"):
        pipe(astronaut, preset="joyy")


def test_a_model_without_controls_says_so(tiny_model_folder, astronaut):
    plain = SARGANPipeline.from_pretrained(str(tiny_model_folder))
    assert plain.controls == ()
    with pytest.raises(ControlError, match="has no facial controls"):
        plain(astronaut, "happy", controls={"jaw_open": 0.4})
    with pytest.raises(ControlError, match="Did you mean"):
        SARGANPipeline(SARGAN(base_channels=8, attention_channels=8, controls=NAMES))(astronaut, controls={"jaw": 1})


def test_onnx_takes_the_same_controls(folder, pipe, astronaut, tmp_path):
    from sargan_hf.inference.onnx_export import export_onnx

    export_onnx(SARGAN.from_pretrained(folder), tmp_path)
    onnx = SARGANPipeline.from_pretrained(str(tmp_path), backend="onnx")
    assert list(onnx.controls) == NAMES
    asked = {"controls": {"jaw_open": 0.7, "smile_left": -0.5}}
    difference = np.abs(edited(onnx, astronaut, "sad", **asked).astype(int) - edited(pipe, astronaut, "sad", **asked))
    assert difference.max() <= 2
    assert np.array_equal(edited(onnx, astronaut, controls={}), astronaut)


@pytest.mark.parametrize(
    ("options", "call"),
    [
        (["--control", "jaw_open=0.5", "--control", "smile=0.2"], {"controls": {"jaw_open": 0.5, "smile": 0.2}}),
        (["-e", "sad", "--control", "jaw_open=-1"], {"expression": "sad", "controls": {"jaw_open": -1}}),
    ],
)
def test_the_command_line_takes_them(monkeypatch, folder, pipe, astronaut, tmp_path, options, call):
    Image.fromarray(astronaut).save(tmp_path / "face.png")
    assert run(monkeypatch, "edit", tmp_path / "face.png", "-o", tmp_path / "out", "--model", folder, *options) in (
        0,
        None,
    )
    expected = edited(pipe, tmp_path / "face.png", **call)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / "face.png")), expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [("jaw_open", "no control"), ("jaw_open=a", "no control"), ("jaw_opn=1", "Did you mean jaw_open")],
)
def test_a_misspelt_control_is_one_error(monkeypatch, folder, astronaut, tmp_path, text, words):
    Image.fromarray(astronaut).save(tmp_path / "face.png")
    said = run(monkeypatch, "edit", tmp_path / "face.png", "-o", tmp_path / "out", "--model", folder, "--control", text)
    assert words in str(said)
    assert not (tmp_path / "out").exists()


def test_an_animation_moves_through_controls_and_presets(pipe, astronaut):
    small = astronaut[:280, 100:380]
    own = {"shout": Preset({"angry": 1}, {"jaw_open": 0.6}, 0.8), "grin": Preset({}, {"smile": 1})}
    film = pipe.animate(small, preset=["shout", "grin"], presets=own, seconds=0.2, fps=10)
    assert [moment.intensity for moment in film.moments] == pytest.approx([0, 0.4, 0.8, 0.9, 1.0, 0.5])
    for frame, moment in zip(film.frames, film.moments, strict=True):
        vectors = list(moment.expression) if moment.expression.any() else None
        still = edited(pipe, small, vectors, controls=list(moment.controls), intensity=moment.intensity)
        assert np.array_equal(np.asarray(frame), still)
    assert np.array_equal(np.asarray(film.frames[2]), edited(pipe, small, preset=own["shout"]))
    assert np.array_equal(np.asarray(film.frames[4]), edited(pipe, small, controls={"smile": 1}))
    alone = pipe.animate(small, controls=[{"smile": 1}, {"jaw_open": 1}], seconds=0.2, fps=10)
    assert np.array_equal(np.asarray(alone.frames[4]), edited(pipe, small, controls={"jaw_open": 1}))
    with pytest.raises(ConfigurationError, match="2 settings of controls were given for 1 expressions"):
        pipe.animate(small, "happy", controls=[{}, {}])
