"""A model that has facial controls, in the browser: the same edits as Python's, and sliders for them."""

from pathlib import Path

import numpy as np
import pytest
from browser_edits import assert_same
from random_models import heeding_controls, plain_model
from web_visits import library_page, once, opened_page, serving

from sargan_hf.controls import CONTROL_NAMES

ROOT = Path(__file__).resolve().parents[2]
PHOTOGRAPH = ROOT / "examples/photos/eileen-collins.jpg"


@pytest.fixture(scope="module")
def model():
    """Small, with random weights that move faces a good deal: by what the controls say, and by the expression."""
    import torch

    from sargan_hf import SARGAN

    torch.manual_seed(0)
    shape = {"base_channels": 8, "attention_channels": 8, "sample_size": 64, "controls": CONTROL_NAMES}
    made = SARGAN(motion=True, motion_reach=0.1, typical_motion=[0.08] * 7, **shape).eval()
    with torch.no_grad():
        made.conv_out.weight.normal_(std=0.03)
        made.conv_in.weight[:, 3:] *= 8
    return heeding_controls(made)


@pytest.fixture(scope="module")
def address_of_controls(tmp_path_factory, model):
    from sargan_hf.web.web_folder import write_web_folder

    folder = once(
        tmp_path_factory, "controls-folder", lambda path: write_web_folder(model, None, path, "with controls")
    )
    with serving(folder) as url:
        yield url


@pytest.fixture(scope="module")
def controls_library(browser, address_of_controls):
    opened = library_page(browser, address_of_controls)
    yield opened
    opened.context.close()


@pytest.fixture(scope="module")
def controls_pipe(model):
    from sargan_hf import SARGANPipeline

    return SARGANPipeline(model)


@pytest.mark.parametrize(
    "options",
    [
        {"expression": "happy"},
        {"controls": {"jaw_open": 0.6, "smile": -0.5}},
        {"expression": "surprised", "controls": {"eye_wide_left": -1}, "intensity": 0.7},
        {"preset": "wink"},
        {"preset": "confusion", "region": "mouth"},
    ],
    ids=str,
)
def test_an_edit_is_pythons(controls_library, controls_pipe, options):
    said = assert_same(controls_library, controls_pipe, PHOTOGRAPH.read_bytes(), **options)
    python = controls_pipe(PHOTOGRAPH, **options).images[0]
    assert said == python.provenance


def test_controls_change_the_edit(controls_library, controls_pipe):
    """The comparison above would be worth nothing if this random model ignored them."""
    plain, moved = (
        np.asarray(controls_pipe(PHOTOGRAPH, "happy", controls=controls).images[0]).astype(int)
        for controls in (None, {"jaw_open": 1, "smile": 1})
    )
    assert np.abs(plain - moved)[200:400, 150:400].mean() > 2


@pytest.mark.parametrize(
    ("options", "name", "says"),
    [
        ({"controls": {"ear": 1}}, "ControlError", "There is no control"),
        ({"controls": {"squint": -0.5}}, "ControlError", "it goes from 0 to 1"),
        ({"controls": {"smile": 0.5, "smile_left": 0.1}}, "ControlError", "set twice"),
        ({"preset": "grin"}, "PresetError", "There are subtle smile"),
        ({"preset": "wink", "expression": "sad"}, "ConfigurationError", "give it, or these"),
    ],
)
def test_mistakes_are_said(controls_library, options, name, says):
    said = controls_library.evaluate(
        """async (options) => {
          const pixels = new ImageData(64, 64);
          const edit = window.editor.edit(pixels, { box: [8, 8, 56, 56], ...options });
          return edit.catch((error) => [error instanceof window.lib[error.name], error.name, error.message]);
        }""",
        options,
    )
    assert said[:2] == [True, name]
    assert says in said[2]


def test_the_page_has_sliders_and_presets(browser, address_of_controls):
    page = opened_page(browser, address_of_controls)
    page.locator("#download:enabled").wait_for()
    page.locator("#controls summary").click()
    groups = page.locator("#control-groups legend").all_text_contents()
    assert sorted(groups) == ["Brows", "Eyes", "Gaze", "Jaw", "Mouth and nose"]
    sliders = page.locator("#control-groups input")
    assert sorted(sliders.evaluate_all("(all) => all.map((one) => one.name)")) == sorted(CONTROL_NAMES)
    smile = page.get_by_role("slider", name="Left mouth corner")
    smile.focus()
    page.keyboard.press("ArrowRight")
    page.locator("#status", has_text="Now happy and 2 facial controls").wait_for()  # both sides together
    assert page.get_by_role("slider", name="Right mouth corner").input_value() == "0.05"
    page.get_by_role("button", name="Happy").click()  # takes the expression away
    page.locator("#status", has_text="Now 2 facial controls").wait_for()
    page.locator("#presets summary").click()
    wink = page.get_by_role("button", name="Wink")
    wink.click()
    page.locator("#status", has_text="Now happy with 60% neutral and").wait_for()
    assert wink.get_attribute("aria-pressed") == "true"
    assert page.get_by_role("slider", name="Left eye open").input_value() == "-1"
    page.get_by_role("button", name="Undo").click()
    page.locator("#status", has_text="Now 2 facial controls").wait_for()
    assert smile.input_value() == "0.05"
    page.get_by_role("button", name="All to 0").click()
    page.locator("#status", has_text="The picture as it was").wait_for()
    page.context.close()


def test_presets_are_shown_on_this_face(browser, address_of_controls):
    page = opened_page(browser, address_of_controls)
    page.locator("#download:enabled").wait_for()
    page.locator("#presets summary").click()
    first_two = """() => {
        const pixels = [...document.querySelectorAll("#preset-buttons canvas")].slice(0, 2)
            .map((one) => one.getContext("2d").getImageData(0, 0, 128, 128).data);
        return pixels.every((one) => one[3] === 255) && pixels[0].some((level, i) => level !== pixels[1][i]);
    }"""
    page.wait_for_function(first_two)  # and they are not the same
    page.set_input_files("#file", PHOTOGRAPH)
    page.wait_for_function("() => document.getElementById('stage').dataset.opened === '2'")
    page.wait_for_function(first_two)
    page.locator("#controls summary").click()
    smile = page.get_by_role("slider", name="Left mouth corner")
    smile.focus()
    page.keyboard.press("End")
    page.locator("#controls summary", has_text="(2)").wait_for()
    page.keyboard.press("Delete")
    page.locator("#status", has_text="Now happy, strength").wait_for()
    assert smile.input_value() == "0"
    page.context.close()


@pytest.fixture(scope="module")
def address_without_controls(tmp_path_factory):
    from sargan_hf.web.web_folder import write_web_folder

    def write(folder: Path) -> None:
        write_web_folder(plain_model(), None, folder, "without controls")

    with serving(once(tmp_path_factory, "plain-folder", write)) as url:
        yield url


def test_a_model_without_controls_says_so(browser, address_without_controls):
    library = library_page(browser, address_without_controls)
    edit = "window.editor.edit(new ImageData(64, 64), { box: [8, 8, 56, 56], controls: { smile: 1 } })"
    assert "no facial controls" in library.evaluate(f"{edit}.catch((error) => error.message)")
    library.context.close()


def test_the_page_of_a_model_without_controls_has_none(browser, address_without_controls):
    page = opened_page(browser, address_without_controls)
    page.locator("#download:enabled").wait_for()
    assert page.locator("#controls").is_hidden()
    with page.expect_download():
        page.get_by_role("button", name="Sprites (ZIP)").click()
    page.locator("#status", has_text="confusion, curiosity, desire show the face as it is").wait_for()
    page.context.close()
