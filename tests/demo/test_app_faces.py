"""Choosing faces and drawing boxes, with the pointer and by keyboard, in a real browser."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from app_server import portrait
from PIL import Image
from playwright.sync_api import expect
from skimage import data
from test_app_browser import add, browser, page, picture, shown, url  # noqa: F401, fixtures
from test_app_touches import posts, ready  # noqa: F401, fixtures


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A cat; a woman beside a cat; a crowd of twelve; a sky over grass."""
    folder = tmp_path_factory.mktemp("faces")
    woman, cat = np.asarray(Image.open(portrait(folder / "portrait.png"))), data.cat()
    Image.fromarray(cat).save(folder / "cat.png")
    beside = np.concatenate([woman[:300, 100:400], cat], axis=1)
    Image.fromarray(beside).save(folder / "beside.png")
    crowd = np.full((900, 1240, 3), 110, np.uint8)
    for top in range(3):
        for left in range(4):
            crowd[20 + 290 * top :, 20 + 300 * left :][:260, :260] = woman[:260, 110:370]
    Image.fromarray(crowd).save(folder / "crowd.png")
    ramp = np.linspace((90, 140, 220), (150, 190, 240), 600)[:, None]
    sky = np.broadcast_to(ramp, (600, 800, 3)).round().astype(np.uint8).copy()
    noise = np.random.default_rng(0).integers(0, 60, (150, 800, 1), dtype=np.uint8)
    sky[450:] = cv2.add(np.full((150, 800, 3), (60, 110, 50), np.uint8), np.repeat(noise, 3, axis=2))
    Image.fromarray(sky).save(folder / "sky.png")
    return folder


def draw(page, left: float, top: float, right: float, bottom: float) -> None:  # noqa: F811
    """Drags a box in the picture of faces, in shares of its width and height."""
    image = page.locator("#faces img")
    image.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('#faces img').complete")
    image.element_handle().wait_for_element_state("stable")  # the page may still grow around it
    box = image.bounding_box()
    page.mouse.move(box["x"] + left * box["width"], box["y"] + top * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + right * box["width"], box["y"] + bottom * box["height"], steps=4)
    page.mouse.up()


def changed(page) -> list[bool]:  # noqa: F811
    """Whether the left and the right of the 751 pixels of beside.png are edited."""
    change = np.abs(shown(page, 0) - shown(page, 1)).max(axis=(0, 2)) > 0
    return [bool(change[:300].any()), bool(change[300:].any())]


def boxes(page) -> list[str]:  # noqa: F811
    """The boxes in the picture of faces, as left, top, width and height in hundredths of the picture."""
    return page.evaluate(
        """() => {
            const [, , width, height] = document.querySelector("#faces svg").getAttribute("viewBox").split(" ");
            const share = (rect, name, of) => Math.round((100 * rect.getAttribute(name)) / of);
            return [...document.querySelectorAll("#faces rect:not(.halo)")].map((rect) => [
                share(rect, "x", width), share(rect, "y", height), share(rect, "width", width), share(rect, "height", height),
            ].join(" "));
        }"""
    )


def becomes(page, action) -> None:  # noqa: F811
    """Does something and waits until another result is there."""
    last = page.locator("#result img").nth(1).get_attribute("src") if page.locator("#result img").count() else ""
    action()
    page.wait_for_function("last => (document.querySelectorAll('#result img')[1]?.src ?? '') !== last", arg=last)


def test_a_box_can_be_drawn_again_and_taken_away(page, posts, folder):  # noqa: F811
    add(page, folder / "cat.png")
    page.locator("#faces img").wait_for()
    posts.clear()
    becomes(page, lambda: draw(page, 0.1, 0.1, 0.6, 0.8))
    assert boxes(page) == ["10 10 50 70"]
    page.get_by_role("button", name="Draw the box again").click()
    becomes(page, lambda: draw(page, 0.2, 0.2, 0.8, 0.9))
    assert boxes(page) == ["20 20 60 70"]
    page.get_by_role("button", name="Remove the boxes").click()
    expect(page.locator("#result img")).to_have_count(0)
    page.locator("#face-notice", has_text="No face was found").wait_for()
    assert boxes(page) == []
    assert len(posts) == 3


def test_two_clicks_draw_a_box_and_a_double_click_none(page, folder):  # noqa: F811
    add(page, folder / "cat.png")
    image = page.locator("#faces img")
    image.wait_for()
    size = image.bounding_box()
    image.dblclick(position={"x": 0.2 * size["width"], "y": 0.2 * size["height"]})
    page.locator("#faces .corner").first.wait_for(state="attached")
    image.click(position={"x": 0.8 * size["width"], "y": 0.9 * size["height"]})
    page.locator("#result img").nth(1).wait_for()
    assert boxes(page) == ["20 20 60 70"]


