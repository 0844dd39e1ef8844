"""The library opens files with the levels that Python finds in them."""

import base64
import io

import numpy as np
import pytest
from browser_edits import edited
from drawing import bright_grey_profile
from odd_pictures import (
    cmyk,
    display_p3_profile,
    orientation,
    photograph,
    press_profile,
    saved,
    sixteen_bits,
    with_gradient,
)
from PIL import Image
from web_visits import library_page

from sargan_hf.images import load_image
from sargan_hf.images.color_modes import profile_space

POINTS = [[30, 30], [50, 30], [40, 40], [32, 50], [48, 50]]  # a face that is not looked for
SIZE = (110, 129)
SAVED = """async (data) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const edit = await window.editor.edit(new Blob([bytes]), { intensity: 0, points: %s });
  const file = new Uint8Array(await (await edit.toFile()).arrayBuffer());
  return btoa(String.fromCharCode(...file));
}"""


def opened(library, content: bytes) -> tuple[np.ndarray, dict]:
    """What the library reads from a file, and what else it says of it."""
    got, answer = edited(library, content, intensity=0, points=POINTS)
    return got.astype(int), answer


def written(library, content: bytes) -> bytes:
    """The file that an edit is saved in."""
    return base64.b64decode(library.evaluate(SAVED % POINTS, base64.b64encode(content).decode()))


def levels(content: bytes) -> np.ndarray:
    """What Python reads from it, with the upper 8 of 16 bits."""
    image = load_image(content)
    pixels = (image.pixels >> 8).astype(np.uint8) if image.pixels.dtype == np.uint16 else image.pixels
    return np.asarray(image.to_image(pixels).convert("RGBA")).astype(int)


def without_webgl(route) -> None:
    """Answers with the worker's script in a browser that can draw on canvases alone."""
    response = route.fetch()
    forget = """{
      const own = OffscreenCanvas.prototype.getContext;
      OffscreenCanvas.prototype.getContext = function (kind, ...rest) {
        return kind === "2d" ? own.call(this, kind, ...rest) : null;
      };
    }"""
    route.fulfill(response=response, body=forget + response.text())


def files() -> dict[str, bytes]:
    plain, transparent = photograph().resize(SIZE), with_gradient().resize(SIZE)
    upside_down = [plain.rotate(180)]
    grey, transpose = plain.convert("L"), Image.Transpose.TRANSPOSE
    return {
        "opaque RGBA": saved(plain.convert("RGBA"), "PNG"),
        "a transparent colour": saved(plain, "PNG", transparency=plain.getpixel((50, 60))),
        "a transparent level": saved(grey, "PNG", transparency=20),
        "a transparent entry of a palette": saved(plain.quantize(64), "PNG", transparency=5),
        "16 bits and transparency": sixteen_bits(transparent),
        "16 bits of grey": sixteen_bits(grey),
        "lossless WebP with colours under transparency": saved(transparent, "WEBP", lossless=True, exact=True),
        "transparent WebP mirrored by EXIF": saved(transparent.transpose(transpose), "WEBP", exif=orientation(5)),
        "transparent AVIF": saved(transparent, "AVIF", quality=90),
        "animated WebP": saved(plain, "WEBP", save_all=True, append_images=upside_down, quality=90),
        "animated GIF": saved(plain, "GIF", save_all=True, append_images=upside_down),
        "animated PNG": saved(plain, "PNG", save_all=True, append_images=upside_down),
        "grey JPEG": saved(grey, "JPEG"),
        "JPEG mirrored by EXIF": saved(plain.transpose(transpose), "JPEG", exif=orientation(5), subsampling="4:2:2"),
    }


@pytest.mark.parametrize("kind", files())
def test_every_level_is_the_files_own(library, kind):
    got, _ = opened(library, files()[kind])
    apart = np.abs(got - levels(files()[kind]))
    assert not apart[..., :3].any()
    # Chromium 156 and libavif 1.4 differ about the range of an AVIF's transparency: 235 in one is 255 in the other.
    assert apart[..., 3].max() <= (20 if kind == "transparent AVIF" else 0)


def test_without_webgl_visible_colours_are_kept(browser, address):
    """A canvas of 16 bits takes the place of a texture. It forgets colours under full transparency alone."""
    page = library_page(browser, address)
    page.route("**/worker-*.js", without_webgl)
    page.evaluate("async () => { window.editor = await window.lib.Sargan.load('../', { threads: 1 }); }")
    content = saved(with_gradient().resize(SIZE), "WEBP", lossless=True, exact=True)
    got, _ = opened(page, content)
    page.context.close()
    expected = levels(content)
    visible = expected[..., 3] > 0
    assert (got == expected)[visible].all()
    assert (got[~visible] == 0).all()
    assert expected[~visible].any()  # or a texture would have passed as well


def test_cmyk_becomes_srgb(library):
    """Browsers hand out no CMYK, and their own conversion cuts where Pillow's rounds."""
    content = saved(cmyk(), "JPEG", quality=92)
    got, answer = opened(library, content)
    assert np.abs(got - levels(content)).max() <= 1
    assert answer["notes"] == ["picture.jpg was CMYK: the edit is sRGB."]


def test_cmyk_follows_its_profile(library):
    """As far as the browser does: Chromium takes black ink for as much of the three others."""
    content = saved(cmyk(), "JPEG", quality=92, icc_profile=press_profile())
    got, _ = opened(library, content)
    right, plain = levels(content), levels(saved(cmyk(), "JPEG", quality=92))
    assert np.abs(got - right).mean() < np.abs(plain - right).mean() / 2


def test_a_jpeg_keeps_its_profile(library):
    content = saved(photograph().resize(SIZE), "JPEG", icc_profile=display_p3_profile())
    with Image.open(io.BytesIO(written(library, content))) as image:
        assert image.info["icc_profile"] == display_p3_profile()


@pytest.mark.parametrize(
    "content",
    [
        saved(cmyk(), "JPEG", icc_profile=press_profile()),
        saved(photograph().resize(SIZE).convert("L"), "JPEG", icc_profile=bright_grey_profile()),
    ],
    ids=["CMYK", "grey"],
)
def test_a_profile_of_other_channels_is_not_saved(library, content):
    file = written(library, content)
    assert file.count(b"ICC_PROFILE\0") <= 1  # a browser's own
    with Image.open(io.BytesIO(file)) as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
        assert profile_space(image.info.get("icc_profile")) in ("RGB", None)
