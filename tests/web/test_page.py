"""The page as a visitor uses it."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw
from PIL.TiffImagePlugin import IFDRational

from sargan_hf.presets import SPRITE_NAMES

ROOT = Path(__file__).resolve().parents[2]
PHOTOGRAPH = ROOT / "examples/photos/eileen-collins.jpg"
CAMERA_IS_ON = "(view) => new Promise((done) => (view.onloadeddata = done, view.readyState > 1 && done()))"
MARK = "compositeWithTrainedAlgorithmicMedia"


def wait_for_edit(page, words: str) -> None:
    page.locator("#status", has_text=words).wait_for()


def open_picture(page, *files) -> None:
    before = page.locator("#stage").get_attribute("data-opened")
    page.set_input_files("#file", *files)
    page.wait_for_function("(before) => document.getElementById('stage').dataset.opened !== before", arg=before)
    wait_for_edit(page, "Now happy")


def unfold(page, words: str) -> None:
    page.locator("summary", has_text=words).evaluate("(summary) => { summary.parentElement.open = true; }")


def downloaded(page, button: str) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def shown(page) -> bytes:
    """What the stage shows of the edit."""
    return page.locator("#after").evaluate("(canvas) => canvas.toDataURL()")


def test_it_opens_with_a_finished_edit(first_visit):
    page = first_visit
    page.locator("#examples button").nth(5).wait_for()
    page.wait_for_function("() => document.getElementById('before').width > 300")  # more than an empty canvas has
    before = page.locator("#before").evaluate("(canvas) => canvas.toDataURL()")
    assert page.get_by_role("button", name="Happy").is_visible()
    assert shown(page) != before  # the edit is there before the model is
    empty = "(canvas) => new Set(canvas.getContext('2d').getImageData(0, 0, 128, 128).data).size < 20"
    previews = page.locator("#previews canvas")
    assert [previews.nth(n).evaluate(empty) for n in range(7)] == [False] * 7


def edit_of(page) -> np.ndarray:
    """The pixels of the edit as a file: the stage draws them as large as the page has room for."""
    return np.asarray(Image.open(io.BytesIO(downloaded(page, "Download")[1])))


def test_a_picture_of_ones_own(page, tmp_path):
    open_picture(page, PHOTOGRAPH)
    happy = edit_of(page)
    page.get_by_role("button", name="Surprised").click()
    wait_for_edit(page, "Now surprised, strength 100%")
    surprised = edit_of(page)
    assert not np.array_equal(surprised, happy)
    page.get_by_role("slider", name="Strength").focus()
    page.keyboard.press("ArrowLeft")
    wait_for_edit(page, "strength 95%")
    name, content = downloaded(page, "Download")
    assert name == "eileen-collins.jpg"
    saved, own = Image.open(io.BytesIO(content)), Image.open(PHOTOGRAPH)
    assert (saved.format, saved.size) == ("JPEG", own.size)
    assert MARK in saved.info["xmp"].decode()
    assert "surprised 100% at intensity 0.95" in saved.info["xmp"].decode()
    page.keyboard.press("Control+z")
    wait_for_edit(page, "Now surprised, strength 100%")
    assert np.array_equal(edit_of(page), surprised)
    page.get_by_role("button", name="Undo").click()
    wait_for_edit(page, "Now happy")
    assert np.array_equal(edit_of(page), happy)
    page.get_by_role("button", name="Redo").click()
    wait_for_edit(page, "Now surprised")


def test_a_mix_and_a_region(page):
    open_picture(page, PHOTOGRAPH)
    whole = shown(page)
    unfold(page, "Mix, region, faces")
    page.get_by_label("Mix with").select_option("surprised")
    wait_for_edit(page, "Now happy with 50% surprised")
    page.get_by_label("Mouth", exact=True).check()
    page.get_by_label("Mix with").select_option("")
    wait_for_edit(page, "Now happy, strength")
    assert shown(page) != whole


def test_a_transparent_png_keeps_transparency_and_profile(page, tmp_path):
    picture = Image.open(PHOTOGRAPH).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    path = tmp_path / "Ünï code.png"
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture.save(path, icc_profile=profile)
    open_picture(page, path)
    name, content = downloaded(page, "Download")
    saved = Image.open(io.BytesIO(content))
    assert name == path.name
    assert saved.getchannel("A").tobytes() == picture.getchannel("A").tobytes()
    assert saved.info["icc_profile"] == profile
    assert saved.text["DigitalSourceType"].endswith(MARK)
    assert saved.text["Comment"].startswith("Facial expression edited with SARGAN: happy 100%")
    assert MARK in saved.text["XML:com.adobe.xmp"]


def test_webp_stays_webp(page, tmp_path):
    path = tmp_path / "face.webp"
    Image.open(PHOTOGRAPH).resize((400, 400)).save(path)
    open_picture(page, path)
    name, content = downloaded(page, "Download")
    saved = Image.open(io.BytesIO(content))
    assert (name, saved.format, saved.size) == ("face.webp", "WEBP", (400, 400))
    assert MARK in saved.info["xmp"].decode()


def test_loop_and_all_expressions(page):
    open_picture(page, PHOTOGRAPH)
    name, content = downloaded(page, "Loop (GIF)")
    moving = Image.open(io.BytesIO(content))
    assert (name, moving.format, moving.size) == ("eileen-collins.gif", "GIF", (480, 480))
    assert moving.n_frames == 18
    assert MARK.encode() in content
    page.get_by_role("button", name="All expressions").wait_for()
    name, content = downloaded(page, "All expressions")
    assert name == "eileen-collins-expressions.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        assert files.testzip() is None
        names = ["afraid", "angry", "disgusted", "happy", "neutral", "sad", "surprised"]
        assert files.namelist() == [f"{name}.jpg" for name in names]
        assert all(MARK.encode() in files.read(name) for name in files.namelist())


def test_two_faces(page, tmp_path):
    both = Image.new("RGB", (1100, 600), (90, 110, 100))
    both.paste(Image.open(PHOTOGRAPH).resize((560, 560)), (0, 20))
    both.paste(Image.open(ROOT / "examples/photos/grace-hopper.jpg").resize((440, 515)), (620, 50))
    path = tmp_path / "both.png"
    both.save(path)
    open_picture(page, path)
    one = shown(page)
    unfold(page, "Mix, region, faces")
    page.get_by_label("Face 2").check()
    wait_for_edit(page, "on 2 faces")
    assert shown(page) != one


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("notes.txt", b"not a picture", "notes.txt is not a picture that this browser can read"),
        ("empty.png", None, "No face was found"),
    ],
)
def test_bad_pictures_are_said(page, tmp_path, name, content, says):
    path = tmp_path / name
    if content is None:
        Image.new("RGB", (300, 300), "teal").save(path)
    else:
        path.write_bytes(content)
    page.set_input_files("#file", path)
    page.locator("#status", has_text=says).wait_for()
    open_picture(page, PHOTOGRAPH)  # and the page goes on


def test_the_camera(page):
    before = page.locator("#stage").get_attribute("data-opened")
    page.get_by_role("button", name="Take a picture").click()
    page.locator("#camera-view").evaluate(CAMERA_IS_ON)
    page.get_by_role("button", name="Take it").click()
    page.wait_for_function("(before) => document.getElementById('stage').dataset.opened !== before", arg=before)
    wait_for_edit(page, "Now happy")
    assert page.locator("#camera-view").evaluate("(view) => view.srcObject") is None


def test_the_camera_live(page):
    page.get_by_role("button", name="Angry").click()
    wait_for_edit(page, "Now angry")
    page.get_by_role("button", name="Take a picture").click()
    page.locator("#camera-view").evaluate(CAMERA_IS_ON)
    page.get_by_role("button", name="Live", exact=True).click()
    page.locator("#camera-status", has_text="frames a second").wait_for()
    edited, camera = page.evaluate(
        """() => ["live-view", "camera-view"].map((id) => {
          const canvas = new OffscreenCanvas(480, 480);
          canvas.getContext("2d").drawImage(document.getElementById(id), 0, 0, 480, 480);
          return [...canvas.getContext("2d").getImageData(0, 0, 480, 480).data];
        })"""
    )
    moved = np.abs(np.array(edited) - np.array(camera)).reshape(480, 480, 4).max(axis=2)
    assert (moved > 20).sum() > 500  # the face is angry
    assert (moved[:60] <= 20).all()  # and the rest of the picture stays
    page.get_by_role("button", name="Cancel").click()
    assert page.locator("#camera-view").evaluate("(view) => view.srcObject") is None


def test_sprites_have_the_names_that_front_ends_look_for(page):
    open_picture(page, PHOTOGRAPH)
    name, content = downloaded(page, "Sprites (ZIP)")
    assert name == "eileen-collins-sprites.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        assert files.namelist() == [f"{name}.png" for name in SPRITE_NAMES]
        pictures = {name: Image.open(io.BytesIO(files.read(f"{name}.png"))) for name in ("joy", "anger", "neutral")}
    assert all(MARK in picture.text["XML:com.adobe.xmp"] for picture in pictures.values())
    assert len({picture.tobytes() for picture in pictures.values()}) == 3


def test_a_loop_as_a_film(page, tmp_path):
    open_picture(page, PHOTOGRAPH)
    page.get_by_role("button", name="Surprised").click()
    wait_for_edit(page, "Now surprised")
    name, content = downloaded(page, "Loop (MP4)")
    assert name == "eileen-collins.mp4"
    path = tmp_path / name
    path.write_bytes(content)
    film = cv2.VideoCapture(str(path))
    frames = [frame for _ in range(200) for read, frame in [film.read()] if read]
    assert len(frames) == 4 * 18  # there and back four times
    assert frames[0].shape == (480, 480, 3)
    apart = np.abs(frames[9].astype(int) - frames[0]).max(axis=2)
    assert (apart > 20).sum() > 500  # from the original to the expression
    assert MARK.encode() in content


def test_a_face_marked_by_hand(page, tmp_path):
    """A face that no detector finds: two dots and a line."""
    drawing = Image.new("RGB", (600, 400), "white")
    pen = ImageDraw.Draw(drawing)
    for place in ((250, 150, 262, 162), (330, 150, 342, 162)):
        pen.ellipse(place, fill="black")
    pen.line((260, 240, 330, 240), fill="black", width=6)
    path = tmp_path / "drawing.png"
    drawing.save(path)
    page.set_input_files("#file", path)
    page.locator("#status", has_text="No face was found").wait_for()
    assert page.locator("#download").is_disabled()
    before = shown(page)
    page.get_by_role("button", name="Mark a face").click()
    place = page.locator("#before").bounding_box()
    scale = place["width"] / 600
    corners = [(place["x"] + x * scale, place["y"] + y * scale) for x, y in ((220, 90), (370, 300))]
    page.mouse.move(*corners[0])
    page.mouse.down()
    page.mouse.move(*corners[1], steps=4)
    page.mouse.up()
    wait_for_edit(page, "Now happy")
    assert shown(page) != before
    assert page.locator("#frame").is_hidden()
    by_mouse = shown(page)
    page.get_by_role("button", name="Mark a face").click()  # and with keys alone
    for key in ("ArrowLeft", "Shift+ArrowUp", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function("(before) => document.getElementById('after').toDataURL() !== before", arg=by_mouse)


def test_exif_is_kept_without_the_location(page, tmp_path):
    exif = Image.Exif()
    exif.update({0x0112: 6, 0x010F: "Maker", 0x8298: "somebody", 0xC4A5: b"serial"})
    exif.get_ifd(0x8769).update({0x9003: "2024:05:01 10:00:00", 0x829A: IFDRational(1, 60), 0xA431: "12345"})
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 1.0, 2.0)})
    for suffix in ("jpg", "webp", "png"):
        path = tmp_path / f"turned.{suffix}"
        Image.open(PHOTOGRAPH).resize((300, 400)).rotate(90, expand=True).save(path, exif=exif)
        open_picture(page, path)
        saved = Image.open(io.BytesIO(downloaded(page, "Download")[1]))
        kept = saved.getexif()
        assert saved.size == (300, 400)  # upright
        assert dict(kept) == {0x010F: "Maker", 0x8298: "somebody", 0x8769: kept[0x8769]}
        assert dict(kept.get_ifd(0x8769)) == {0x9003: "2024:05:01 10:00:00", 0x829A: IFDRational(1, 60)}
        assert not kept.get_ifd(0x8825)


def test_the_handle_works_by_keyboard(page):
    compare = page.get_by_label("Comparison: how much of the original is shown")
    compare.focus()
    page.keyboard.press("End")
    assert page.locator("#after").evaluate("(canvas) => getComputedStyle(canvas).clipPath") == "inset(0px 0px 0px 100%)"
    assert compare.get_attribute("aria-valuetext") == "100% original"


@pytest.fixture(scope="module", params=["light", "dark"])
def themed(browser, address, request) -> Iterator[object]:
    """The page in one theme, with all that can be unfolded."""
    context = browser.new_context(color_scheme=request.param, bypass_csp=True, service_workers="block")
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{address}?threads=1")
    page.locator("#download:enabled").wait_for()
    page.locator("details > summary").evaluate_all("(all) => all.forEach((one) => (one.parentElement.open = true))")
    yield page
    context.close()


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_axe_finds_nothing(themed, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    themed.set_viewport_size({"width": width, "height": 900})
    violations = axe.Axe().run(themed).response["violations"]
    assert [(each["id"], [node["html"][:150] for node in each["nodes"]]) for each in violations] == []
    assert themed.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0  # nothing is scrolled sideways
    for opener, closer in (("Take a picture", "Cancel"), ("Mark a face", None)):
        themed.get_by_role("button", name=opener).click()
        violations = axe.Axe().run(themed).response["violations"]
        assert [each["id"] for each in violations] == []
        if closer:
            themed.get_by_role("button", name=closer).click()
        else:
            themed.keyboard.press("Escape")
