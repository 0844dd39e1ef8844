"""Opening and saving pictures: what people have, and what somebody sends on purpose."""

import contextlib
import os
import struct
import threading
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps

from sargan_hf.errors import ImageError
from sargan_hf.images import EditedImage, load_image, save_image
from sargan_hf.images.provenance import DIGITAL_SOURCE_TYPE


def gradient(width: int = 64, height: int = 48) -> Image.Image:
    ys, xs = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([xs * 3, ys * 4, (xs + ys) * 2], axis=-1).astype(np.uint8))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(side: int) -> bytes:
    """A PNG that claims side x side pixels in a few bytes."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b"\0" * 999))
        + png_chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "gif", "ppm", "webp", "avif", "jpg"])
def test_usual_formats_open(tmp_path, suffix):
    gradient().save(tmp_path / f"picture.{suffix}")
    picture = load_image(tmp_path / f"picture.{suffix}")
    assert picture.size == (64, 48)
    assert np.abs(picture.rgb8().astype(int) - np.asarray(gradient())).mean() < 12


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK", "YCbCr", "HSV", "I", "F"])
def test_every_colour_mode_opens(mode):
    grey = gradient().convert("L")
    if mode == "F":
        image = Image.fromarray(np.asarray(grey, np.float32) / 255)
    elif mode in ("I", "I;16"):
        image = Image.fromarray(np.asarray(grey).astype(np.int32 if mode == "I" else np.uint16) * 257)
    else:
        image = gradient().convert(mode)
    picture = load_image(image)
    assert picture.mode in ("L", "LA", "RGB", "RGBA", "I;16")
    assert picture.rgb8().shape == (48, 64, 3)


def test_palette_with_transparency_becomes_rgba(tmp_path):
    image = gradient().convert("P")
    image.info["transparency"] = 0
    image.save(tmp_path / "palette.png", transparency=0)
    assert load_image(tmp_path / "palette.png").mode == "RGBA"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_and_not_kept(tmp_path, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    gradient().save(tmp_path / "turned.png", exif=exif)
    upright = ImageOps.exif_transpose(Image.open(tmp_path / "turned.png"))
    picture = load_image(tmp_path / "turned.png")
    assert np.array_equal(picture.pixels, np.asarray(upright))
    edited = EditedImage.from_image(picture.to_image(), "test")
    edited.save(tmp_path / "edited.png")
    assert Image.open(tmp_path / "edited.png").getexif().get(ExifTags.Base.Orientation, 1) == 1


def test_an_animation_gives_its_first_frame_and_says_so(tmp_path):
    frames = [gradient(), Image.new("RGB", (64, 48), "red")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    picture = load_image(tmp_path / "moving.gif")
    assert picture.rgb8()[5, 5, 0] < 100
    assert picture.notes == ("moving.gif is animated: only its first frame is used.",)


def hostile_files(folder) -> dict[str, str]:
    """File name to a part of the one sentence it gets."""
    gradient(400, 400).save(folder / "whole.jpg")
    data = (folder / "whole.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(data[: len(data) // 3])
    gradient(1, 1).save(folder / "one.png")
    (folder / "bomb.png").write_bytes(png_bomb(20_000))
    (folder / "huge_bomb.png").write_bytes(png_bomb(2**31 - 1))
    (folder / "text.jpg").write_text("not a picture")
    (folder / "empty.png").write_bytes(b"")
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 64)
    return {
        "truncated.jpg": "damaged or incomplete",
        "one.png": "has only 1 x 1 pixels",
        "bomb.png": "20000 x 20000 pixels|too large",
        "huge_bomb.png": "too large|more than",
        "text.jpg": "is not a picture that can be read",
        "empty.png": "is empty",
        "folder.png": "is a folder",
        "pipe.png": "is not a regular file",
        "loop.png": "cannot be opened",
        "photo.heic": "is a HEIC photo",
        "missing.png": "There is no file",
    }


def test_hostile_files_get_one_clear_sentence(tmp_path):
    for name, message in hostile_files(tmp_path).items():
        with pytest.raises(ImageError, match=message) as caught:
            load_image(tmp_path / name)
        assert "\n" not in str(caught.value), name
        assert len(str(caught.value)) < 250, name
        assert "max_pixels" not in str(caught.value), name  # not a setting of the pipeline's or the command's


def test_too_many_pixels_are_refused_with_the_limit_and_the_way_out(tmp_path):
    gradient(400, 300).save(tmp_path / "large.png")
    with pytest.raises(ImageError, match=r"400 x 300 pixels, more than the 100,000 that are allowed: make it"):
        load_image(tmp_path / "large.png", max_pixels=100_000)
    (tmp_path / "bomb.png").write_bytes(png_bomb(20_000))
    with pytest.raises(ImageError, match="more than the 89,478,485 pixels that are allowed: make it smaller"):
        load_image(tmp_path / "bomb.png")


def test_a_pipe_that_nobody_writes_to_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    outcome = []

    def open_it():
        try:
            load_image(tmp_path / "pipe.png")
        except ImageError as error:
            outcome.append(error)

    thread = threading.Thread(target=open_it, daemon=True)
    thread.start()
    thread.join(5)
    assert outcome


@pytest.mark.parametrize("suffix", ["png", "tiff", "ppm"])
def test_16_bit_colour_becomes_8_bit_and_says_so(tmp_path, suffix):
    colour = np.linspace(0, 65535, 40 * 32 * 3).reshape(40, 32, 3).astype(np.uint16)
    cv2.imwrite(str(tmp_path / f"deep.{suffix}"), colour)  # Pillow writes no 16-bit colour
    for source in (tmp_path / f"deep.{suffix}", colour):
        picture = load_image(source)
        assert picture.pixels.dtype == np.uint8
        assert [note for note in picture.notes if "16 bits a colour: the edit has 8" in note]


def test_16_bit_grey_stays_as_it_is_without_a_word(tmp_path):
    grey = np.linspace(0, 65535, 40 * 32).reshape(40, 32).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), grey)
    for source in (tmp_path / "deep.png", grey):
        assert np.array_equal(load_image(source).pixels, grey)
        assert load_image(source).notes == ()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((32, 32, 3), np.nan), "NaN"),
        (np.full((32, 32, 3), 3.0), "values from 0 to 1"),
        (np.zeros((3, 32, 32), np.uint8), "Move the channels last"),
        (np.zeros((32, 32, 3), np.int64), "ambiguous"),
        (np.zeros((32,), np.uint8), "shape"),
        (np.zeros((32, 32, 7), np.uint8), "shape"),
        (np.zeros((0, 32, 3), np.float32), "shape"),
    ],
)
def test_wrong_arrays_are_refused(array, message):
    with pytest.raises(ImageError, match=message):
        load_image(array)


@pytest.mark.parametrize("wrong", [None, 5, "https://example.com/a.jpg", "bad\0name", object()])
def test_wrong_sources_are_refused(wrong):
    with pytest.raises(ImageError):
        load_image(wrong)


KINDS = st.sampled_from(["PNG", "JPEG", "GIF", "TIFF"])


@settings(max_examples=150, deadline=None)
@given(position=st.integers(0, 1200), damage=st.binary(min_size=1, max_size=12), kind=KINDS)
def test_damaged_files_open_or_say_why(position, damage, kind):
    buffer = BytesIO()
    gradient().save(buffer, kind)
    content = bytearray(buffer.getvalue())
    position %= len(content)
    content[position : position + len(damage)] = damage
    with contextlib.suppress(ImageError):  # any other error fails the test
        load_image(bytes(content))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff"])
def test_saved_edits_say_that_they_were_edited(tmp_path, suffix):
    edited = EditedImage.from_image(gradient(), "Facial expression edited.")
    save_image(edited, tmp_path / f"edit.{suffix}")
    assert DIGITAL_SOURCE_TYPE.encode() in (tmp_path / f"edit.{suffix}").read_bytes()
    plain = EditedImage.from_image(gradient(), None)
    save_image(plain, tmp_path / f"plain.{suffix}")
    assert DIGITAL_SOURCE_TYPE.encode() not in (tmp_path / f"plain.{suffix}").read_bytes()


def test_location_is_dropped_and_the_colour_profile_kept(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (52.0, 1.0, 2.0)
    exif[ExifTags.Base.Artist] = "A. Painter"
    gradient().save(tmp_path / "photo.jpg", exif=exif, icc_profile=b"a colour profile")
    picture = load_image(tmp_path / "photo.jpg")
    EditedImage.from_image(picture.to_image(), "test").save(tmp_path / "edit.jpg")
    saved = Image.open(tmp_path / "edit.jpg")
    assert not saved.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    assert saved.getexif()[ExifTags.Base.Artist] == "A. Painter"
    assert saved.info["icc_profile"] == b"a colour profile"


def test_saving_leaves_nothing_half_written(tmp_path):
    with pytest.raises(ImageError, match=r"use one of \.jpg"):
        save_image(gradient(), tmp_path / "edit.xyz")
    transparent = gradient().convert("RGBA")
    transparent.putalpha(100)
    with pytest.raises(ImageError, match="transparency"):
        save_image(transparent, tmp_path / "edit.jpg")
    with pytest.raises(ImageError, match="Cannot save"):
        save_image(gradient(), tmp_path / "no such folder" / "edit.png")
    assert list(tmp_path.iterdir()) == []
