"""Sliders for parts of the face, and presets, in a real browser."""

import numpy as np
import pytest
from playwright.sync_api import expect
from test_app_browser import browser, changes_the_result, shown  # noqa: F401, fixtures
from test_app_stage import OPENS_WITH, folder, page, pipe, url, visit  # noqa: F401, fixtures
from test_app_touches import posts, ready  # noqa: F401, fixtures


def test_sliders_move_parts_of_the_face(page, posts, pipe):  # noqa: F811
    jaw, left, right = (
        page.locator(f"#controls input[name={name}]") for name in ("jaw_open", "smile_left", "smile_right")
    )
    expect(jaw).to_be_hidden()
    page.locator("#controls summary").click()
    page.get_by_role("button", name="As it is").click()
    ready(page, "as it is, intensity 1.")
    assert np.array_equal(shown(page, 0), shown(page, 1))
    left.focus()
    changes_the_result(page, lambda: left.press("End"))
    ready(page, "2 parts of the face moved")
    assert right.input_value() == "1", "linked"
    expect(page.locator("#controls summary")).to_have_text("Move parts of the face (2)")
    page.get_by_label("Left and right together").uncheck()
    right.dblclick()
    ready(page, "1 part of the face moved")
    assert (left.input_value(), right.input_value()) == ("1", "0")
    expected = pipe(OPENS_WITH, controls={"smile_left": 1.0}).images[0].convert("RGB")
    assert np.array_equal(shown(page, 1), np.asarray(expected))
    box = jaw.bounding_box()
    posts.clear()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    changes_the_result(page, lambda: page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 8, steps=12))
    page.mouse.up()
    ready(page, "2 parts of the face moved")
    assert len(posts) <= 13, "no more than one call a step"
    page.get_by_role("button", name="All to 0").click()
    ready(page, "as it is, intensity 1.")


def test_presets_are_shown_on_this_face(page, pipe):  # noqa: F811
    page.locator("#presets summary").click()
    page.locator("#presets button img").nth(41).wait_for(state="attached")
    changes_the_result(page, page.get_by_role("button", name="Closed smile").click)
    expected = pipe(OPENS_WITH, preset="closed smile").images[0].convert("RGB")
    assert np.array_equal(shown(page, 1), np.asarray(expected))
    expect(page.get_by_role("button", name="Closed smile")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_sliders_and_presets(browser, url, theme):  # noqa: F811
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    opened = visit(browser, f"{url}?__theme={theme}", color_scheme=theme)
    for panel in ("#controls", "#presets"):
        opened.locator(f"{panel} summary").click()
    opened.locator("#presets button img").nth(41).wait_for(state="attached")
    violations = axe.Axe().run(opened, context="#parts").response["violations"]
    serious = [each for each in violations if each["impact"] in ("serious", "critical")]
    assert [(each["id"], [node["html"][:150] for node in each["nodes"]]) for each in serious] == []
    opened.context.close()
