"""The page as a stage, in a real browser: it opens with a finished edit, the result stays in view, and steps can be undone."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch
from app_server import ROOT, running_app
from PIL import Image
from playwright.sync_api import expect
from random_models import heeding_controls
from test_app_browser import PATIENCE, add, browser, changes_the_result, picture, shown  # noqa: F401, fixtures
from test_app_touches import posts, ready  # noqa: F401, fixtures

from sargan_hf import SARGAN, SARGANPipeline
from sargan_hf.controls import CONTROL_NAMES
from sargan_hf.demo.example_pictures import OPENING, captions, example_pictures

OPENS_WITH = ROOT / "examples" / OPENING[0]
GRADIOS = {  # gradio's own words
    "range slider for Intensity", "number input for Intensity", "range slider for {name}", "number input for {name}",
    "Reset to default value",
}  # fmt: skip
IN_VIEW = """() => {
    const { top, bottom, height } = document.querySelector(".stage-frame").getBoundingClientRect();
    return (Math.min(innerHeight, bottom) - Math.max(0, top)) / height;
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A saved model with controls, of random weights."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model-with-controls")
    shape = {"base_channels": 8, "attention_channels": 8, "sample_size": 64, "controls": list(CONTROL_NAMES)}
    heeding_controls(SARGAN(motion=True, **shape)).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def pipe(folder) -> SARGANPipeline:
    return SARGANPipeline.from_pretrained(str(folder))


@pytest.fixture(scope="module")
def url(folder, tmp_path_factory) -> Iterator[str]:
    with running_app(folder, tmp_path_factory.mktemp("stage")) as app:
        yield app.url


def visit(browser, url, width=1366, height=768, **options):  # noqa: F811
    context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **options)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    opened.errors = []
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.goto(url, wait_until="domcontentloaded")
    opened.locator("#result img").nth(1).wait_for()
    opened.wait_for_function("() => [...document.querySelectorAll('#result img')].every((one) => one.naturalWidth)")
    return opened


@pytest.fixture
def page(browser, url):  # noqa: F811
    opened = visit(browser, url)
    yield opened
    assert opened.errors == []
    opened.context.close()


def test_it_opens_with_what_the_pipeline_makes_of_a_famous_face(page, posts, pipe):  # noqa: F811
    assert page.locator("#expressions button img").count() == 8, "seven expressions, and the face as it is"
    page.wait_for_function("() => [...document.querySelectorAll('#expressions img')].every((one) => one.naturalWidth)")
    assert np.array_equal(shown(page, 1), np.asarray(pipe(OPENS_WITH, "happy").images[0].convert("RGB")))
    assert "Thomas Gainsborough" in page.locator(".picture-named").inner_text()
    assert posts == []
    changes_the_result(page, page.get_by_role("button", name="Sad").click)
    assert np.array_equal(shown(page, 1), np.asarray(pipe(OPENS_WITH, "sad").images[0].convert("RGB")))


def test_the_line_stands_beside_the_face(page, pipe):
    [face] = pipe.open(OPENS_WITH).find_faces()
    at = int(page.get_by_role("slider", name="Line between before and after").get_attribute("aria-valuenow"))
    assert at / 100 < face.box[0] / Image.open(OPENS_WITH).width


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (390, 844)])
def test_the_result_stays_in_view_while_every_control_is_used(browser, url, width, height):  # noqa: F811
    page = visit(browser, url, width, height, has_touch=width < 760, is_mobile=width < 760)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(IN_VIEW) == 1, "at first"
    page.locator("#controls summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "with every slider"
    for selector in ("#expressions", "#intensity", "#save", "#examples", "#region", "#controls", "#pad", "#animate"):
        page.locator(selector).scroll_into_view_if_needed()
        assert page.evaluate(IN_VIEW) > 0.95, selector
        covered = page.locator(selector).evaluate(
            """(part) => {
                const { left, width, top, bottom } = part.getBoundingClientRect();
                const y = (Math.max(0, top) + Math.min(innerHeight, bottom)) / 2;
                return Boolean(document.elementFromPoint(left + width / 2, y)?.closest("#result"));
            }"""
        )
        assert not covered, selector
    layers = """(selector) => Math.max(...[...document.querySelectorAll(selector)].map(
        (one) => Number(getComputedStyle(one).zIndex) || 0))"""
    if width < 760:
        assert page.evaluate(layers, "#controls-column *") < page.evaluate(layers, "#result"), "nothing shines through"
    page.context.close()


def test_neither_finger_nor_wheel_is_caught_by_the_stage(browser, url):  # noqa: F811
    page = visit(browser, url, 390, 844, has_touch=True, is_mobile=True)
    box = page.locator(".stage-frame").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] - 30
    finger = page.context.new_cdp_session(page)
    for step in range(9):
        kind = "touchMove" if step else "touchStart"
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y - 25 * step}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("scrollY > 100")
    page.context.close()
    page = visit(browser, url)
    page.mouse.move(400, 300)
    page.mouse.wheel(0, 400)
    page.wait_for_function("scrollY > 100")
    page.context.close()


