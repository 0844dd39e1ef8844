"""Quick and clumsy hands in a real browser: the last touch wins, one touch is one request, and nothing contradicts itself."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from skimage import data
from test_app_browser import SIDE, add, browser, page, picture, shown, two_faces, url, with_picture  # noqa: F401, fixtures

SETTLED = "() => document.querySelector('#expressions [role=status]').textContent.includes(%r)"
DROP = """([selector, name, content, event]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], name, {type: "image/png"}));
    const options = {bubbles: true, cancelable: true};
    const target = document.querySelector(selector);
    if (event === "paste") target.dispatchEvent(new ClipboardEvent("paste", {...options, clipboardData: carried}));
    else for (const kind of ["dragover", "drop"]) {
        target.dispatchEvent(new DragEvent(kind, {...options, dataTransfer: carried}));
    }
}"""


def ready(page, words: str) -> None:  # noqa: F811
    """Waits until the page says that the result of this is ready, as it tells a screen reader."""
    page.wait_for_function(SETTLED % f"The result is ready: {words}")


def throw_in(page, path: Path, selector: str = "body", event: str = "drop") -> None:  # noqa: F811
    """Drops or pastes a file somewhere on the page."""
    page.evaluate(DROP, [selector, path.name, base64.b64encode(path.read_bytes()).decode(), event])


@pytest.fixture
def posts(page):  # noqa: F811
    """The calls of the server that the page makes from now on."""
    made: list[str] = []
    page.on("request", lambda request: made.append(request.url) if request.method == "POST" else None)
    return made


@pytest.fixture
def opened(page, picture):  # noqa: F811
    with_picture(page, picture)
    ready(page, "100% happy, intensity 1.")
    return page


def agreed(page) -> str:  # noqa: F811
    """The one expression that buttons, pad and shares all say."""
    [pressed] = page.locator("#expressions [aria-pressed=true]").all_inner_texts()
    name = pressed.strip().lower()
    expect(page.locator("#pad svg")).to_have_attribute("aria-valuetext", f"100% {name}")
    for share in page.get_by_label(re.compile("^range slider for (?!Intensity)")).all():
        mine = share.get_attribute("aria-label").endswith(name.capitalize())
        expect(share).to_have_value("1" if mine else "0")
    return name


def test_one_touch_is_one_request(page, posts, picture):  # noqa: F811
    with_picture(page, picture)
    ready(page, "100% happy, intensity 1.")
    assert len(posts) <= 2  # the upload and the question
    touches = [
        (lambda: page.get_by_role("button", name="Sad").click(), "100% sad, intensity 1."),
        (lambda: page.get_by_label("range slider for Intensity").press("ArrowLeft"), "100% sad, intensity 0.95."),
        (lambda: page.get_by_label("number input for Intensity").fill("0.5"), "100% sad, intensity 0.5."),
        (lambda: page.locator("#intensity").get_by_label("Reset to default value").click(), "100% sad, intensity 1."),
        (lambda: page.locator("#pad svg").press("ArrowDown"), "90% sad, 10% neutral, intensity 1."),
        (
            lambda: page.get_by_label("range slider for Happy").press("ArrowRight"),
            "86% sad, 10% neutral, 5% happy, intensity 1.",
        ),
    ]
    page.get_by_role("button", name="Exact shares").click()
    for touch, words in touches:
        posts.clear()
        touch()
        ready(page, words)
        assert len(posts) <= 1, words


def test_folding_and_hiding_ask_no_server(opened, posts):
    for name in ("Exact shares", "Choose faces", "How it works", "How it works", "Format, and all expressions at once"):
        opened.get_by_role("button", name=name).click()
    opened.locator("#kind").get_by_label("JPEG").click()
    opened.locator("#film-kind").get_by_label("GIF").click()
    opened.get_by_role("button", name="Add a box by hand").click()
    opened.locator("#faces img").click(position={"x": 10, "y": 10})
    opened.locator("#faces .corner").first.wait_for(state="attached")
    assert posts == []


@pytest.mark.parametrize("gap", [0, 60, 150, 250, 400])
def test_the_last_of_eight_quick_clicks_wins(opened, posts, gap):
    opened.get_by_role("button", name="Exact shares").click()
    opened.get_by_role("button", name="Angry").click()
    ready(opened, "100% angry")
    slowly = shown(opened, 1)
    posts.clear()
    names = ["surprised", "sad", "happy", "angry", "neutral", "afraid", "disgusted", "angry"]
    opened.evaluate(
        """async ([names, gap]) => {
            for (const name of names) {
                document.getElementById(`expression-${name}`).click();
                await new Promise((resolve) => setTimeout(resolve, gap));
            }
        }""",
        [names, gap],
    )
    ready(opened, "100% angry")
    assert agreed(opened) == "angry"
    assert np.array_equal(shown(opened, 1), slowly)
    opened.get_by_role("button", name="Sad").click()  # whatever was still to come would come before this
    ready(opened, "100% sad")
    assert len(posts) <= len(names) + 1


def test_ten_arrow_keys_on_the_pad_are_ten_steps(opened, posts):
    opened.locator("#pad svg").focus()
    opened.evaluate(
        """async () => {
            for (let press = 0; press < 10; press++) {
                document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true}));
                await new Promise((resolve) => setTimeout(resolve, 40));
            }
        }"""
    )
    ready(opened, "50% afraid, 50% angry")  # two and a half expressions on from happy
    assert opened.locator("#pad svg").get_attribute("aria-valuetext") == "50% afraid, 50% angry"
    assert len(posts) <= 10


def test_a_dot_in_the_hand_stays_there(opened):
    box = opened.locator("#pad svg").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    opened.get_by_role("button", name="Sad").click()
    opened.mouse.move(x + 10, y + 10)
    opened.mouse.down()
    opened.mouse.move(x, y + 60)
    held = opened.locator("#pad .dot").get_attribute("cy")
    ready(opened, "100% sad")  # the answer to what was pressed before
    assert opened.locator("#pad .dot").get_attribute("cy") == held
    opened.mouse.up()
    ready(opened, opened.locator("#pad svg").get_attribute("aria-valuetext"))
    assert opened.locator("#pad .dot").get_attribute("cy") == held


def test_of_five_pictures_dropped_over_one_another_the_last_stays(page, posts, picture, tmp_path):  # noqa: F811
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(paths):  # the first takes longest to arrive
        Image.open(picture).resize((1500 - 250 * number,) * 2).save(path)
    for path in paths:
        throw_in(page, path, "#result")
    ready(page, "100% happy")
    page.locator("#expressions img").nth(6).wait_for()
    assert np.array_equal(shown(page, 0), np.asarray(Image.open(paths[-1]).convert("RGB")))
    add(page, picture)
    page.wait_for_function("() => document.querySelector('#result img')?.naturalWidth === 380")
    assert len(posts) <= 3 * 6


def test_of_two_examples_in_a_row_the_second_stays(page, posts):  # noqa: F811
    examples = page.locator(".examples button.gallery-item")
    examples.nth(1).wait_for()
    page.evaluate("() => document.querySelectorAll('.examples button.gallery-item').forEach((one) => one.click())")
    expect(examples.last).to_have_attribute("aria-label", re.compile("Example: "))
    last = Path(examples.last.get_attribute("data-name")).stem
    ready(page, "100% happy")
    with page.expect_download() as download:
        page.locator("#save").click()
    assert download.value.suggested_filename == f"{last}-happy.jpg", "in its own format"
    assert len(posts) <= 2 + 1


@pytest.mark.parametrize("event", ["drop", "paste"])
@pytest.mark.parametrize("selector", ["body", "#result", "footer", "#intensity"])
def test_a_picture_comes_in_anywhere_on_the_page(page, picture, selector, event):  # noqa: F811
    page.locator("footer").wait_for()
    page.locator(selector).first.wait_for(state="attached")
    throw_in(page, picture, selector, event)
    ready(page, "100% happy")
    page.locator("#expressions img").nth(6).wait_for()


def test_choosing_another_picture_keeps_the_one_that_is_there(opened, picture, tmp_path):  # noqa: F811
    with opened.expect_file_chooser() as chooser:
        opened.get_by_role("button", name="Choose a picture").click()
    assert opened.locator("#result img").count() == 2
    other = tmp_path / "other.png"
    Image.open(picture).crop((50, 0, 450, 400)).save(other)
    chooser.value.set_files(other)
    opened.wait_for_function("() => document.querySelector('#result img')?.naturalWidth === 400")


def test_nothing_of_a_person_stays_when_the_picture_goes(opened, tmp_path):
    cat = tmp_path / "cat.png"
    Image.fromarray(data.cat()).save(cat)
    at_once = opened.evaluate(
        """() => {
            document.querySelector(".picture-remove").click();
            return document.querySelectorAll("#expressions img, .faces-picture img[src]").length;
        }"""
    )
    assert at_once == 0
    expect(opened.locator("#result img")).to_have_count(0)
    add(opened, cat)
    opened.locator("#face-notice", has_text="No face was found").wait_for()
    expect(opened.locator("#expressions img, #result img")).to_have_count(0)
    expect(opened.locator("#face-panel")).to_be_in_viewport()


def test_a_file_that_is_no_picture_leaves_the_one_that_was_there(opened, tmp_path):
    before = shown(opened, 1)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture at all")
    add(opened, broken)
    opened.locator(".picture-said", has_text="broken.png is not a picture").wait_for()
    opened.locator("#expressions img").nth(6).wait_for()
    opened.locator("#result img").nth(1).wait_for()
    assert np.array_equal(shown(opened, 1), before)
    assert "Error" not in opened.locator("#result").inner_text()


def test_a_refusal_leaves_the_page_as_it_was(opened, picture, tmp_path):  # noqa: F811
    opened.get_by_role("button", name="Exact shares").click()
    before = shown(opened, 1)
    refusal = {"status": 429, "content_type": "application/json", "body": '{"detail": "Too many requests: wait."}'}
    opened.route("**/queue/join*", lambda route: route.fulfill(**refusal))
    opened.get_by_role("button", name="Surprised").click()
    opened.get_by_test_id("toast-body").filter(has_text="Too many requests").first.wait_for()
    opened.wait_for_function("() => document.querySelector('#expression-happy').ariaPressed === 'true'")
    assert agreed(opened) == "happy"
    other = tmp_path / "other.png"
    Image.open(picture).crop((50, 0, 450, 400)).save(other)
    add(opened, other)
    opened.locator("#expressions img").nth(6).wait_for()
    assert np.array_equal(shown(opened, 1), before)
    assert "Error" not in opened.locator("#result").inner_text()
    opened.unroute("**/queue/join*")
    opened.get_by_role("button", name="Sad").click()
    ready(opened, "100% sad")
    assert agreed(opened) == "sad"


def test_the_limit_of_a_minute_is_not_reached_by_a_visitor(browser, tiny_model_folder, picture, tmp_path):  # noqa: F811
    """Six pictures and thirty touches within seconds, with the limit that the page has by default."""
    from app_server import running_app

    with running_app(tiny_model_folder, tmp_path, SARGAN_REQUESTS_PER_MINUTE="60") as app:
        context = browser.new_context()
        visit = context.new_page()
        visit.set_default_timeout(60_000)
        visit.goto(app.url, wait_until="domcontentloaded")
        for number in range(6):
            path = tmp_path / f"{number}.png"
            Image.open(picture).crop((number, 0, SIDE, SIDE)).save(path)
            add(visit, path)
            visit.wait_for_function(
                "width => document.querySelector('#result img')?.naturalWidth === width", arg=SIDE - number
            )
        for number in range(30):
            visit.locator("#expressions button").nth(number % 7).click()
        ready(visit, "100% angry")
        assert visit.get_by_test_id("toast-body").count() == 0
        context.close()


def test_a_film_of_what_was_wished_before_is_not_shown(opened, posts):
    opened.locator("#animate").click()
    opened.locator("#film").wait_for()  # its progress
    opened.locator("#film-kind").get_by_label("GIF").click()
    expect(opened.locator("#film, #loop")).to_have_count(0)
    opened.locator("#animate[aria-busy=false]").wait_for()
    expect(opened.locator("#film, #loop")).to_have_count(0)
    opened.locator("#animate").click()
    opened.locator("#loop img").wait_for()
    assert opened.locator("#film").count() == 0
    assert len(posts) <= 2


def test_a_file_ordered_of_a_picture_that_is_none_is_not_made_of_another(opened, posts, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture at all")
    opened.route("**/queue/join*", lambda route: None)  # it waits
    with opened.expect_request("**/queue/join*"):
        add(opened, broken)
    opened.locator("#save").click()
    opened.unroute("**/queue/join*")  # and goes on
    opened.locator(".picture-said", has_text="broken.png is not a picture").wait_for()
    opened.get_by_role("button", name="Sad").click()
    ready(opened, "100% sad")
    assert opened.locator("#download-note").inner_text().strip() == ""
    assert len(posts) == 3  # the upload and two questions, no file


def test_a_file_is_ordered_once_by_a_double_click_and_of_the_newest_wish(opened, posts):
    opened.get_by_role("button", name="Angry").click()
    with opened.expect_download() as download:
        opened.locator("#save").dblclick()
    assert download.value.suggested_filename == "portrait-angry.png"
    opened.locator("#download-note", has_text="Saved as portrait-angry.png").wait_for()
    assert len(posts) == 2
