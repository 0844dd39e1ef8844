"""An expression for each face, the expression of another picture, and recipes: what the page makes is what Python makes."""

import json
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
from app_server import ROOT, portrait
from PIL import Image
from random_models import heeding_controls
from test_app_pictures import Visitor

from sargan_hf import SARGAN, EditRecipe, SARGANPipeline
from sargan_hf.controls import CONTROL_NAMES

SMILE = ROOT / "examples/photos/eileen-collins.jpg"


def saved_model(folder: Path, **options: object) -> Path:
    torch.manual_seed(0)
    model = SARGAN(base_channels=8, motion=True, attention_channels=8, sample_size=64, **options)
    heeding_controls(model).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=["with controls", "expressions alone"])
def pipe(request, tmp_path_factory) -> SARGANPipeline:
    controls = list(CONTROL_NAMES) if request.param == "with controls" else []
    return SARGANPipeline.from_pretrained(
        str(saved_model(tmp_path_factory.mktemp("model") / "model", controls=controls))
    )


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> Path:
    """One face twice, beside each other."""
    folder = tmp_path_factory.mktemp("pictures")
    pixels = np.asarray(Image.open(portrait(folder / "portrait.png")))
    Image.fromarray(np.tile(pixels[:300, :380], (1, 2, 1))).save(folder / "both.png")
    return folder / "both.png"


@pytest.fixture
def visitor(pipe, tmp_path) -> Visitor:
    return Visitor(pipe, tmp_path)


def order(visitor: Visitor, name: str, picture: Path, other: Path, **parts: object) -> dict:
    sent = visitor.wish(picture, **parts) | {
        "other": {"path": str(other), "meta": {"_type": "gradio.FileData"}},
        "turn": 3,
    }
    return getattr(visitor.handlers, name)(visitor.handle, sent)


def recipe_file(visitor: Visitor, picture: Path, **parts: object) -> Path:
    return Path(visitor.handlers.recipe(visitor.handle, visitor.wish(picture, **parts))["path"])


SAD = {"blend": {"sad": 1.0}, "controls": {}, "intensity": 0.7, "region": "Mouth"}
TWO = {"chosen": ["f0", "f1"], "current": "f1", "blend": {"angry": 0.25, "happy": 0.75}, "others": {"f0": SAD}}


def test_each_face_has_its_own_edit_and_the_recipe_makes_it_again(pipe, visitor, both, tmp_path):
    visitor.see(both)
    shown = visitor.see(both, **TWO)["result"][1]["path"]
    made = visitor.download(both, **TWO)
    assert made.name == "both-sad-angry-happy.png"
    file = recipe_file(visitor, both, **TWO)
    assert file.name == "both-sad-angry-happy.json"
    again = pipe(both, **EditRecipe.load(file).settings).images[0]
    again.save(tmp_path / "again.png", compress_level=1)
    assert made.read_bytes() == (tmp_path / "again.png").read_bytes()
    assert np.array_equal(Image.open(shown), again)
    spelt = pipe(both, ["sad", TWO["blend"]], intensity=[0.7, 1.0], region=["mouth", None], faces=[1, 2]).images[0]
    assert np.array_equal(spelt, again)
    assert EditRecipe.load(made) == EditRecipe.load(file), "the picture holds the same recipe"


def test_the_file_of_a_recipe_and_a_picture_with_one_bring_the_page_back(visitor, both):
    visitor.see(both)
    wanted = visitor.see(both, **TWO)["state"]
    for file in (recipe_file(visitor, both, **TWO), visitor.download(both, **TWO)):
        visitor.see(both, blend={"afraid": 1.0}, chosen=["f0"])
        read = order(visitor, "replay", both, file)
        assert read["problem"] == ""
        assert read["turn"] == 3
        made = visitor.see(both, **read["parts"])["state"]
        # which face the controls are for is no part of an edit
        edits = [{**state["others"], state["current"]: {part: state[part] for part in SAD}} for state in (wanted, made)]
        assert edits[0] == edits[1]
        assert made["chosen"] == wanted["chosen"]


def test_the_expression_of_another_picture_is_that_of_the_pipeline(pipe, visitor, both, tmp_path):
    visitor.see(both)
    read = order(visitor, "like", both, SMILE)
    assert read["name"] == SMILE.name
    assert json.dumps(read)
    made = visitor.download(both, **read["parts"])
    pipe(both, like=SMILE).images[0].save(tmp_path / "expected.png", compress_level=1)
    assert made.read_bytes() == (tmp_path / "expected.png").read_bytes()


