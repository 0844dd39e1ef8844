"""Pictures as people have them: turned, transparent, small, of other modes and other colour spaces."""

import io
import struct
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms

ROOT = Path(__file__).resolve().parents[2]
# The primaries of Display P3, adapted to D50 as profiles want them.
DISPLAY_P3 = {
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.15710, 0.06657, 0.78407),
}


def saved(image: Image.Image, format: str, **params) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **params)
    return buffer.getvalue()


def photograph() -> Image.Image:
    return Image.open(ROOT / "examples/photos/grace-hopper.jpg").convert("RGB")


def with_gradient() -> Image.Image:
    """The photograph, transparent at the top, opaque at the bottom."""
    opaque = photograph()
    return Image.merge("RGBA", (*opaque.split(), Image.linear_gradient("L").resize(opaque.size)))


def orientation(value: int) -> Image.Exif:
    """EXIF that asks to be turned."""
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def sixteen_bits(image: Image.Image) -> bytes:
    """A PNG of 16 bits a channel. The lower 8 are no multiple of the upper, so that cutting and rounding differ."""
    levels = np.asarray(image).astype(np.uint16) * 256 + 200
    order = levels if levels.ndim == 2 else levels[..., [2, 1, 0, *range(3, levels.shape[2])]]
    return cv2.imencode(".png", order)[1].tobytes()


@cache  # a new one would carry another time of day
def display_p3_profile() -> bytes:
    """A profile of Display P3: that of sRGB with other primaries."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", profile, 128)
    for entry in range(132, 132 + 12 * count, 12):
        tag, start = struct.unpack_from(">4sI", profile, entry)
        if tag in DISPLAY_P3:
            struct.pack_into(">3i", profile, start + 8, *(round(value * 65536) for value in DISPLAY_P3[tag]))
    return bytes(profile)


@cache
def odd_pictures() -> dict[str, bytes]:
    """Pictures whose edits are compared, by kind."""
    return _turned() | _colours() | _sizes()


def _turned() -> dict[str, bytes]:
    plain, on_its_side = photograph(), photograph().rotate(90, expand=True)
    exif = orientation(6)
    mirrored = plain.transpose(Image.Transpose.TRANSVERSE)
    return {
        "turned by EXIF": saved(on_its_side, "JPEG", quality=95, exif=exif),
        "WebP turned by EXIF": saved(on_its_side, "WEBP", lossless=True, exif=exif),
        "transparent PNG turned by EXIF": saved(with_gradient().rotate(90, expand=True), "PNG", exif=exif),
        "mirrored by EXIF": saved(mirrored, "JPEG", quality=95, exif=orientation(7)),
        "lying on its side": saved(on_its_side, "PNG"),
        "upside down": saved(plain.rotate(180), "PNG"),
        "tilted": saved(plain.rotate(-35, expand=True), "PNG"),
    }


def _colours() -> dict[str, bytes]:
    plain, transparent = photograph(), with_gradient()
    halved = {"quality": 85, "subsampling": "4:2:0", "progressive": True}
    return {
        "transparent": saved(transparent, "PNG"),
        "transparent lossy WebP": saved(transparent, "WEBP", quality=90),
        "transparent palette": saved(transparent.quantize(64), "PNG"),
        "transparent grey": saved(transparent.convert("LA"), "PNG"),
        "grey": saved(plain.convert("L"), "PNG"),
        "palette": saved(plain.quantize(64), "PNG"),
        "16 bits": sixteen_bits(plain),
        "progressive JPEG in Display P3": saved(plain, "JPEG", icc_profile=display_p3_profile(), **halved),
    }


def _sizes() -> dict[str, bytes]:
    plain = photograph()
    both = Image.new("RGB", (1200, 700), (90, 110, 100))
    both.paste(plain.resize((600, 703)), (0, 0))
    both.paste(Image.open(ROOT / "examples/photos/eileen-collins.jpg").resize((500, 500)), (650, 100))
    return {
        "small": saved(plain.resize((110, 129)), "PNG"),
        "a face of 72 pixels": saved(plain.resize((210, 246)), "PNG"),
        "cut off by the border": saved(plain.crop((0, 0, 430, 900)), "PNG"),
        "wide": saved(both, "PNG"),
        "large": saved(plain.resize((2304, 2700), Image.Resampling.BICUBIC), "JPEG", quality=92),
    }


def cmyk() -> Image.Image:
    """The photograph in CMYK, half of its grey in black ink, as presses have it."""
    inks = np.asarray(photograph().resize((200, 234)).convert("CMYK")).copy()
    black = inks[..., :3].min(axis=2) // 2
    inks[..., :3] -= black[..., None]
    inks[..., 3] = black
    return Image.frombytes("CMYK", (200, 234), inks.tobytes())


def press_profile() -> bytes:
    """An ICC profile of a pale press, which names the Lab colours of nine amounts of each ink."""
    inks = np.array(list(np.ndindex(9, 9, 9, 9))) / 8
    red, green, blue = ((1 - 0.8 * inks[:, :3]) * (1 - 0.9 * inks[:, 3:])).T
    light = 95 * (0.3 * red + 0.6 * green + 0.1 * blue) ** 0.6
    colours = np.stack([light * 2.55, 42 * (red - green) + 128, 42 * (green - blue) + 132], axis=1)
    straight = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).flat)
    lut = b"mft1\0\0\0\0\4\3\x09\0" + matrix + 4 * straight + colours.round().astype(np.uint8).tobytes() + 3 * straight
    white = struct.pack(">3i", 63190, 65536, 54061)  # D50, in units of 1 / 65536
    table = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"A2B0", 176, len(lut))
    header = struct.pack(">I4sI4s4s4s", 176 + len(lut), b"test", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    header += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + white + bytes(48)
    return header + table + b"XYZ \0\0\0\0" + white + lut
