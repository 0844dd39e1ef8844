"""An edit session: each step is made once, as the pipeline makes it, and its memory is known and bounded."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from counted_generator import Counted
from skimage import data

from sargan_hf import SARGANPipeline
from sargan_hf.editing.requests import FaceRequest
from sargan_hf.editing.session import EditModels, EditSession
from sargan_hf.editing.step_cache import StepCache
from sargan_hf.errors import ConfigurationError, ImageError
from sargan_hf.expressions import EXPRESSIONS
from sargan_hf.images import load_image
from sargan_hf.inference import match_strength

HAPPY = np.eye(7, dtype=np.float32)[EXPRESSIONS.index("happy")]


@pytest.fixture(scope="module")
def pipe(tiny_model_folder) -> SARGANPipeline:
    return SARGANPipeline.from_pretrained(str(tiny_model_folder))


@pytest.fixture
def counted(pipe) -> Counted:
    return Counted(pipe.generator)


@pytest.fixture
def session(counted) -> EditSession:
    return EditSession(load_image(data.astronaut()), EditModels(counted))


def edit(session: EditSession, expression: object, **settings: object) -> np.ndarray:
    faces = session.find_faces()
    return np.asarray(session.edit(faces, session.requests(expression, len(faces), **settings))[0])


@pytest.mark.parametrize("settings", [{}, {"intensity": 0.4}, {"region": "mouth"}, {"transfer": "paste"}])
def test_a_session_makes_what_the_pipeline_makes(pipe, session, settings):
    for expression in ("happy", {"sad": 0.5, "angry": 0.5}, "happy"):
        expected = np.asarray(pipe(data.astronaut(), expression, **settings).images[0])
        assert np.array_equal(edit(session, expression, **settings), expected)


def test_the_generator_runs_once_for_each_condition(session, counted):
    for settings in ({}, {"intensity": 0.5}, {"region": "eyes"}, {"region": np.ones((4, 4))}, {"transfer": "residual"}):
        edit(session, "happy", **settings)
    assert counted.calls == [1]
    edit(session, "sad")
    assert counted.calls == [1, 1]


def test_all_that_is_missing_is_made_in_one_call(session, counted):
    [face] = session.find_faces()
    edit(session, "happy")
    each = [FaceRequest(vector) for vector in np.eye(7, dtype=np.float32)]
    outputs = session.outputs([face] * 7, each)
    assert counted.calls == [1, 6]
    assert [output.expression.argmax() for output in outputs] == list(range(7))


def test_regions_do_not_take_each_others_warps(session):
    upper, lower = np.zeros((2, 2)), np.zeros((2, 2))
    upper[0] = lower[1] = 1
    one, other = (edit(session, "surprised", region=region) for region in (upper, lower))
    assert not np.array_equal(one, other)


def test_memory_is_counted_and_bounded(counted):
    session = EditSession(load_image(data.astronaut()), EditModels(counted), max_kept=2)
    assert session.nbytes == data.astronaut().nbytes
    sizes = []
    for expression in EXPRESSIONS:
        edit(session, expression)
        sizes.append(session.nbytes)
    assert sizes[0] < sizes[1] == sizes[2] == sizes[-1]
    [face], [request] = session.find_faces(), session.requests(EXPRESSIONS[-1])
    parts = [session.align(face), *session.outputs([face], [request]), *session.warps([face], [request])]
    assert sizes[0] == data.astronaut().nbytes + sum(part.nbytes for part in parts)


def test_weak_edits_are_made_stronger_whatever_runs_the_generator(session, counted):
    [face], [request] = session.find_faces(), session.requests("happy")
    [plain] = session.outputs([face], [request])
    counted.typical_motion = [1.0] * 7
    again = EditSession(session.image, EditModels(counted))
    [strong] = again.outputs([face], [request])
    np.testing.assert_array_equal(strong.motion, match_strength(plain, [1.0] * 7).motion)
    assert np.abs(strong.motion).max() > np.abs(plain.motion).max()


def test_the_note_names_each_faces_own_strength(session):
    [face] = session.find_faces()
    one, other = FaceRequest(HAPPY, 0.5), FaceRequest(HAPPY, 1)
    assert session.edit([face], [other])[0].provenance.endswith("SARGAN: happy 100% at intensity 1.")
    assert session.edit([face] * 2, [other] * 2)[0].provenance.endswith("happy 100%, happy 100% at intensity 1.")
    both = session.edit([face] * 2, [one, other])[0].provenance
    assert both.endswith("happy 100% at intensity 0.5, happy 100% at intensity 1.")


def test_a_request_that_cannot_work_is_refused():
    with pytest.raises(ConfigurationError, match="intensity"):
        FaceRequest(HAPPY, intensity=2)
    with pytest.raises(ConfigurationError, match="transfer"):
        FaceRequest(HAPPY, transfer="magic")


def test_an_open_image_stays_open(pipe):
    image = load_image(np.full((64, 64, 3), 60_000, np.uint16))
    assert load_image(image) is image
    assert pipe.open(image).image.notes == ("The array has 16 bits a colour: the edit has 8.",)
    with pytest.raises(ImageError, match="more than the 100"):
        load_image(image, max_pixels=100)


def test_threads_may_share_a_session(session):
    alone = {name: edit(session, name) for name in EXPRESSIONS}
    fresh = EditSession(session.image, session.models, max_kept=2)
    with ThreadPoolExecutor(4) as pool:
        for name, made in zip(EXPRESSIONS * 2, pool.map(lambda name: edit(fresh, name), EXPRESSIONS * 2), strict=True):
            assert np.array_equal(made, alone[name])


def test_a_cache_keeps_what_was_used_last():
    cache: StepCache[str, int] = StepCache(2)
    made = []

    def make(keys: list[str]):
        return lambda places: [made.append(keys[place]) or len(keys[place]) for place in places]

    for keys in (["a", "bb"], ["a"], ["ccc"], ["a", "bb", "bb"]):
        assert cache.get_all(keys, make(keys)) == [len(key) for key in keys]
    assert made == ["a", "bb", "ccc", "bb"]
    cache.forget("bb")
    assert "bb" not in cache
