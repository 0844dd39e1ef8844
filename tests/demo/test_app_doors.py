"""What the API and agents can do beyond one expression: it is what Python does with the same arguments."""

import base64
import io
import json
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from app_calls import FILE, api, by_agent, curl, python, upload
from gradio_client import handle_file
from PIL import Image

from sargan_hf import EditRecipe, SARGANPipeline
from sargan_hf.presets import SPRITE_NAMES, shipped_presets

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def path(public_app, photo) -> str:
    return upload(public_app, photo)


@pytest.fixture(scope="module")
def pipe(tiny_model_folder) -> SARGANPipeline:
    return SARGANPipeline.from_pretrained(str(tiny_model_folder))


def pixels(source) -> np.ndarray:
    return np.asarray(Image.open(source).convert("RGB"))


def called(app, endpoint: str, path: str, **given) -> dict:
    """The result of a call by names, over curl's door."""
    from sargan_hf.demo.api_texts import PARAMETERS

    names = [name for name in PARAMETERS[endpoint] if name != "picture"]
    worked, result = curl(app, endpoint, [path, *(given.get(name) for name in names)])
    assert worked, result
    return result


POINTS = [[210, 110], [250, 110], [230, 130], [213, 150], [247, 150]]
EDITS = [
    ({"region": "mouth", "expression": "sad"}, {"expression": "sad", "region": "mouth"}),
    ({"region": [[0, 1], [1, 0.5]]}, {"region": np.array([[0, 1], [1, 0.5]], np.float32)}),
    ({"points": POINTS}, {"points": np.array(POINTS, np.float32)}),
    ({"preset": "Joy", "intensity": 0.5}, {"preset": "joy", "intensity": 0.5}),
    ({"preset": {"expression": {"sad": 1}, "intensity": 0.7}}, {"expression": "sad", "intensity": 0.7}),
    ({"recipe": {"sargan_recipe": 1, "edits": [{"expression": {"angry": 1}, "region": "eyes"}]}},
     {"expression": "angry", "region": "eyes"}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "same"), EDITS, ids=[", ".join(given) for given, _ in EDITS])
def test_an_edit_is_what_python_makes_of_it(public_app, path, photo, pipe, given, same):
    result = called(public_app, "edit", path, **given)
    assert np.array_equal(pixels(result["path"]), np.asarray(pipe(photo, **same).images[0].convert("RGB")))


def test_the_expression_of_another_picture_at_every_door(public_app, path, photo, pipe):
    other = ROOT / "examples/photos/grace-hopper.jpg"
    expected = np.asarray(pipe(photo, like=other).images[0].convert("RGB"))
    uploaded = upload(public_app, other)
    for form in (uploaded, FILE | {"path": uploaded}):
        assert np.array_equal(pixels(called(public_app, "edit", path, like=form)["path"]), expected)
    by_client = python(public_app, handle_file(photo), like=handle_file(other), api_name="/edit")
    assert np.array_equal(pixels(by_client), expected)
    [result] = by_agent(public_app, [("edit", {"picture": path, "like": uploaded})])
    shown = Image.open(io.BytesIO(base64.b64decode(result.content[0].data)))
    assert np.array_equal(np.asarray(shown.convert("RGB")), expected)


@pytest.mark.parametrize("format", ["jpg", "webp", "avif"])
def test_other_formats_and_the_recipe_in_them(public_app, path, format):
    result = called(public_app, "edit", path, expression="sad=0.5, happy=0.5", format=format)
    assert result["path"].endswith(f"edited.{format}")
    recipe = EditRecipe.load(result["path"])
    again = called(public_app, "edit", path, recipe=recipe.to_text(), format=format)
    assert np.array_equal(pixels(result["path"]), pixels(again["path"]))


def test_films_packs_and_sheets(public_app, path, pipe, photo):
    film = called(public_app, "animate", path, expression="happy; sad", seconds=0.1, format="webp")
    with Image.open(film["path"]) as shown:
        assert shown.n_frames == 6
    packed = called(public_app, "edit_all", path, format="webp", region="mouth")
    with zipfile.ZipFile(packed["path"]) as file:
        assert set(file.namelist()) == {f"{name}.webp" for name in pipe.generator.expressions}
    sheet = called(public_app, "edit_all", path, together="sheet")
    assert Image.open(sheet["path"]).format == "PNG"
    sprites = called(public_app, "sprites", path, side=64, format="webp")
    with zipfile.ZipFile(sprites["path"]) as file:
        assert {name for name in file.namelist() if name.endswith("webp")} == {f"{name}.webp" for name in SPRITE_NAMES}