def test_nothing_is_blank_between_edits_and_a_press_shows_the_original(page):
    page.evaluate(
        """() => {
            window.least = 2;
            const look = () => {
                const ready = [...document.querySelectorAll("#result img")].filter((one) => one.complete && one.naturalWidth);
                window.least = Math.min(window.least, ready.length);
                requestAnimationFrame(look);
            };
            look();
        }"""
    )
    for name in ("Sad", "Angry", "Surprised"):
        changes_the_result(page, page.get_by_role("button", name=name).click)
    assert page.evaluate("window.least") == 2
    hold, after = page.get_by_role("button", name="Hold: original"), page.locator("#result img").nth(1)
    hold.focus()
    page.keyboard.down("Space")
    expect(after).to_be_hidden()
    expect(hold).to_have_attribute("aria-pressed", "true")
    page.keyboard.up("Space")
    expect(after).to_be_visible()
    box = page.locator(".stage-frame").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    expect(after).to_be_hidden()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    expect(after).to_be_visible()
    line = page.get_by_role("slider", name="Line between before and after")
    assert 78 <= int(line.get_attribute("aria-valuenow")) <= 82, "a drag moves the line"


def test_every_step_can_be_undone_and_done_again(page, picture):  # noqa: F811
    page.get_by_role("button", name="Sad").click()
    ready(page, "100% sad, intensity 1.")
    page.get_by_label("range slider for Intensity").press("ArrowLeft")
    ready(page, "100% sad, intensity 0.95.")
    add(page, picture)
    page.wait_for_function("() => document.querySelector('#result img')?.naturalWidth === 380")
    undo, redo = page.get_by_role("button", name="Undo"), page.get_by_role("button", name="Redo")
    expect(redo).to_have_attribute("aria-disabled", "true")
    undo.click()
    page.wait_for_function("() => document.querySelector('#result img')?.naturalWidth === 512")
    for words in ("100% sad, intensity 1.", "100% happy, intensity 1."):
        page.keyboard.press("Control+z")
        ready(page, words)
    expect(undo).to_have_attribute("aria-disabled", "true")
    for _ in range(3):
        redo.click()
    page.wait_for_function("() => document.querySelector('#result img')?.naturalWidth === 380")
    ready(page, "100% sad, intensity 0.95.")


def test_from_opening_to_a_saved_edit_of_an_own_picture_in_two_clicks(page, picture, pipe, tmp_path):  # noqa: F811
    own = tmp_path / "Aunt Ada.jpg"
    Image.open(picture).convert("RGB").save(own, quality=90)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files(own)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the picture").click()
    assert download.value.suggested_filename == "Aunt Ada-happy.jpg"
    download.value.save_as(tmp_path / "saved.jpg")
    expected = tmp_path / "expected.jpg"
    pipe(own, "happy").images[0].save(expected)
    assert (tmp_path / "saved.jpg").read_bytes() == expected.read_bytes()


def test_all_expressions_at_once_and_the_clipboard(page, pipe, tmp_path):
    page.get_by_role("button", name="Format, and all expressions at once").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="All expressions as a ZIP").click()
    download.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as pack:
        assert sorted(pack.namelist()) == sorted(f"blue-boy-{name}.jpg" for name in pipe.generator.expressions)
        pipe(OPENS_WITH, "angry").images[0].save(tmp_path / "angry.jpg")
        assert pack.read("blue-boy-angry.jpg") == (tmp_path / "angry.jpg").read_bytes()
    with page.expect_download() as download:
        page.get_by_role("button", name="All expressions on a sheet").click()
    download.value.save_as(tmp_path / "sheet.png")
    assert Image.open(tmp_path / "sheet.png").width > 1000
    assert b"SARGAN" in (tmp_path / "sheet.png").read_bytes()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the picture").click()
    page.locator("#clip-note", has_text="in the clipboard").wait_for()
    content = page.evaluate(
        """async () => {
            const [item] = await navigator.clipboard.read();
            return [...new Uint8Array(await (await item.getType("image/png")).arrayBuffer())];
        }"""
    )
    copied = np.asarray(Image.open(io.BytesIO(bytes(content))).convert("RGB"))
    assert np.array_equal(copied, np.asarray(pipe(OPENS_WITH, "happy").images[0].convert("RGB")))


