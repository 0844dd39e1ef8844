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
    return portrait(tmp_path_factory.mktemp("pictures") / "portrait.png")


def shown(page, index: int) -> np.ndarray:
    """The pixels of the before (0) or after (1) picture."""
    address = page.locator("#result img").nth(index).get_attribute("src")
    return np.asarray(Image.open(io.BytesIO(page.request.get(address).body())).convert("RGB")).astype(int)


def add(page, path: Path) -> None:
    page.locator("#picture input[type=file]").set_input_files(path)


def test_upload_a_portrait_press_happy_see_a_changed_picture(page, picture, tmp_path):
    add(page, picture)
    page.locator("#expressions button img").nth(6).wait_for()
    page.locator("#result img").nth(1).wait_for()
    for name in ("Surprised", "Happy"):
        last = page.locator("#result img").nth(1).get_attribute("src")
        page.get_by_role("button", name=name).click()
        page.wait_for_function("last => document.querySelectorAll('#result img')[1].src !== last", arg=last)
    before, after = shown(page, 0), shown(page, 1)
    assert (before == np.asarray(Image.open(picture))).all()
    assert np.abs(before - after)[60:180, 170:280].max() > 0
    page.locator("#prepare").click()
    page.locator("#save").wait_for()
    with page.expect_download() as download:
        page.locator("#save").click()
    download.value.save_as(tmp_path / "edited.png")
    assert Image.open(tmp_path / "edited.png").size == (512, 512)
    assert b"SARGAN" in (tmp_path / "edited.png").read_bytes()
    assert page.errors == []


def test_an_example_is_one_click_away(page):
    page.locator(".examples button.gallery-item").first.click()
    page.locator("#result img").nth(1).wait_for()
    page.locator("#expressions button img").nth(6).wait_for()


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
    size, first = faces.bounding_box(), faces.get_attribute("src")
    faces.click(position={"x": 0.25 * size["width"], "y": 0.2 * size["height"]})
    page.wait_for_function("first => document.querySelector('#faces img').src !== first", arg=first)
    faces.click(position={"x": 0.75 * size["width"], "y": 0.8 * size["height"]})
    page.locator("#result img").nth(1).wait_for()
    page.locator("#expressions button img").nth(6).wait_for()


def test_fits_a_phone(browser, url):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(url, wait_until="domcontentloaded")
    page.get_by_role("button", name="Happy").wait_for(timeout=PATIENCE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_everything_has_a_name_and_can_be_reached_by_keyboard(page, picture):
    add(page, picture)
    page.locator("#expressions button img").nth(6).wait_for()
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('button, input:not([type=hidden]):not([type=file]), img')]
            .filter(e => e.offsetParent && !(e.innerText || '').trim() && !e.getAttribute('aria-label')
                && !e.getAttribute('title') && e.getAttribute('alt') === null && !(e.labels && e.labels.length))
            .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert unnamed == []
    page.get_by_role("button", name="Sad").focus()
    first = page.locator("#result img").nth(1).get_attribute("src")
    page.keyboard.press("Enter")
    page.wait_for_function("first => document.querySelectorAll('#result img')[1].src !== first", arg=first)