def test_a_box_is_added_beside_a_face_and_replaces_a_wrong_one(page, folder):  # noqa: F811
    add(page, folder / "beside.png")
    page.locator("#result img").nth(1).wait_for()
    becomes(page, page.get_by_label("Whole picture").click)  # the face is a small part of it
    assert changed(page) == [True, False]
    page.get_by_role("button", name="Choose faces").click()
    page.get_by_role("button", name="Add a box by hand").click()
    becomes(page, lambda: draw(page, 0.55, 0.1, 0.95, 0.9))
    assert changed(page) == [True, True]
    becomes(page, page.get_by_role("checkbox", name="Face 1").click)
    assert changed(page) == [False, True]
    woman = [float(side) / 100 for side in boxes(page)[0].split()]
    page.get_by_role("button", name="Add a box by hand").click()
    left, top, width, height = woman
    becomes(page, lambda: draw(page, left - 0.02, top - 0.02, left + width, top + height))
    assert len(boxes(page)) == 2, "the new box takes the place of the face below it"
    assert boxes(page)[0] != " ".join(str(round(100 * side)) for side in woman)
    assert changed(page) == [True, True]


@pytest.mark.parametrize(
    ("box", "says"),
    [
        ("300, 100, 312, 118", "only 12 by 18 pixels"),
        ("300, 100, 303, 104", "only 3 by 4 pixels"),
        ("100, 50, 400, 350", "one even colour"),
        ("5000, 5000, 5200, 5200", "outside the picture"),
        ("left of the tree", "four numbers"),
    ],
)
def test_a_box_that_cannot_be_a_face_is_refused_and_nothing_is_lost(page, folder, box, says):  # noqa: F811
    add(page, folder / "sky.png")
    field = page.locator("#face-box input")
    field.wait_for()
    field.fill("200, 400, 420, 590")  # grass, for want of a face
    becomes(page, lambda: field.press("Enter"))
    drawn, before = boxes(page), shown(page, 1)
    field.fill(box)
    field.press("Enter")
    page.get_by_test_id("toast-body").filter(has_text=says).first.wait_for()
    assert field.input_value() == box
    assert boxes(page) == drawn
    assert np.array_equal(shown(page, 1), before)


def test_the_number_of_faces_is_the_true_one(page, folder):  # noqa: F811
    add(page, folder / "crowd.png")
    page.locator("#face-notice", has_text="12 faces were found; the 8 largest can be edited.").wait_for()
    assert page.get_by_role("checkbox").count() == 9  # and one for all
    expect(page.locator("#face-panel")).to_be_in_viewport()
    becomes(page, page.get_by_role("checkbox", name="All faces").click)
    assert page.locator("#faces rect.is-chosen").count() == 8


def test_a_click_in_the_picture_chooses_a_face(page, folder):  # noqa: F811
    add(page, folder / "crowd.png")
    page.locator("#result img").nth(1).wait_for()
    page.get_by_role("checkbox", name="Face 2").wait_for()
    left, top, width, height = (float(side) / 100 for side in boxes(page)[1].split())
    image = page.locator("#faces img")
    size = image.bounding_box()
    middle = {"x": (left + width / 2) * size["width"], "y": (top + height / 2) * size["height"]}
    becomes(page, lambda: image.click(position=middle))
    expect(page.get_by_role("checkbox", name="Face 2")).to_be_checked()


def test_those_who_use_no_pointer_reach_everything(page, picture):  # noqa: F811
    add(page, picture)
    ready(page, "100% happy")
    assert page.locator("#result img").evaluate_all("images => images.map((image) => image.alt)") == [
        "Your picture before the edit",
        "Your picture after the edit",
    ]
    pressed = page.locator("#expressions button").evaluate_all(
        "all => all.map((one) => [one.innerText, one.ariaPressed])"
    )
    assert [name for name, state in pressed if state == "true"] == ["Happy"]
    line = page.get_by_role("slider", name="Line between before and after")
    line.press("ArrowLeft")
    at = int(line.get_attribute("aria-valuenow"))
    line.press("ArrowLeft")
    expect(line).to_have_attribute("aria-valuenow", str(at - 1))
    becomes(page, lambda: page.get_by_label("Whole picture").press("ArrowRight"))
    expect(page.get_by_label("Close-up of the face")).to_be_checked()
    becomes(page, lambda: page.get_by_label("Whole face").press("ArrowRight"))
    expect(page.get_by_label("Mouth", exact=True)).to_be_checked()
    becomes(page, lambda: page.get_by_label("range slider for Intensity").press("ArrowLeft"))
    for element in ("range slider for Intensity", "Mouth"):
        page.get_by_label(element, exact=True).focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        ring = "() => {const one = document.activeElement; return [one, one.closest('label')].some((it) => it && getComputedStyle(it).outlineStyle === 'solid')}"  # noqa: E501
        assert page.evaluate(ring), element
    assert page.errors == []
