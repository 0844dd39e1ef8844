"""`like=`: the expression of another picture, read by the network itself."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from random_models import heeding_controls

from sargan_hf import SARGAN, SARGANPipeline
from sargan_hf.editing.likeness import non_negative_solution
from sargan_hf.errors import ConfigurationError, NoFaceError
from sargan_hf.images.warp import NormalizedFlow
from sargan_hf.inference import GeneratorOutput

ROOT = Path(__file__).resolve().parents[2]
SMILING, NEUTRAL = ROOT / "examples/photos/eileen-collins.jpg", ROOT / "examples/photos/grace-hopper.jpg"


@pytest.fixture(scope="module")
def pipe() -> SARGANPipeline:
    return SARGANPipeline.from_pretrained(str(ROOT / "weights" / "sargan-motion-128"))


def test_a_real_smile_is_read_as_happy_and_goes_to_another_face(pipe):
    wish = pipe.wish(like=SMILING)
    assert wish["expression"]["happy"] > 0.35
    assert sum(wish["expression"].values()) == pytest.approx(1)
    result = pipe(NEUTRAL, like=SMILING)
    assert result.recipes[0].edits[0].expression["happy"] == pytest.approx(wish["expression"]["happy"])
    expected = pipe(NEUTRAL, wish["expression"], controls=wish["controls"]).images[0]
    assert np.array_equal(np.asarray(result.images[0]), np.asarray(expected))


def test_a_painted_smile_is_read_as_the_photographed_one(pipe):
    painted = pipe.wish(like=ROOT / "examples/portraits/oil-eileen-collins.jpg")["expression"]
    assert painted["happy"] > 0.3


def test_a_neutral_face_is_read_as_neutral(pipe):
    assert pipe.wish(like=NEUTRAL)["expression"] == {"neutral": 1}


def test_the_models_own_edits_are_read_as_what_they_are(pipe):
    for name in ("surprised", "angry"):
        edited = pipe(NEUTRAL, name).images[0]
        assert pipe.wish(like=edited)["expression"][name] > 0.85


def test_smiles_of_people_outside_of_the_training_set(pipe, assets):
    smile = pipe.wish(like=assets / "portraits/smiling/london_025.jpg")["expression"]
    assert smile["happy"] > 0.2
    assert max(smile.keys() - {"neutral"}, key=smile.get) == "happy"
    neutral = pipe.wish(like=assets / "portraits/neutral/london_025.jpg")["expression"]
    assert neutral.get("happy", 0) < 0.1


class LinearGenerator:
    """Moves a face by exactly what it lacks of an expression; controls move it further, each along a way of its own."""

    expressions, controls, sample_size = ("happy", "neutral", "sad"), ("eye_wide_left", "squint"), 64

    def __init__(self, shown: np.ndarray):
        """`shown` [5]: how much of each expression and control the face shows."""
        self.ways = np.random.default_rng(0).normal(scale=0.01, size=(5, 2, 64, 64)).astype(np.float32)
        self.shown = np.tensordot(shown.astype(np.float32), self.ways, 1)

    def __call__(self, crops, expression, controls):
        wanted = np.concatenate([expression, controls], axis=1).astype(np.float32)
        lacking = expression.sum(axis=1)[:, None, None, None] * self.shown
        motion = NormalizedFlow(np.tensordot(wanted, self.ways, 1) - lacking)
        return GeneratorOutput(np.zeros_like(crops), None, motion, expression)


def test_controls_are_read_where_expressions_leave_something():
    wish = SARGANPipeline(LinearGenerator(np.array([0.6, 0.4, 0, -0.8, 0]))).wish(like=SMILING)
    assert wish["expression"] == pytest.approx({"happy": 0.6, "neutral": 0.4}, abs=0.03)
    assert wish["controls"] == pytest.approx({"eye_wide_left": -0.8}, abs=0.03)
    plain = SARGANPipeline(LinearGenerator(np.array([0.6, 0.4, 0, 0, 0]))).wish(like=SMILING)
    assert plain["controls"] == {}


def test_what_was_read_with_controls_is_an_edit():
    torch.manual_seed(0)
    names = ["jaw_open", "squint"]
    model = SARGAN(base_channels=8, motion=True, attention_channels=8, sample_size=64, controls=names)
    pipe = SARGANPipeline(heeding_controls(model))
    wish = pipe.wish(like=SMILING)
    assert set(wish["controls"]) <= set(names)
    assert wish["controls"].get("squint", 0) >= 0
    assert pipe(NEUTRAL, like=SMILING).images


def test_what_cannot_be_read_is_refused(pipe):
    with pytest.raises(ConfigurationError, match="like stands for an expression"):
        pipe(NEUTRAL, "happy", like=SMILING)
    with pytest.raises(NoFaceError):
        pipe(NEUTRAL, like=Image.new("RGB", (200, 200), "white"))
    other = SARGAN(base_channels=8, motion=True, attention_channels=8, sample_size=64, expressions=["happy", "sad"])
    with pytest.raises(ConfigurationError, match="a model that knows 'neutral'"):
        SARGANPipeline(other)(NEUTRAL, like=SMILING)


def test_non_negative_solutions_are_those_of_scipy():
    from scipy.optimize import nnls

    random = np.random.default_rng(0)
    rows, wanted = random.normal(size=(6, 40)), random.normal(size=40)
    assert non_negative_solution(rows, wanted) == pytest.approx(nnls(rows.T, wanted)[0], abs=0.01)
