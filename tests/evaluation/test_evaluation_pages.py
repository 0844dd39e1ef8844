"""The pages for people's eyes in a real browser, opened from their files: keys, progress, sizes, accessibility."""

import json

import pytest
from typer.testing import CliRunner

from sargan_hf.commands.evaluate import evaluate_app
from sargan_hf.evaluation.blind_result import open_result
from sargan_hf.evaluation.blind_test import open_key, write_blind_test
from sargan_hf.evaluation.fault_form import sum_faults, write_fault_form
from sargan_hf.evaluation.samples import load_samples

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")


@pytest.fixture(scope="module")
def blind(drawn_edits, find_points, tmp_path_factory):
    output = tmp_path_factory.mktemp("blind-page") / "test"
    samples = load_samples(str(drawn_edits["faces"]))
    return write_blind_test(str(drawn_edits["A"]), str(drawn_edits["B"]), samples, output, find_points)


@pytest.fixture(scope="module")
def faults(drawn_edits, find_points, tmp_path_factory):
    output = tmp_path_factory.mktemp("fault-page") / "sheet"
    return write_fault_form(str(drawn_edits["A"]), load_samples(str(drawn_edits["faces"])), output, find_points)[0]


@pytest.fixture
def open_page(browser):
    """Opens a page from its file, in a context of its own; whatever the page complains of fails the test."""
    contexts, complaints = [], []

    def opened(path, width=1280, theme="light"):
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        # A picture that was still loading when the page was left is given up by the browser, which is no fault.
        page.on("requestfailed", lambda request: "ABORTED" in request.failure or complaints.append(request.url))
        page.on("request", lambda request: request.url.startswith(("file:", "blob:")) or complaints.append(request.url))
        page.goto(path.resolve().as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def save(page, folder, button="Save the answers"):
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_test_taken_by_keys_is_kept_saved_and_counted(blind, open_page, tmp_path):
    """Somebody who always prefers A, stops half way, goes on, takes one answer back, and saves."""
    path, key_path = blind
    key, page = open_key(key_path), open_page(path)

    def shown():
        return page.locator("#left").get_attribute("src").split("/")[-1].partition("-")[0]

    def prefer(winner):
        page.keyboard.press("ArrowLeft" if key.pairs[shown()].left == winner else "ArrowRight")

    for _ in range(3):
        prefer("A")
    page.reload()
    assert "3 of 6 answered" in page.locator("#count").inner_text()
    assert shown() == list(key.pairs)[3]
    prefer("B")
    page.keyboard.press("Backspace")
    prefer("A")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert "6 of 6 answered" in page.locator("#count").inner_text()
    page.get_by_label("Your name or initials").fill("Anna ←")
    saved = save(page, tmp_path)
    tally = open_result(key_path, [saved]).tallies[0]
    assert (tally.a, tally.b, tally.same, tally.both_broken) == (4, 0, 1, 1)
    assert json.loads(saved.read_text())["rater"] == "Anna ←"
    assert saved.name.startswith("compare-")


def test_saved_answers_can_be_loaded_elsewhere(blind, open_page, tmp_path):
    path, _ = blind
    page = open_page(path)
    page.keyboard.press("ArrowDown")
    saved = save(page, tmp_path)
    other = open_page(path)
    assert "0 of 6" in other.locator("#count").inner_text()
    other.locator("#load").set_input_files(saved)
    other.get_by_text("Loaded.").wait_for()
    assert "1 of 6" in other.locator("#count").inner_text()
    (tmp_path / "wrong.json").write_text('{"form": "compare", "id": "other"}')
    other.locator("#load").set_input_files(tmp_path / "wrong.json")
    other.get_by_text("it belongs to another page").wait_for()
    assert "1 of 6" in other.locator("#count").inner_text()


def test_edits_are_shown_at_512_pixels_and_the_original_in_their_place(blind, open_page):
    page = open_page(blind[0])
    for side in ("#left", "#right"):
        box = page.locator(side).bounding_box()
        assert (round(box["width"]), round(box["height"])) == (512, 512)
    page.keyboard.press("Space")
    assert not page.locator("#left").is_visible()
    assert page.get_by_alt_text("The original in place of edit 1").is_visible()
    page.keyboard.press("Space")
    assert page.locator("#left").is_visible()


def test_faults_marked_by_keys_are_summed_up(faults, open_page, tmp_path):
    page = open_page(faults)
    for key in ("1", "m", "ArrowRight", "4", "4", "3", "Enter", "Enter"):
        page.keyboard.press(key)
    page.reload()
    assert "2 of 3 looked at" in page.locator("#count").inner_text()
    saved = save(page, tmp_path)
    counts = {(count.kind, count.expression): count for count in sum_faults([saved])}
    everything = counts["all", "all"]
    assert everything.edits == 6  # the third face was not looked at
    assert {fault: n for fault, n in everything.faults.items() if n} == {"broken": 1, "weak": 1, "mouth": 1}
    assert counts["all", "afraid"].faults["broken"] == 1
    assert counts["all", "happy"].faults["weak"] == 1
    run = CliRunner().invoke(evaluate_app, ["--sum-faults", str(saved), "--json", str(tmp_path / "sum.json")])
    assert run.exit_code == 0, run.output
    assert "nan" not in run.output
    assert json.loads((tmp_path / "sum.json").read_text())[0]["shares"]["broken"][0] == pytest.approx(1 / 6, abs=1e-3)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280, 1700])
@pytest.mark.parametrize("form", ["blind", "faults"])
def test_pages_fit_and_have_no_serious_violation(form, width, theme, blind, faults, open_page):
    page = open_page(blind[0] if form == "blind" else faults, width, theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for box in [button.bounding_box() for button in page.get_by_role("button").all()]:
        assert box["height"] >= 24
    violations = axe.Axe().run(page).response["violations"]
    serious = [
        (violation["id"], node["html"][:200], node["failureSummary"][:200])
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    assert serious == []