def test_the_page_speaks_the_language_of_the_browser(browser, url):  # noqa: F811
    page = visit(browser, url, locale="de-AT")
    page.get_by_role("button", name="Fröhlich").wait_for()
    page.get_by_role("button", name="Traurig").click()
    page.locator("#expressions [role=status]", has_text="Das Ergebnis ist fertig: 100 % traurig, Stärke 1.").wait_for()
    assert page.evaluate("document.documentElement.lang") == "de"
    assert "Der blaue Knabe" in page.locator(".picture-named").inner_text()
    left = page.evaluate(
        """() => [...document.querySelectorAll("button, label, legend, summary, h1")].filter((one) => one.offsetParent)
            .map((one) => one.innerText.trim()).filter((words) => /\\b(the|and|of|picture|face)\\b/i.test(words))"""
    )
    assert left == []
    page.context.close()


def test_every_control_is_reached_by_keyboard_and_the_focus_is_seen(page):
    wanted = page.evaluate(
        """() => [...document.querySelectorAll("#workbench :is(button, input, summary, [tabindex='0'])")]
            .filter((one) => one.checkVisibility() && !one.disabled && one.tabIndex >= 0)
            .map((one, i) => (one.dataset.stop = i))"""
    )
    page.evaluate("document.activeElement.blur()")
    reached, unseen = set(), []
    for _ in range(len(wanted) + 40):
        page.keyboard.press("Tab")
        stop, ring, label = page.evaluate(
            """() => {
                const one = document.activeElement, seen = [one, one.closest("label")].some((it) => it && getComputedStyle(it).outlineStyle === "solid");
                return [one.dataset.stop ?? null, seen, one.outerHTML.slice(0, 80)];
            }"""  # noqa: E501
        )
        if stop is not None:
            reached.add(int(stop))
            unseen += [] if ring else [label]
    radios = page.locator("input[type=radio][data-stop]").evaluate_all(
        "all => all.map((one) => Number(one.dataset.stop))"
    )
    assert set(wanted) - reached - set(radios) == set()
    assert unseen == []


def test_a_link_to_the_page_says_what_it_is(url):
    page = httpx.get(url).text
    described = dict(re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)"', page))
    assert described["og:title"] == "SARGAN: change an expression"
    assert "full size" in described["og:description"] == described["description"]
    assert "gradio" not in page.partition("<script")[0].lower().replace("gradio_api/", "")
    card = Image.open(io.BytesIO(httpx.get(described["og:image"]).raise_for_status().content))
    assert card.size == (1200, 630)
    assert httpx.get(f"{url}/favicon.ico").headers["content-type"].startswith("image/svg")


def test_the_examples_are_many_small_and_named():
    folder = ROOT / "examples"
    tabs, named = example_pictures(folder), captions(folder)
    assert all(len(names) >= 8 for names in tabs.values())
    names = [name for pictures in tabs.values() for name in pictures]
    assert set(names) == set(named)
    assert all({"en", "de"} <= set(words) for words in named.values())
    works = [folder / name for name in names if name.startswith("works/")]
    assert sum(path.stat().st_size for path in works) < 2_000_000
    licences = (folder / "LICENSES.md").read_text(encoding="utf-8")
    assert all(f"`{path.relative_to(folder).as_posix()}`" in licences for path in works)


def test_every_sentence_of_a_language_is_one_of_the_page():
    package, demo = ROOT / "sargan_hf", ROOT / "sargan_hf" / "demo"
    source = "\n".join(path.read_text(encoding="utf-8") for path in [*package.rglob("*.py"), *demo.glob("assets/*.js")])
    joined = re.sub(r'"\s*\n\s*f?"', "", source)  # a sentence of several lines
    plain = " ".join(joined.replace("\\n", " ").replace("**", "").split())
    for path in demo.glob("assets/language-*.json"):
        table = json.loads(path.read_text(encoding="utf-8"))
        for words in table.keys() - GRADIOS:
            assert all(name in table[words] for name in words.split() if name.startswith("{") and name.endswith("}")), (
                words
            )
            pieces = [piece.strip(" %.") for piece in re.split(r"\{\w+\}", words)]
            longest = max(pieces, key=len)
            assert (pieces[0] and pieces[0][:18] in plain) or longest[-14:] in plain, words
