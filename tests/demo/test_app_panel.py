"""What gradio's own front end shows of the API's words and of refusals, in a real browser."""

from collections.abc import Iterator

import httpx
import pytest
from app_calls import api
from app_server import RunningApp, running_app
from test_app_browser import PATIENCE, browser  # noqa: F401, a fixture


@pytest.fixture(scope="module")
def app(tiny_model_folder, tmp_path_factory) -> Iterator[RunningApp]:
    limits = {"SARGAN_REQUESTS_PER_MINUTE": "20", "SARGAN_VISITORS_PER_ADDRESS": "1"}
    with running_app(tiny_model_folder, tmp_path_factory.mktemp("app"), **limits) as started:
        yield started


@pytest.fixture
def page(app, browser):  # noqa: F811
    opened = browser.new_page(viewport={"width": 1366, "height": 900})
    opened.set_default_timeout(PATIENCE)
    opened.goto(app.url)
    opened.wait_for_selector("#picture input[type=file]", state="attached")
    yield opened
    opened.close()


def test_the_panel_shows_whole_descriptions_and_our_own_example(app, page):
    failed: list[str] = []
    page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
    page.get_by_text("Use via API").click()
    page.get_by_role("button", name="Python").or_(page.locator(".snippet", has_text="Python")).first.click()
    page.get_by_text("at most 25 MB and 40 megapixels.").first.wait_for()
    shown = page.locator("body").inner_text()
    for words in ("{happy: 0.6", "up to 1.5 exaggerates.", "as /find_faces lists them.", "Leave it empty otherwise."):
        assert words in shown.replace('"', "")
    assert f"handle_file('{app.url}/gradio_api/file=" in shown
    assert "githubusercontent" not in shown
    assert not failed


def test_a_visitor_who_does_too_much_is_told_when_to_come_back(app, page, photo):
    statuses = [httpx.post(f"{api(app)}/call/expressions", json={"data": []}).status_code for _ in range(21)]
    assert statuses[-1] == 429
    page.locator("#picture input[type=file]").first.set_input_files(photo)
    told = page.locator(".picture-said", has_text="Come back in")
    told.wait_for()
    assert "{" not in told.inner_text()
    page.get_by_test_id("toast-body").wait_for(state="detached")  # gradio's own, with the raw answer
