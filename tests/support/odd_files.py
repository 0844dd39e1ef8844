"""A folder as people really have them: odd names and formats, wrong suffixes, damaged files, things that are no pictures."""

import io
import os
import struct
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pillow_heif
from PIL import ExifTags, Image, TiffImagePlugin
from skimage import data

LONG = "é" * 125  # 250 bytes: with ".jpg" or ".gif" it is as long as a name may be
JXL = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0" * 40


def face(side: int = 130) -> Image.Image:
    return Image.fromarray(data.astronaut()[:260, 110:370]).resize((side, side))


def encoded(image: Image.Image, format: str, **parameters: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **parameters)
    return buffer.getvalue()


def heic(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, quality=90)
    return buffer.getvalue()


def with_alpha(lowest: int) -> Image.Image:
    image = face()
    image.putalpha(Image.linear_gradient("L").resize(image.size).point(lambda value: max(value, lowest)))
    return image


def like_dng() -> bytes:
    """What every DNG looks like to a reader of TIFF: a small preview."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[50706] = b"\x01\x04\x00\x00"
    tags.tagtype[50706] = 1
    return encoded(face(), "TIFF", tiffinfo=tags)


def editable() -> dict[bytes, bytes]:
    """Files that have to be edited, with the names of their edits where those differ: the bytes of both."""
    return {
        b"plain.jpg": b"",
        b"caf\xe9.jpg": b"",
        b"two\nlines.jpg": b"",
        b"-o.jpg": b"",
        b"Case.jpg": b"",
        b"case.jpg": b"case-2.jpg",
        "café.png".encode(): "café-2.png".encode(),  # after its other form, which sorts first
        unicodedata.normalize("NFD", "café.png").encode(): b"",
        f"{LONG}.jpg".encode(): b"",
        f"{LONG}.gif".encode(): f"{LONG}.png".encode(),
        b"suffixless": b"suffixless.png",
        b"party.2024": b"party.2024.png",
        b"download.jpg_large": b"download.png",
        b"download.jpg.1": b"download.jpg.1.png",
        b"png-called.jpg": b"",
        b"transparent.jpg": b"transparent-2.png",  # "transparent.png" is a picture of its own
        b"transparent.png": b"",
        b"moving.gif": b"moving.png",
        b"phone.HEIC": b"phone.png",
        b"heic-called.jpg": b"",
        b"grey16.png": b"",
        b"grey16-called.jpg": b"grey16-called.png",
        b"folder.png/inside.jpg": b"",
        b"folder.bmp": b"folder-2.png",  # "folder.png" is a folder
        b"alias-target.webp": b"",
    }


def reported() -> dict[bytes, str]:
    """Files that cannot be edited, and a part of the reason."""
    return {
        b"empty.jpg": "is empty",
        b"text.png": "is not a picture that can be read",
        b"bad\xff.jpg": "is not a picture that can be read",
        b"cut.jpg": "damaged or incomplete",
        b"tiny.png": "has only 8 x 8 pixels",
        b"wall.png": "No face was found",
        b"new.jxl": "is a JPEG XL picture, which cannot be read here",
        b"jxl-without-suffix": "is a JPEG XL picture, which cannot be read here",
        b"camera.CR2": "is a camera raw file, which cannot be read here",
        b"camera.dng": "is a camera raw file, which cannot be read here",
        b"layers.psd": "is a Photoshop document, which cannot be read here",
        b"cut.heic": "is a HEIC photo that is damaged",
        b"dangling.jpg": "There is no file",
        b"pipe.jpg": "is not a regular file",
    }


LEFT_ALONE = (b"notes.txt", b"table.csv", b"photo.jpg.xmp", b".DS_Store", b"._plain.jpg", b"film.mov", b"no\xe9text")


def make_odd_folder(folder: Path) -> None:
    """Writes all of these, a hidden folder, a link to a folder, and a second name of one picture."""
    plain = encoded(face(), "JPEG", quality=92)
    contents: dict[bytes, Callable[[], bytes]] = {
        b"png-called.jpg": lambda: encoded(with_alpha(255), "PNG"),
        b"transparent.jpg": lambda: encoded(with_alpha(0), "PNG"),
        b"transparent.png": lambda: encoded(with_alpha(0), "PNG"),
        b"moving.gif": lambda: encoded(face(), "GIF", save_all=True, append_images=[Image.new("RGB", (130, 130))]),
        b"phone.HEIC": lambda: heic(face()),
        b"heic-called.jpg": lambda: heic(face()),
        b"grey16.png": lambda: encoded(_grey16(), "PNG"),
        b"grey16-called.jpg": lambda: encoded(_grey16(), "PNG"),
        b"folder.bmp": lambda: encoded(face(), "BMP"),
        b"empty.jpg": lambda: b"",
        b"text.png": lambda: b"I am no picture.",
        b"bad\xff.jpg": lambda: b"I am no picture.",
        b"cut.jpg": lambda: plain[: len(plain) // 2],
        b"tiny.png": lambda: encoded(face(8), "PNG"),
        b"wall.png": lambda: encoded(Image.new("RGB", (130, 130), "grey"), "PNG"),
        b"new.jxl": lambda: JXL,
        b"jxl-without-suffix": lambda: JXL,
        b"camera.CR2": lambda: b"II*\0\x10\0\0\0CR\x02\0" + b"\0" * 40,
        b"camera.dng": like_dng,
        b"layers.psd": lambda: b"8BPS\0\x01" + b"\0" * 40,
        b"cut.heic": lambda: heic(face())[:300],
        b"caf\xe9.jpg": lambda: encoded(face(), "JPEG", exif=_turned()),
    }
    top = os.fsencode(folder)
    os.makedirs(top + b"/folder.png")
    for name in [*editable(), *reported()]:
        if name not in (b"dangling.jpg", b"pipe.jpg"):
            Path(os.fsdecode(top + b"/" + name)).write_bytes(contents.get(name, lambda: plain)())
    for name in LEFT_ALONE:
        Path(os.fsdecode(top + b"/" + name)).write_bytes(struct.pack("<Q", 7) * 5)
    os.symlink(b"nowhere", top + b"/dangling.jpg")
    os.mkfifo(top + b"/pipe.jpg")
    os.symlink(b"alias-target.webp", top + b"/alias.webp")
    os.makedirs(top + b"/.thumbnails")
    Path(folder, ".thumbnails/plain.jpg").write_bytes(plain)
    os.symlink(top + b"/folder.png", top + b"/linked-folder")


def _grey16() -> Image.Image:
    return Image.fromarray((data.astronaut()[:260, 110:370, 1].astype("uint16")) * 257)


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 1
    return exif