def test_a_picture_without_a_face_has_no_expression_to_take(visitor, both, tmp_path):
    visitor.see(both)
    grey = tmp_path / "grey.png"
    Image.new("RGB", (200, 200), "grey").save(grey)
    read = order(visitor, "like", both, grey)
    assert read["parts"] == {}
    assert read["problem"].startswith("No face was found in grey.png, whose expression is wanted: give a picture")
    assert str(tmp_path) not in read["problem"]
    assert "not a picture" in order(visitor, "like", both, Path(__file__))["problem"]


def test_a_model_without_a_neutral_expression_says_so(both, tmp_path):
    folder = saved_model(tmp_path / "model", expressions=["happy", "sad"])
    visitor = Visitor(SARGANPipeline.from_pretrained(str(folder)), tmp_path)
    visitor.see(both)
    assert "needs a model that knows 'neutral'" in order(visitor, "like", both, SMILE)["problem"]


HAPPY = {"expression": "happy"}


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ({"edits": [HAPPY], "transfer": "paste"}, "The page cannot show this recipe: it has the transfer 'paste'."),
        ({"edits": [HAPPY | {"region": [[0, 1], [1, 0]]}]}, "it has a region that is a map of numbers"),
        ({"edits": [{"expression": [0.5] * 7}]}, "it has weights of expressions that are no blend"),
        ({"edits": [HAPPY], "faces": [3]}, "The recipe is of faces 3, and 2 were found in this picture"),
        ({"edits": [HAPPY, HAPPY, HAPPY], "faces": "all"}, "3 expressions were given for 2 faces"),
        ({"edits": [{"expression": "hungry"}]}, "'hungry' is not an expression"),
        ({"edits": [{"preset": "/etc/model.json"}]}, "Files of this server are not opened"),
        ({"edits": []}, "at least one edit"),
    ],
)
def test_a_recipe_that_cannot_be_shown_is_named_and_changes_nothing(visitor, both, tmp_path, recipe, says):
    visitor.see(both)
    (tmp_path / "mine.json").write_text(json.dumps({"sargan_recipe": 1, **recipe}), encoding="utf-8")
    read = order(visitor, "replay", both, tmp_path / "mine.json")
    assert says in read["problem"]
    assert read["parts"] == {}


def test_what_is_no_recipe_is_refused_by_name(visitor, both, tmp_path):
    visitor.see(both)
    for name, content in {"list.json": b"[]", "noise.json": bytes(range(256)), "empty.json": b""}.items():
        (tmp_path / name).write_bytes(content)
        assert order(visitor, "replay", both, tmp_path / name)["problem"].startswith(f"{name} holds no recipe")
    assert order(visitor, "replay", both, both)["problem"].startswith("both.png holds no recipe")
    (tmp_path / "cut.json").write_text('{"sargan_recipe": 1,')
    assert "recipe is not JSON" in order(visitor, "replay", both, tmp_path / "cut.json")["problem"]
    assert "choose it again" in order(visitor, "replay", both, tmp_path / "gone.json")["problem"]


def test_faces_that_are_chosen_no_more_leave_the_controls_to_the_first_that_is(visitor, both):
    visitor.see(both, **TWO)
    state = visitor.see(both, **TWO | {"chosen": ["f0"]})["state"]
    assert (state["current"], state["blend"], state["intensity"], state["region"]) == (None, {"sad": 1.0}, 0.7, "Mouth")
    assert state["others"]["f1"]["blend"] == TWO["blend"], "and what the other one got is kept"


def test_an_animation_says_that_it_moves_all_faces_alike(visitor, both):
    visitor.see(both)
    with pytest.raises(gr.Error, match="An animation moves all faces alike"):
        visitor.handlers.animate(visitor.handle, visitor.wish(both, **TWO), "GIF")


def test_previews_are_of_the_face_that_the_controls_are_for(visitor, both):
    files = [
        visitor.see(both, **TWO | {"current": name, "others": {}})["previews"]["sad"] for name in ("f0", "f1", None)
    ]
    assert files[0] == files[2] != files[1]
