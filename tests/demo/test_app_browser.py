"""The app in a real browser, as a visitor uses it: headless Chromium through Playwright."""

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from app_server import portrait, running_app
from PIL import Image

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic", "--no-first-run",
]  # fmt: skip
SIDE = 380  # pixels of the picture
PATIENCE = 60_000  # milliseconds; a shared machine may be slow, a broken page never answers


def installed_chromium() -> str | None:
    """The browser of SARGAN_CHROMIUM, else the system's; None means Playwright's own."""
    return os.environ.get("SARGAN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=installed_chromium(), args=FLAGS)
        except Error:
            if os.environ.get("CI"):
                raise  # where tests must pass, a missing browser is a failure
            pytest.skip("No browser: install chromium, or run `playwright install chromium`, or set SARGAN_CHROMIUM.")
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def url(tiny_model_folder, tmp_path_factory) -> Iterator[str]:
    with running_app(tiny_model_folder, tmp_path_factory.mktemp("app")) as app:
        yield app.url


@pytest.fixture
def page(browser, url):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    opened.errors = []
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.goto(url, wait_until="domcontentloaded")
    opened.get_by_role("button", name="Happy").wait_for()
    yield opened
    context.close()


@pytest.fixture(scope="module")
def picture(tmp_path_factory) -> Path:
    """A face large enough that the page shows the whole picture, 380 x 380."""
    path = portrait(tmp_path_factory.mktemp("pictures") / "portrait.png")
    Image.open(path).crop((0, 0, SIDE, SIDE)).save(path)
    return path


@pytest.fixture(scope="module")
def two_faces(picture, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "both.png"
    Image.fromarray(np.tile(np.asarray(Image.open(picture))[:300], (1, 2, 1))).save(path)
    return path


def shown(page, index: int) -> np.ndarray:
    """The pixels of the before (0) or after (1) picture."""
    address = page.locator("#result img").nth(index).get_attribute("src")
    return np.asarray(Image.open(io.BytesIO(page.request.get(address).body())).convert("RGB")).astype(int)


def add(page, path: Path) -> None:
    page.locator("#picture input[type=file]").set_input_files(path)


def changes_the_result(page, action) -> None:
    """Does something and waits until another picture is shown after it."""
    last = page.locator("#result img").nth(1).get_attribute("src")
    action()
    page.wait_for_function(
        "last => ![undefined, last].includes(document.querySelectorAll('#result img')[1]?.src)", arg=last
    )


def test_upload_a_portrait_press_happy_see_a_changed_picture(page, picture, tmp_path):
    add(page, picture)
    page.locator("#expressions button img").nth(6).wait_for()
    page.locator("#result img").nth(1).wait_for()
    for name in ("Surprised", "Happy"):
        changes_the_result(page, page.get_by_role("button", name=name).click)
    before, after = shown(page, 0), shown(page, 1)
    assert (before == np.asarray(Image.open(picture))).all()
    assert np.abs(before - after)[60:180, 170:280].max() > 0
    with page.expect_download() as download:
        page.locator("#save").click()
    download.value.save_as(tmp_path / "edited.png")
    assert download.value.suggested_filename == "portrait-happy.png"
    assert Image.open(tmp_path / "edited.png").size == (SIDE, SIDE)
    assert b"SARGAN" in (tmp_path / "edited.png").read_bytes()
    assert page.errors == []


def test_an_example_is_one_click_away(page):
    name = page.locator("#expressions [role=status]")
    changes_the_result(page, page.locator(".examples button.gallery-item").nth(1).click)
    page.locator("#expressions button img").nth(6).wait_for()
    assert "The Birth of Venus" in page.locator(".picture-named").inner_text()
    assert "The result is ready" in name.inner_text()


def test_a_file_that_is_no_picture_gets_a_toast_that_helps(page, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture at all")
    add(page, broken)
    toast = page.get_by_test_id("toast-body")
    toast.wait_for()
    assert "not a picture" in toast.inner_text()
    assert "Traceback" not in page.content()


def test_without_a_face_a_box_can_be_drawn(page, tmp_path):
    grey = tmp_path / "grey.png"
    Image.fromarray(np.random.default_rng(0).integers(90, 130, (400, 400, 3), dtype=np.uint8)).save(grey)
    add(page, grey)
    faces = page.locator("#faces img")
    faces.wait_for()
    size = faces.bounding_box()
    faces.click(position={"x": 0.25 * size["width"], "y": 0.2 * size["height"]})
    page.locator("#faces .corner").first.wait_for(state="attached")
    faces.click(position={"x": 0.75 * size["width"], "y": 0.8 * size["height"]})
    page.locator("#result img").nth(1).wait_for()
    page.locator("#expressions button img").nth(6).wait_for()


def test_a_box_can_be_typed_without_a_pointer(page, tmp_path):
    grey = tmp_path / "grey.png"
    Image.fromarray(np.random.default_rng(1).integers(90, 130, (300, 400, 3), dtype=np.uint8)).save(grey)
    add(page, grey)
    box = page.locator("#face-box textarea, #face-box input").first
    box.wait_for()
    assert "400 wide and 300 high" in page.locator("#face-box").inner_text()
    box.fill("somewhere in the middle")
    box.press("Enter")
    page.get_by_test_id("toast-body").filter(has_text="four numbers").wait_for()
    box.fill("100, 60, 300, 260")
    box.press("Enter")
    page.locator("#expressions button img").nth(6).wait_for()
    assert box.input_value() == "100, 60, 300, 260"  # to be changed, if it was not right


def with_picture(page, path: Path):
    """The page once it has edited a picture in every way: nothing is left to come that would hide an animation."""
    add(page, path)
    page.locator("#expressions button img").nth(6).wait_for()
    page.locator("#result img").nth(1).wait_for()
    return page


@pytest.fixture
def opened(page, picture):
    return with_picture(page, picture)


def test_views_show_the_face_near_and_where_the_network_looked(opened):
    changes_the_result(opened, opened.get_by_label("Heat map").click)
    before, after = shown(opened, 0), shown(opened, 1)
    different = np.abs(before - after).max(axis=2) > 0
    assert different[60:180, 170:280].mean() > 0.9
    assert not different[300:].any()
    changes_the_result(opened, opened.get_by_label("Close-up of the face").click)
    assert shown(opened, 0).shape == shown(opened, 1).shape
    assert shown(opened, 0).shape[0] < 300


def test_the_blend_pad_mixes_by_pointer_and_by_keyboard(opened):
    pad = opened.locator("#pad svg")
    assert pad.get_attribute("aria-valuetext") == "100% happy"
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag():
        opened.mouse.move(x, y - 40)
        opened.mouse.down()
        opened.mouse.move(x, y + 20, steps=4)
        opened.mouse.up()

    changes_the_result(opened, drag)
    mixed = pad.get_attribute("aria-valuetext")
    assert "neutral" in mixed
    assert "angry" in mixed
    opened.get_by_role("button", name="Exact shares").click()
    assert float(opened.get_by_label("number input for Angry").input_value()) > 0
    pad.focus()
    changes_the_result(opened, lambda: opened.keyboard.press("ArrowRight"))
    assert pad.get_attribute("aria-valuetext") != mixed
    changes_the_result(opened, opened.get_by_role("button", name="Sad").click)
    opened.wait_for_function("document.querySelector('#pad svg').getAttribute('aria-valuetext') === '100% sad'")


@pytest.mark.parametrize(("kind", "player"), [("MP4", "#film video"), ("GIF", "#loop img")])
def test_an_animation_is_made_with_progress(page, picture, kind, player, tmp_path):
    large = tmp_path / "large.png"  # its frames take seconds to draw, so that a busy browser cannot miss them
    Image.open(picture).resize((1200, 1200)).save(large)
    opened = with_picture(page, large)
    opened.locator("#film-kind").get_by_label(kind).click()
    opened.evaluate(
        """() => new MutationObserver(() => { window.drew ||= document.body.innerText.includes("Drawing") })
            .observe(document.body, {childList: true, subtree: true, characterData: true})"""
    )
    opened.locator("#animate").click()
    opened.locator(player).wait_for(state="attached")
    opened.locator(player).evaluate("player => player.scrollIntoView()")  # a lazy picture below the page has no size
    opened.locator(player).wait_for()
    assert opened.evaluate("window.drew")
    content = opened.request.get(opened.locator(player).get_attribute("src")).body()
    assert content[4:8] == b"ftyp" if kind == "MP4" else content.startswith(b"GIF89a")
    changes_the_result(opened, opened.get_by_role("button", name="Sad").click)
    opened.locator(player).wait_for(state="hidden")  # it showed another expression
    assert opened.errors == []


def test_how_it_works_shows_what_the_network_did(opened):
    opened.get_by_role("button", name="How it works").click()
    opened.locator("#explain").click()
    opened.locator("#panels img").nth(3).wait_for()


@pytest.mark.parametrize("width", [390, 768])
def test_fits_phones_and_tablets(browser, url, width):
    context = browser.new_context(viewport={"width": width, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(url, wait_until="domcontentloaded")
    page.get_by_role("button", name="Happy").wait_for(timeout=PATIENCE)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#result img").nth(1).wait_for()
    cut = "[...document.querySelectorAll('#expressions button')].filter(e => e.scrollWidth > e.clientWidth).length"
    assert page.evaluate(cut) == 0
    context.close()


def test_everything_has_a_name_and_can_be_reached_by_keyboard(page, picture):
    add(page, picture)
    page.locator("#expressions button img").nth(6).wait_for()
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('button, input:not([type=hidden]):not([type=file]), img')]
            .filter(e => e.offsetParent && !e.textContent.trim() && !e.getAttribute('aria-label')
                && !e.getAttribute('title') && e.getAttribute('alt') === null && !(e.labels && e.labels.length))
            .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert unnamed == []
    page.get_by_role("button", name="Sad").focus()
    first = page.locator("#result img").nth(1).get_attribute("src")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "first => ![undefined, first].includes(document.querySelectorAll('#result img')[1]?.src)", arg=first
    )


def test_faces_are_chosen_by_keyboard(page, two_faces):
    add(page, two_faces)
    second = page.get_by_role("checkbox", name="Face 2")
    second.wait_for()
    page.locator("#result img").nth(1).wait_for()

    def edited_sides() -> list[bool]:
        change = np.abs(shown(page, 0) - shown(page, 1)).max(axis=(0, 2)) > 0
        return [bool(change[:SIDE].any()), bool(change[SIDE:].any())]

    first_choice = edited_sides()
    assert sorted(first_choice) == [False, True]
    second.focus()
    changes_the_result(page, lambda: page.keyboard.press("Space"))
    assert edited_sides() == [True, True]
    page.get_by_role("checkbox", name="Face 1").focus()
    changes_the_result(page, lambda: page.keyboard.press("Space"))
    assert edited_sides() == first_choice[::-1]
    second.focus()
    changes_the_result(page, lambda: page.keyboard.press("Space"))
    assert second.is_checked()  # the last one stays
    page.get_by_role("checkbox", name="All faces").focus()
    changes_the_result(page, lambda: page.keyboard.press("Space"))
    assert edited_sides() == [True, True]
    assert page.errors == []
