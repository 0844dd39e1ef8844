"""Damaged pictures and odd files: named by file or row of the set, whoever meets them; colours as a viewer shows them."""

import contextlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset
from drawing import draw_face
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from sargan_hf.data.examples import schema_features
from sargan_hf.data.image_decoding import decoded_pictures, picture_name, srgb_pixels, stored_pictures
from sargan_hf.data.loading import load_expression_dataset, split_by_subject
from sargan_hf.data.video_frames import Frame, extract_frames
from sargan_hf.errors import DatasetError
from sargan_hf.expressions import EXPRESSIONS
from sargan_hf.images import load_image
from sargan_hf.training.image_cache import FaceCache


@pytest.fixture
def folder(tmp_path) -> Path:
    """Six pictures of six people in two class folders."""
    for index in range(6):
        file = tmp_path / "set" / ("happy" if index % 2 else "sad") / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        draw_face("happy", index).save(file)
    return tmp_path / "set"


def png(mode: str = "RGB", **options) -> bytes:
    buffer = io.BytesIO()
    draw_face("happy", 9).convert(mode).save(buffer, options.pop("format", "PNG"), **options)
    return buffer.getvalue()


UNREADABLE = {
    "empty": b"",
    "text": b"<html>404</html>",
    "half a header": png()[:20],
    "another file": b"%PDF-1.7 ...",
    "a HEIC photo": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
}
TRUNCATED = {"png": png()[:-700], "jpeg": png(format="JPEG")[:600], "gif": png("P", format="GIF")[:-300]}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_files_that_are_no_pictures_are_named_on_loading(folder, content):
    (folder / "happy" / "x.png").write_bytes(content)
    with pytest.raises(DatasetError, match=r"files that cannot be opened as pictures \(1\): .*happy/x.png"):
        load_expression_dataset(folder)
    dataset = load_expression_dataset(folder, refuse_damaged=False)
    with pytest.raises(DatasetError, match=r"happy/x.png: "):
        list(decoded_pictures(dataset))


def test_pipes_are_refused_and_not_waited_for(folder):
    os.mkfifo(folder / "happy" / "x.png")
    with pytest.raises(DatasetError, match=r"cannot be opened as pictures \(1\): .*happy/x.png"):
        load_expression_dataset(folder)


def test_a_name_that_is_not_utf8_is_named(folder):
    os.rename(folder / "sad" / "0.png", os.fsencode(folder / "sad") + b"/Mu\xf1oz.png")
    with pytest.raises(DatasetError, match=r"file names that are not UTF-8.*sad/Mu\\xf1oz.png") as error:
        load_expression_dataset(folder)
    str(error.value).encode()
    os.rename(os.fsencode(folder / "sad"), os.fsencode(folder) + b"/Trist\xe9")
    with pytest.raises(DatasetError, match=r"Trist\\xe9") as error:
        load_expression_dataset(folder)
    str(error.value).encode()


def test_a_video_whose_name_is_not_utf8_is_named(tmp_path):
    video = os.fsencode(tmp_path) + b"/Mu\xf1oz.mp4"
    with open(video, "wb") as file:
        file.write(b"video")
    with pytest.raises(DatasetError, match=r"Mu\\xf1oz.mp4 is not UTF-8"):
        extract_frames([Frame(Path(os.fsdecode(video)), "apex")], tmp_path)


def set_of(contents: list[bytes | None], subjects: list[str] | None = None) -> Dataset:
    """A set with embedded pictures."""
    count = len(contents)
    rows = {
        "image": [None if content is None else {"bytes": content, "path": None} for content in contents],
        "expression": [index % 7 for index in range(count)],
        "subject": subjects or [f"p{index}" for index in range(count)],
        "pair": [""] * count,
    }
    return Dataset.from_dict(rows, features=schema_features(EXPRESSIONS))


@pytest.mark.parametrize(
    "content", [*TRUNCATED.values(), b"text", b"", None], ids=[*TRUNCATED, "text", "empty", "null"]
)
def test_a_damaged_row_is_named_by_its_place_in_the_set(content, tmp_path):
    whole = load_expression_dataset(set_of([png()] * 9 + [content]))
    for part in (whole, whole.select([0, 9]), split_with(whole, "p9")):
        with pytest.raises(DatasetError, match="Picture 9 of the data set"):
            list(decoded_pictures(part))
        with pytest.raises(DatasetError, match="Picture 9 of the data set"):
            FaceCache(part, 40, tmp_path)
    assert not list(tmp_path.glob("*.rgb"))


def split_with(dataset: Dataset, person: str) -> Dataset:
    """The part with `person` of the first split that has them in the smaller part."""
    parts = (split_by_subject(dataset, 0.2, seed)["test"] for seed in range(100))
    return next(part for part in parts if person in part["subject"][:])


def test_a_picture_of_another_form_is_named_by_its_file(folder, tmp_path):
    draw_face("happy", 9).crop((0, 0, 64, 32)).save(folder / "happy" / "x.png")
    with pytest.raises(DatasetError, match=r"happy/x.png has 64 x 32 pixels; training needs square crops"):
        FaceCache(load_expression_dataset(folder), 40, tmp_path)


def sixteen_bits(mode: str, format: str) -> bytes:
    """The grey of the face with twice 8 bits, as the modes hold them."""
    buffer = io.BytesIO()
    grey = np.asarray(draw_face("happy", 9).convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).convert(mode).save(buffer, format)
    return buffer.getvalue()


