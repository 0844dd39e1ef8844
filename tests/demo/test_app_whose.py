"""In a real browser: an expression for each face, the expression of another picture, and recipes."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from app_server import ROOT
from PIL import Image
from playwright.sync_api import expect
from test_app_browser import add, browser, changes_the_result, picture, shown, two_faces  # noqa: F401, fixtures
from test_app_stage import folder, page, pipe, url, visit  # noqa: F401, fixtures
from test_app_touches import posts, ready, throw_in  # noqa: F401, fixtures
from typer.testing import CliRunner

from sargan_hf import EditRecipe
from sargan_hf.commands.edit import command

SMILE = ROOT / "examples/photos/eileen-collins.jpg"


def pixels(image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


def saved(page, button: str, path: Path) -> Path:  # noqa: F811
    """The file that a button gives, under its own name in the folder `path`."""
    with page.expect_download() as download:
        page.locator(button).click()
    file = path / download.value.suggested_filename
    download.value.save_as(file)
    return file


def edited_by_command(model: Path, picture: Path, recipe: Path, output: Path) -> Path:  # noqa: F811
    """What `sargan edit --recipe` makes of a picture."""
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, list(map(str, [picture, "-o", output, "--recipe", recipe, "--model", model])))
    assert done.exit_code == 0, done.output
    return output / picture.name


@pytest.fixture
def with_two(page, two_faces):  # noqa: F811
    """The page with two faces: the first happy, the second sad."""
    add(page, two_faces)
    page.get_by_role("checkbox", name="Face 2").check()
    expect(page.locator("#whose").get_by_label("Face 2")).to_be_checked()
    page.get_by_role("button", name="Sad").click()
    ready(page, "100% sad, face 2, intensity 1.")
    return page


def test_another_face_keeps_what_the_first_one_got(with_two, pipe, folder, two_faces, tmp_path):  # noqa: F811
    expected = pipe(two_faces, ["happy", "sad"], faces=[1, 2]).images[0]
    assert np.array_equal(shown(with_two, 1), pixels(expected))
    picture_file = saved(with_two, "#save", tmp_path)
    with_two.locator("#replay summary").click()
    recipe = saved(with_two, "#recipe-save", tmp_path)
    assert (picture_file.name, recipe.name) == ("both-happy-sad.png", "both-happy-sad.json")
    again = pipe(two_faces, **EditRecipe.load(recipe).settings).images[0]
    again.save(tmp_path / "again.png", compress_level=1)
    assert picture_file.read_bytes() == (tmp_path / "again.png").read_bytes()
    by_command = edited_by_command(folder, two_faces, recipe, tmp_path / "out")
    assert np.array_equal(pixels(Image.open(by_command)), pixels(expected))
    assert with_two.errors == []


def test_the_controls_go_from_face_to_face_by_keyboard_and_back_in_time(with_two, pipe, two_faces):  # noqa: F811
    first, alike = (with_two.locator("#whose").get_by_label(name) for name in ("Face 1", "All alike"))
    with_two.locator("#whose").get_by_label("Face 2").press("ArrowLeft")
    expect(first).to_be_checked()
    ready(with_two, "100% happy, face 1, intensity 1.")
    expect(with_two.get_by_role("button", name="Happy")).to_have_attribute("aria-pressed", "true")
    changes_the_result(with_two, lambda: with_two.get_by_label("range slider for Intensity").press("ArrowLeft"))
    expected = pipe(two_faces, ["happy", "sad"], faces=[1, 2], intensity=[0.95, 1.0]).images[0]
    assert np.array_equal(shown(with_two, 1), pixels(expected))
    first.press("ArrowLeft")
    expect(alike).to_be_checked()
    ready(with_two, "100% happy, intensity 0.95.")
    assert np.array_equal(shown(with_two, 1), pixels(pipe(two_faces, "happy", intensity=0.95, faces="all").images[0]))
    changes_the_result(with_two, lambda: with_two.keyboard.press("Control+z"))
    ready(with_two, "100% happy, face 1, intensity 0.95.")
    assert np.array_equal(shown(with_two, 1), pixels(expected))
    with_two.get_by_role("checkbox", name="Face 1").uncheck()
    ready(with_two, "100% sad, intensity 1.")
    expect(with_two.locator("#whose fieldset")).to_be_hidden()
    with_two.get_by_role("checkbox", name="Face 1").check()  # and it has again what it had
    ready(with_two, "100% happy, face 1, intensity 0.95.")
    assert np.array_equal(shown(with_two, 1), pixels(expected))


def test_the_expression_of_another_picture_is_one_step(page, posts, pipe, folder, picture, tmp_path):  # noqa: F811
    add(page, picture)
    page.wait_for_function("() => document.querySelector('#result img')?.naturalWidth === 380")
    before = page.locator("#expressions [role=status]").inner_text()
    posts.clear()
    changes_the_result(page, lambda: throw_in(page, SMILE, "#like .other-file"))
    page.locator("#like .other-note", has_text=f"As in {SMILE.name}.").wait_for()
    page.locator("#like .other-shown").wait_for()
    expected = pipe(picture, like=SMILE).images[0]
    assert np.array_equal(shown(page, 1), pixels(expected))
    assert len(posts) <= 3, "the upload, what it shows, and the edit"
    assert np.array_equal(pixels(Image.open(saved(page, "#save", tmp_path))), pixels(expected))
    page.keyboard.press("Control+z")
    page.wait_for_function(
        "said => document.querySelector('#expressions [role=status]').textContent === said", arg=before
    )
    expect(page.locator("#like .other-note")).to_be_empty()
    assert np.array_equal(shown(page, 1), pixels(pipe(picture, "happy").images[0]))
    changes_the_result(page, lambda: page.keyboard.press("Control+Shift+z"))
    assert np.array_equal(shown(page, 1), pixels(expected))


def test_another_picture_without_a_face_costs_nothing(page, tmp_path):  # noqa: F811
    before = shown(page, 1)
    grey, broken = tmp_path / "grey.png", tmp_path / "broken.png"
    Image.new("RGB", (200, 200), "grey").save(grey)
    broken.write_bytes(b"no picture at all")
    button = page.get_by_role("button", name="Like another picture")
    # Playwright asks Chromium for choosers with the first listener, and a key may be quicker than that.
    page.on("filechooser", lambda chooser: None)
    page.wait_for_function("() => window.sargan?.takers.like")
    for file, says in ((grey, "No face was found in grey.png, whose expression is wanted"), (broken, "not a picture")):
        button.focus()
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Enter")
        chooser.value.set_files(file)
        page.locator("#like .other-note", has_text=says).wait_for()
        assert np.array_equal(shown(page, 1), before)
    expect(page.get_by_role("button", name="Undo")).to_have_attribute("aria-disabled", "true")
    assert page.errors == []


def test_a_recipe_comes_back_by_drop_and_by_choice(with_two, pipe, picture, two_faces, tmp_path):  # noqa: F811
    expected = shown(with_two, 1)
    with_two.locator("#replay summary").click()
    recipe, edited = saved(with_two, "#recipe-save", tmp_path), saved(with_two, "#save", tmp_path)
    for bring in (
        lambda: with_two.locator("#replay input[type=file]").set_input_files(edited),
        lambda: throw_in(with_two, recipe, "#result"),
    ):
        with_two.get_by_role("checkbox", name="Face 1").uncheck()
        changes_the_result(with_two, with_two.get_by_role("button", name="Afraid").click)
        changes_the_result(with_two, bring)
        ready(with_two, "100% happy, face 1, intensity 1.")
        assert np.array_equal(shown(with_two, 1), expected)
    changes_the_result(with_two, with_two.get_by_role("button", name="Undo").click)
    ready(with_two, "100% afraid, intensity 1.")
    mine = {"sargan_recipe": 1, "edits": [{"preset": "wink", "intensity": 0.9, "region": "eyes"}]}
    (tmp_path / "mine.json").write_text(json.dumps(mine))
    changes_the_result(with_two, lambda: throw_in(with_two, tmp_path / "mine.json"))
    made = pipe(two_faces, **EditRecipe.load(tmp_path / "mine.json").settings).images[0]
    assert np.array_equal(shown(with_two, 1), pixels(made))
    expect(with_two.locator("#region").get_by_label("Eyes")).to_be_checked()


def test_a_recipe_that_the_page_cannot_show_is_named_though_its_panel_is_folded(browser, url, tmp_path):  # noqa: F811
    german = visit(browser, url, locale="de-DE")
    before = shown(german, 1)
    odd = {"sargan_recipe": 1, "edits": [{"expression": "happy"}], "transfer": "paste"}
    (tmp_path / "odd.json").write_text(json.dumps(odd))
    throw_in(german, tmp_path / "odd.json")
    told = german.locator(".picture-said", has_text="Die Seite kann dieses Rezept nicht zeigen: Es hat die Übertragung")
    told.wait_for()
    assert np.array_equal(shown(german, 1), before)
    (tmp_path / "broken.png").write_bytes(b"no picture at all")
    add(german, tmp_path / "broken.png")
    german.locator(".picture-said", has_text="broken.png ist kein lesbares Bild").wait_for()
    assert german.errors == []
    german.context.close()