def test_agents_are_shown_pictures_and_fetch_the_rest(public_app, path):
    calls = [("edit", {"picture": path, "preset": "joy", "region": "mouth", "format": "webp"}),
             ("animate", {"picture": path, "expression": ["happy", {"sad": 1}], "seconds": 0.1, "format": "gif"}),
             ("edit_all", {"picture": path}), ("presets", {}), ("controls", {})]  # fmt: skip
    edited, film, packed, presets, controls = by_agent(public_app, calls)
    assert edited.content[0].mimeType == "image/webp"
    assert film.content[0].mimeType == "image/gif"
    assert packed.content[0].text.startswith("File URL: http")
    known = {name for name, preset in shipped_presets().items() if not preset.controls}
    assert set(json.loads(presets.content[0].text)) == known
    assert json.loads(controls.content[0].text) == {}


WRONG = [
    ("edit", {"region": "ear"}, "region must be mouth or eyes, or a map"),
    ("edit", {"region": [[1], [1, 2]]}, "all of one length"),
    ("edit", {"region": [[2, 1]]}, "values from 0 to 1"),
    ("edit", {"points": [1, 2]}, "points must be x and y"),
    ("edit", {"points": POINTS, "faces": "1"}, "Give points or faces, not both"),
    ("edit", {"points": POINTS, "box": [1, 2, 300, 300]}, "Give box or points, not both"),
    ("edit", {"controls": "jaw_open=0.4"}, "has no facial controls"),
    ("edit", {"controls": 5}, "controls must be a mapping"),
    ("edit", {"preset": "glee"}, "There is no preset 'glee'"),
    ("edit", {"preset": "/etc/mine.json"}, "Files of this server are not opened"),
    ("edit", {"preset": "joy", "expression": "sad"}, "give it, or these"),
    ("edit", {"preset": "wink"}, "has no facial controls"),
    ("edit", {"like": "/etc/passwd"}, "no such upload"),
    ("edit", {"like": "http://example.org/a.png"}, "Addresses are not opened"),
    ("edit", {"like": 5}, "like must be an uploaded file"),
    ("edit", {"recipe": "{"}, "recipe is not JSON"),
    ("edit", {"recipe": {"edits": [{}]}}, 'begins with "sargan_recipe"'),
    ("edit", {"recipe": {"sargan_recipe": 1, "edits": [{}]}, "region": "eyes"}, "leave out region"),
    ("edit", {"format": "bmp"}, "format='bmp' is not known: use png, jpg"),
    ("animate", {"seconds": 9}, "seconds must be a number from 0.1 to 3"),
    ("animate", {"expression": ["happy"] * 5}, "1 to 4 expressions; got 5"),
    ("animate", {"format": "avi"}, "use mp4, webp, gif"),
    ("edit_all", {"together": "pile"}, "use zip, sheet"),
    ("edit_all", {"together": "sheet", "format": "webp"}, "a sheet is a PNG picture"),
    ("sprites", {"faces": "all"}, "Sprites are of one face"),
    ("sprites", {"side": 9000}, "side must be a number from 64 to 1024"),
    ("sprites", {"format": "jpg"}, "use png, webp"),
]


@pytest.mark.parametrize(("endpoint", "given", "says"), WRONG)
def test_what_cannot_be_gets_a_sentence(public_app, path, endpoint, given, says):
    from sargan_hf.demo.api_texts import PARAMETERS

    names = [name for name in PARAMETERS[endpoint] if name != "picture"]
    worked, sentence = curl(public_app, endpoint, [path, *(given.get(name) for name in names)])
    assert not worked
    assert says in sentence
    assert sentence.endswith(".")


def test_the_openapi_description_explains_every_parameter(public_app):
    from sargan_hf.demo.api_texts import PARAMETERS

    described = httpx.get(f"{api(public_app)}/openapi.json").json()["paths"]
    for name, parameters in PARAMETERS.items():
        told = described[f"/gradio_api/call/v2/{name}"]["post"]
        schema = told["requestBody"]["content"]["application/json"]["schema"]
        assert list(schema["properties"]) == list(parameters)
        assert told["summary"].endswith(".")
        for key, part in schema["properties"].items():
            assert part["description"].endswith(".")
            assert ("default" in part) == (key != "picture")
    asked = described["/gradio_api/call/v2/edit"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert asked["required"] == ["picture"]
    assert "up to 1.5 exaggerates" in asked["properties"]["intensity"]["description"]
    assert {"type": "string"} in asked["properties"]["expression"]["anyOf"]
