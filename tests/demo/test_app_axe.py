"""The page has no serious accessibility problem that axe-core can find, in light and dark, with everything unfolded."""

import pytest
from test_app_browser import PATIENCE, add, browser, picture, two_faces, url  # noqa: F401, fixtures

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_serious_violation(browser, url, two_faces, theme, width):  # noqa: F811
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{url}?__theme={theme}", wait_until="domcontentloaded")
    page.get_by_role("button", name="Happy").wait_for()
    add(page, two_faces)
    page.locator("#expressions button img").nth(6).wait_for()
    page.locator("#result img").nth(1).wait_for()
    page.get_by_role("checkbox", name="Face 2").check()  # its panel opens by itself
    page.locator("#whose").get_by_label("Face 2").wait_for(state="attached")
    for name in ("Exact shares", "How it works"):
        page.get_by_role("button", name=name).click()
    page.locator("#replay summary").click()
    page.locator("#explain").click()
    page.locator("#panels img").nth(3).wait_for()
    page.wait_for_timeout(500)  # colours fade in
    violations = axe.Axe().run(page).response["violations"]
    context.close()
    serious = [
        (violation["id"], node["html"][:200], node["failureSummary"][:200])
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    assert serious == []
