"""Odd pictures: every mode in every format with every damage to its metadata is edited and saved, or refused in a sentence."""

import itertools
import struct
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from drawing import bright_grey_profile, swapped_profile
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from sargan_hf.errors import ImageError
from sargan_hf.images import EditedImage, LoadedImage, load_image, save_image
from sargan_hf.images.provenance import DIGITAL_SOURCE_TYPE

NAN, INFINITE = float("nan"), float("inf")
SOURCES = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "GIF", "BMP", "JPEG2000", "ICO", "PPM")
TARGETS = ("jpg", "png", "webp", "tiff", "avif", "gif", "mpo")
PLAIN_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV")
OTHER_MODES = ("I;16", "I", "F", "RGBA, transparent", "P, transparent", "L, transparent", "RGB, transparent")


def pictures(mode: str) -> Image.Image:
    ramp = np.add.outer(np.arange(32) * 3, np.arange(40) * 3).astype(np.uint8)
    colours = Image.fromarray(np.stack([ramp, ramp[::-1], ramp[:, ::-1]], axis=-1))
    if mode in PLAIN_MODES:
        return colours.convert(mode)
    if mode in ("I;16", "I"):
        return Image.fromarray(ramp.astype(np.uint16 if mode == "I;16" else np.int32) * 257)
    if mode == "F":
        return Image.fromarray(ramp.astype(np.float32) / 255)
    image = colours.convert(mode.split(",")[0])
    if image.mode == "RGBA":
        image.putalpha(Image.fromarray(ramp))
    else:
        image.info["transparency"] = (21, 93, 138) if image.mode == "RGB" else 9
    return image


def exif_of_wrong_types() -> bytes:
    """Artist is a number, Make is no text, Model is NaN, Copyright is a fraction, DateTime is negative."""
    tags = ImageFileDirectory_v2()
    values = {0x13B: (4, 123456), 0x10F: (7, b"\xff\xfe\0a"), 0x110: (12, NAN), 0x132: (9, -5)}
    for tag, (kind, value) in (values | {0x8298: (5, IFDRational(5, 1))}).items():
        tags.tagtype[tag] = kind
        tags[tag] = value
    return b"Exif\0\0II*\0\x08\0\0\0" + tags.tobytes(8)


def exif_of_wrong_values() -> bytes:
    exif = Image.Exif()
    exif[0x10E] = "x" * 70_000
    exif.get_ifd(0x8769).update({0x829A: IFDRational(0, 0), 0x829D: IFDRational(1, 0), 0x8827: 70_000})
    return exif.tobytes()


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LARGE = struct.pack(">I", len(SRGB) + (2 << 20)) + SRGB[4:] + bytes(2 << 20)
METADATA = {
    "nothing": {},
    "dpi 0": {"dpi": (0, 0)},
    "dpi NaN": {"dpi": (NAN, NAN)},
    "dpi infinite": {"dpi": (INFINITE, 72)},
    "dpi large": {"dpi": (1e9, 1e9)},
    "dpi of a microscope": {"dpi": (1e5, 1e5)},
    "dpi tiny": {"dpi": (1e-9, 1e-9)},
    "EXIF of wrong types": {"exif": exif_of_wrong_types()},
    "EXIF of wrong values": {"exif": exif_of_wrong_values()},
    "EXIF cut off": {"exif": exif_of_wrong_values()[:60]},
    "EXIF that is none": {"exif": b"Exif\0\0II*\0\xff\xff\xff\x7f"},
    "profile swapped": {"icc_profile": swapped_profile()},
    "profile of grey": {"icc_profile": bright_grey_profile()},
    "profile of Lab": {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()},
    "profile cut off": {"icc_profile": SRGB[:300]},
    "profile that is none": {"icc_profile": b"no profile"},
    "profile of megabytes": {"icc_profile": LARGE},
}


def written(image: Image.Image, format: str, parameters: dict) -> bytes | None:
    """The file, or None where Pillow's writer refuses to make it."""
    buffer = BytesIO()
    try:
        image.save(buffer, format, **parameters)
    except Exception:
        return None
    return buffer.getvalue()


def refusal(call: Callable[[], object]) -> str | None:
    """What the `ImageError` says that `call` ends in, None where there is none; any other error fails the test."""
    try:
        call()
    except ImageError as error:
        return str(error)
    return None


