"""Files a picture service should expect from people who do not mean well: made here, none is dangerous to keep."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, PngImagePlugin


def hostile_files() -> Iterator[tuple[str, bytes]]:
    """Names and contents."""
    yield from nonsense()
    yield from damaged()
    yield from bombs()
    yield from odd_but_valid()
    yield from names()


def nonsense() -> Iterator[tuple[str, bytes]]:
    """What is no picture, whatever its name says."""
    yield "empty.png", b""
    yield "one.png", b"\x89"
    yield "text.jpg", b"not a picture"
    yield "zero.png", b"\0" * 100_000
    yield "page.html", b"<html><script>alert(1)</script></html>"
    yield "xxe.svg", b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'
    yield "shell.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n(%pipe%id) (r) file\nshowpage\n"
    yield "paper.pdf", b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>"
    yield "program.png", b"\x7fELF\x02\x01\x01" + b"\0" * 500
    yield "pickle.png", b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8c\x02os\x94."
    yield "film.mp4", b"\0\0\0\x20ftypisom" + b"\0" * 500
    yield "animation.fli", b"\0" * 4 + b"\x11\xaf" + b"\xff" * 200
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../evil.txt", "x")
    yield "archive.png", buffer.getvalue()
    for magic in (
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"GIF89a",
        b"RIFF\xff\xff\xff\xffWEBP",
        b"II*\0",
        b"BM",
        b"8BPS",
    ):
        yield "only-magic", magic + b"\xff" * 64


def damaged() -> Iterator[tuple[str, bytes]]:
    """Pictures cut short or with flipped bytes."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (120, 160, 3), dtype=np.uint8)
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"):
        whole = saved(Image.fromarray(pixels), kind)
        for share in (0.1, 0.5, 0.95):
            yield f"cut.{kind.lower()}", whole[: int(share * len(whole))]
        for _ in range(5):
            flipped = bytearray(whole)
            for place in rng.integers(8, len(whole), 12):
                flipped[place] ^= int(rng.integers(1, 255))
            yield f"flipped.{kind.lower()}", bytes(flipped)


def bombs() -> Iterator[tuple[str, bytes]]:
    """Small files that want much memory or time."""
    yield "bomb.png", saved(Image.new("1", (20000, 20000)), "PNG")
    yield "wide.png", saved(Image.new("L", (60000, 1)), "PNG")
    yield "huge-header.png", png_with_header(2**31 - 1, 2**31 - 1)
    yield "zero-header.png", png_with_header(0, 0)
    yield "huge.gif", b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + b"\0" * 6 + b";"
    yield "huge.bmp", b"BM" + struct.pack("<IHHIIiiHHIIiiII", 90, 0, 0, 54, 40, 2**30, 2**30, 1, 24, 0, 0, 0, 0, 0, 0)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "x" * 8_000_000, zip=True)
    yield "text-bomb.png", saved(Image.new("L", (64, 64)), "PNG", pnginfo=notes)
    frames = [Image.new("L", (300, 300), shade % 256) for shade in range(400)]
    yield "frames.gif", saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    yield (
        "noise.png",
        saved(Image.fromarray(np.random.default_rng(1).integers(0, 255, (900, 900, 3), dtype=np.uint8)), "PNG"),
    )


def odd_but_valid() -> Iterator[tuple[str, bytes]]:
    """Pictures that are legal and unusual."""
    for mode in ("1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F", "LAB", "YCbCr", "I"):
        kind = "TIFF" if mode in ("CMYK", "F", "LAB", "YCbCr", "I") else "PNG"
        yield f"mode.{kind.lower()}", saved(Image.new(mode, (64, 64)), kind)
    yield "tiny.png", saved(Image.new("RGB", (1, 1)), "PNG")
    for turn in (1, 6, 8, 9, 255):
        exif = Image.Exif()
        exif[0x0112] = turn
        yield "turned.jpg", saved(Image.new("RGB", (80, 60)), "JPEG", exif=exif)
    yield "bad-profile.jpg", saved(Image.new("RGB", (64, 64)), "JPEG", icc_profile=b"not a profile")
    yield "bad-exif.jpg", saved(Image.new("RGB", (64, 64)), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    yield "gif.js", b"GIF89a/*" + b"\0" * 60 + b"*/=1;alert(1)"


def names() -> Iterator[tuple[str, bytes]]:
    """Good pictures with names that mean trouble."""
    good = saved(Image.new("RGB", (64, 64), (200, 150, 120)), "PNG")
    for name in ("../../../../etc/passwd", "..\\..\\x.png", "/etc/passwd", "a\0b.png", "x" * 3000 + ".png", ".htaccess",
                 "con.png", "<script>alert(1)</script>.png", "\u202egnp.exe", "$(id).png", "a;b|c&d.png",
                 "%2e%2e%2fx.png", " ", "."):  # fmt: skip
        yield name, good


def saved(image: Image.Image, kind: str, **parameters) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **parameters)
    return buffer.getvalue()


def png_with_header(width: int, height: int) -> bytes:
    """A PNG that claims this size and has almost no data."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )
