"""The page as a visitor uses it."""

import io
import re
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PHOTOGRAPH = ROOT / "examples/photos/eileen-collins.jpg"
MARK = "compositeWithTrainedAlgorithmicMedia"


def wait_for_edit(page, words: str) -> None:
    page.locator("#status", has_text=words).wait_for()


def open_picture(page, *files) -> None:
    page.locator("#download:enabled").wait_for()
    page.set_input_files("#file", *files)
    page.locator("#status", has_text="Looking for faces").wait_for()
    wait_for_edit(page, "Now happy")


def downloaded(page, button: str) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def shown(page) -> bytes:
    """What the stage shows of the edit."""
    return page.locator("#after").evaluate("(canvas) => canvas.toDataURL()")


def test_it_opens_with_a_finished_edit(page):
    page.locator("#examples button").nth(5).wait_for()
    page.wait_for_load_state()
    before = page.locator("#before").evaluate("(canvas) => canvas.toDataURL()")
    assert page.get_by_role("button", name="Happy").is_visible()
    assert shown(page) != before  # the edit is there before the model is
    empty = "(canvas) => new Set(canvas.getContext('2d').getImageData(0, 0, 128, 128).data).size < 20"
    previews = page.locator("#previews canvas")
    assert [previews.nth(n).evaluate(empty) for n in range(7)] == [False] * 7


def test_a_picture_of_ones_own(page, tmp_path):
    open_picture(page, PHOTOGRAPH)
    happy = shown(page)
    page.get_by_role("button", name="Surprised").click()
    wait_for_edit(page, "Now surprised, strength 100%")
    surprised = shown(page)
    assert surprised != happy
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
    assert shown(page) == surprised
    page.get_by_role("button", name="Undo").click()
    wait_for_edit(page, "Now happy")
    assert shown(page) == happy
    page.get_by_role("button", name="Redo").click()
    wait_for_edit(page, "Now surprised")


def test_a_mix_and_a_region(page):
    open_picture(page, PHOTOGRAPH)
    whole = shown(page)
    page.get_by_text("Mix, region, faces").click()
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
    name, content = downloaded(page, "Loop")
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
    page.get_by_text("Mix, region, faces").click()
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
    page.locator("#download:enabled").wait_for()
    page.set_input_files("#file", path)
    page.locator("#status", has_text=says).wait_for()
    page.set_input_files("#file", PHOTOGRAPH)  # and the page goes on
    wait_for_edit(page, "Now happy")


def test_the_camera(page):
    page.locator("#download:enabled").wait_for()
    page.get_by_role("button", name="Take a picture").click()
    page.locator("#camera-view").evaluate(
        "(view) => new Promise((done) => (view.onloadeddata = done, view.readyState > 1 && done()))"
    )
    page.get_by_role("button", name="Take it").click()
    page.locator(
        "#status", has_text=re.compile("No face|Now happy")
    ).wait_for()  # the test picture of Chromium has no face
    assert page.locator("#camera-view").evaluate("(view) => view.srcObject") is None


def test_the_handle_works_by_keyboard(page):
    page.locator("#download:enabled").wait_for()
    compare = page.get_by_label("Comparison: how much of the original is shown")
    compare.focus()
    page.keyboard.press("End")
    assert page.locator("#after").evaluate("(canvas) => getComputedStyle(canvas).clipPath") == "inset(0px 0px 0px 100%)"
    assert compare.get_attribute("aria-valuetext") == "100% original"


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(browser, address, width, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=True, service_workers="block"
    )
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(address)
    page.locator("#download:enabled").wait_for()
    page.get_by_text("Mix, region, faces").click()
    violations = axe.Axe().run(page).response["violations"]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    context.close()
    assert [(each["id"], [node["html"][:150] for node in each["nodes"]]) for each in violations] == []
    assert wide <= 0  # nothing has to be scrolled sideways