def save_everywhere(picture: LoadedImage, folder: Path) -> int:
    """Saves an edit of the picture in all formats and counts those that hold it."""
    edited, saved = EditedImage.from_image(picture.to_image(), "Edited."), 0
    for suffix in TARGETS:
        path = folder / f"edit.{suffix}"
        save = edited.save if suffix in ("gif", "mpo") else partial(save_image, edited)
        said = refusal(lambda save=save, path=path: save(path, **({"speed": 10} if path.suffix == ".avif" else {})))
        if said is not None:
            assert "; use ." in said
            assert "\n" not in said
            assert picture.mode in ("LA", "RGBA", "I;16") or max(picture.size) > 16_383
            continue
        content = path.read_bytes()
        assert DIGITAL_SOURCE_TYPE.encode() in content
        again = load_image(content)
        assert again.size == picture.size
        if suffix in ("png", "tiff") and len(picture.info.get("icc_profile", b"")) < 1 << 20:
            assert np.array_equal(again.pixels, picture.pixels)
        saved += 1
    return saved


def open_and_save_everywhere(mode: str, formats: Iterable[str], metadata: Iterable[str], folder: Path) -> int:
    """Counts the files that Pillow writes and that can be opened; each must be saved in two formats at least."""
    opened = 0
    for format, name in itertools.product(formats, metadata):
        content = written(pictures(mode), format, METADATA[name])
        if content is None:
            continue
        said = refusal(lambda content=content: load_image(content))
        if said is not None:
            assert "\n" not in said
            continue
        opened += 1
        assert save_everywhere(load_image(content), folder) >= 2, (format, name)
    return opened


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what this file damages
@pytest.mark.parametrize("mode", PLAIN_MODES + OTHER_MODES)
def test_pictures_of_every_mode_and_format_are_saved(tmp_path, mode):
    assert open_and_save_everywhere(mode, SOURCES, ("nothing", "profile swapped"), tmp_path) >= 2


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", SOURCES[:5])
def test_pictures_with_any_damage_to_their_metadata_are_saved(tmp_path, format):
    opened = sum(
        open_and_save_everywhere(mode, (format,), METADATA, tmp_path) for mode in ("L", "RGB", "RGBA, transparent")
    )
    assert opened >= 20


def png_with_resolution(across: int, down: int, unit: int) -> bytes:
    content = written(pictures("RGB"), "PNG", {})
    chunk = b"pHYs" + struct.pack(">IIB", across, down, unit)
    return content[:33] + struct.pack(">I", 9) + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[33:]


def jpeg_with_resolution(unit: int, density: int) -> bytes:
    content = bytearray(written(pictures("RGB"), "JPEG", {}))
    start = content.index(b"JFIF\0") + 7
    content[start : start + 5] = struct.pack(">BHH", unit, density, density)
    return bytes(content)


def tiff_with_resolution(resolution: object) -> bytes:
    return written(pictures("RGB"), "TIFF", {"tiffinfo": {282: resolution, 283: resolution, 296: 2}})


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (png_with_resolution(0, 0, 1), False),
        (png_with_resolution(2**32 - 1, 2**32 - 1, 1), False),
        (png_with_resolution(3937, 3937, 1), True),
        (jpeg_with_resolution(1, 0), False),
        (jpeg_with_resolution(2, 65_535), True),
        (tiff_with_resolution(IFDRational(0, 0)), False),
        (tiff_with_resolution(IFDRational(1, 0)), False),
        (tiff_with_resolution(IFDRational(2**32 - 1, 1)), False),
        (tiff_with_resolution(300), True),
    ],
)
def test_a_resolution_that_is_none_is_dropped_with_a_note(tmp_path, content, kept):
    picture = load_image(content)
    assert ("dpi" in picture.info) == kept
    assert len([note for note in picture.notes if note.endswith("dpi: the edit has none.")]) == (0 if kept else 1)
    assert save_everywhere(picture, tmp_path) == len(TARGETS)


def test_damaged_tags_are_named_and_the_others_kept(tmp_path):
    picture = load_image(written(pictures("RGB"), "JPEG", {"exif": exif_of_wrong_types()}))
    assert picture.notes == ("the data has damaged EXIF: the edit does without Model, Copyright.",)
    save_image(EditedImage.from_image(picture.to_image(), "Edited."), tmp_path / "edit.jpg")
    assert Image.open(tmp_path / "edit.jpg").getexif()[0x10F] == "\xff\xfe\0a"


@pytest.mark.parametrize("size", [(16_400, 16), (16, 33_000), (70_000, 16)])
def test_long_pictures_are_saved_where_they_fit(tmp_path, size):
    picture = load_image(written(Image.new("RGB", size, "red"), "PNG", {}))
    assert save_everywhere(picture, tmp_path) == {16_400: 6, 33_000: 5, 70_000: 2}[max(size)]