def unit_range() -> bytes:
    """The grey of the face in floating point from 0 to 1."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(draw_face("happy", 9).convert("L"), np.float32) / 255).save(buffer, "TIFF")
    return buffer.getvalue()


COLOURS: dict[str, Callable[[], bytes]] = {
    "cmyk": lambda: png("CMYK", format="JPEG", quality=95),
    "palette": lambda: png("P"),
    "alpha": lambda: png("RGBA"),
    "lab": lambda: png("LAB", format="TIFF"),
    "animated": lambda: png(format="GIF", save_all=True, append_images=[Image.new("RGB", (64, 64))]),
    "webp": lambda: png(format="WEBP", quality=95),
}
GREYS: dict[str, Callable[[], bytes]] = {
    "grey": lambda: png("L"),
    "grey with alpha": lambda: png("LA"),
    "16 bit": lambda: sixteen_bits("I;16", "PNG"),
    "32 bit": lambda: sixteen_bits("I", "TIFF"),
    "floating point": unit_range,
}


@pytest.mark.parametrize("kind", [*COLOURS, *GREYS])
def test_every_kind_of_colour_is_decoded(kind):
    face = draw_face("happy", 9)
    expected = face if kind in COLOURS else face.convert("L").convert("RGB")
    (picture,) = decoded_pictures(load_expression_dataset(set_of([(COLOURS | GREYS)[kind]()])))
    assert picture.dtype == np.uint8
    assert np.abs(picture - np.asarray(expected, float)).mean() < (15 if kind == "palette" else 4)


@pytest.mark.parametrize("name", ["x.heic", "x.HEIF", "x.jpg"])
def test_photos_of_telephones_are_read_or_named(folder, name, monkeypatch):
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(draw_face("happy", 9)).save(folder / "happy" / name, format="HEIF", quality=95)
    *_, picture = decoded_pictures(load_expression_dataset(folder).select([3]))
    assert np.abs(picture - np.asarray(draw_face("happy", 9), float)).mean() < 4
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(DatasetError, match=rf"happy/{name} \({name} is a HEIC photo, which needs pillow-heif"):
        load_expression_dataset(folder)


def test_values_that_are_no_picture_are_named():
    buffer = io.BytesIO()
    Image.fromarray(np.full((32, 32), -1e9, np.float32)).save(buffer, "TIFF")
    with pytest.raises(DatasetError, match=r"Picture 0 of the data set \(embedded\): .*values from 0 to 1"):
        list(decoded_pictures(load_expression_dataset(set_of([buffer.getvalue()]))))


def test_a_picture_under_a_wrong_suffix_is_what_it_holds(folder):
    for file in folder.rglob("*.png"):
        file.write_bytes(png(format="JPEG"))
        file.rename(file.with_suffix(".gif"))
    assert {picture.shape for picture in decoded_pictures(load_expression_dataset(folder))} == {(64, 64, 3)}


def profile() -> bytes:
    """sRGB with red and blue exchanged, under another name."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {
        bytes(content[at : at + 4]): at for at in range(132, 132 + 12 * int.from_bytes(content[128:132], "big"), 12)
    }
    red, blue = tags[b"rXYZ"] + 4, tags[b"bXYZ"] + 4
    content[red : red + 8], content[blue : blue + 8] = content[blue : blue + 8], content[red : red + 8]
    return bytes(content).replace("sRGB".encode("utf-16-be"), "Swap".encode("utf-16-be"))


def test_colours_are_those_that_a_viewer_shows(tmp_path):
    """A profile with red and blue exchanged: the pixels hold (10, 90, 200), and a viewer shows (200, 90, 10)."""
    image = Image.new("RGB", (32, 32), (10, 90, 200))
    for name, save in (("a.png", {}), ("b.jpg", {"quality": 100}), ("c.tif", {})):
        image.save(tmp_path / name, icc_profile=profile(), **save)
        (picture,) = decoded_pictures(load_expression_dataset(set_of([(tmp_path / name).read_bytes()])))
        assert np.abs(picture.reshape(-1, 3).mean(axis=0) - [200, 90, 10]).max() < 3
    clear = image.convert("RGBA")
    clear.putalpha(255)
    clear.save(tmp_path / "d.png", icc_profile=profile())
    assert np.abs(srgb_pixels(load_image(tmp_path / "d.png"))[0, 0] - np.int16([200, 90, 10])).max() < 3


@pytest.mark.parametrize(
    ("mode", "content"),
    [("RGB", b"no profile"), ("RGB", profile()[:200]), ("L", profile()), ("RGB", b""), ("RGB", "sRGB"), ("LA", profile())],
)  # fmt: skip
def test_profiles_that_say_nothing_change_nothing(tmp_path, mode, content):
    if content == "sRGB":
        content = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = draw_face("happy", 0).convert(mode)
    image.save(tmp_path / "a.png", icc_profile=content)
    image.save(tmp_path / "b.png")
    first, second = (srgb_pixels(load_image(tmp_path / name)).astype(int) for name in ("a.png", "b.png"))
    assert np.abs(first - second).max() <= 1


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 4000), flips=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=8))
def test_no_damage_whatever_is_more_than_one_kind_of_error(cut, flips):
    content = bytearray(png())
    for at, value in flips:
        content[at % len(content)] = value
    dataset = load_expression_dataset(set_of([bytes(content[: max(1, len(content) - cut % len(content))])]))
    with contextlib.suppress(DatasetError):
        (picture,) = decoded_pictures(dataset)
        assert picture.dtype == np.uint8


def test_rows_keep_their_name_where_further_columns_come_and_go():
    dataset = load_expression_dataset(set_of([png()] * 4)).select([3, 1]).add_column("number", [0, 1])
    assert picture_name(stored_pictures(dataset), 0) == "Picture 0 of the data set (embedded)"
    kept = load_expression_dataset(set_of([png()] * 4)).select([3, 1]).remove_columns("pair")
    assert picture_name(stored_pictures(kept), 0) == "Picture 3 of the data set (embedded)"
