"""Pictures for the screen: small enough to load, and in sRGB, whatever the colours of the file are described in."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any, cast

import cv2
import numpy as np
from PIL import Image, ImageCms

from ..editing.requests import FaceRequest
from ..faces.detection import Face
from ..images import EditedImage
from .page_session import Key, PageSession

LONGEST_SHOWN = 1400  # pixels; the download is always at full resolution
THUMBNAIL = 176  # pixels
SMALL = 1 / 16  # of a picture's area


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """`image` in sRGB, its transparency kept; `profile` is the ICC profile that describes its values.

    A picture without a profile, or with one that cannot be read, is taken for sRGB.
    """
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        described: Any = source.profile  # of the C extension
        mode = {"RGB": "RGB", "GRAY": "L"}.get(described.xcolor_space.strip())
        if mode is None:
            return image
        srgb = ImageCms.createProfile("sRGB")
        converted = cast("Image.Image", ImageCms.profileToProfile(image.convert(mode), source, srgb, outputMode="RGB"))
    except (OSError, ImageCms.PyCMSError):
        return image
    differs = np.asarray(converted).astype(np.int16) - np.asarray(image.convert("RGB"))
    if np.abs(differs).max() <= 1:  # it is sRGB, but for rounding
        return image
    converted.info.pop("icc_profile", None)
    if image.has_transparency_data:
        converted.putalpha(image.convert("RGBA").getchannel("A"))
    return converted


def fitting(image: Image.Image) -> Image.Image:
    """An edited picture, or a part of one, for the screen: at most LONGEST_SHOWN pixels long, 8 bits, sRGB, with its note."""
    note = getattr(image, "provenance", None)
    profile = image.info.get("icc_profile")
    if image.mode == "I;16":
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    scale = LONGEST_SHOWN / max(image.size)
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BOX, reducing_gap=None)
    shown = to_srgb(image, profile)
    if shown is not image or profile:
        shown.info.pop("icc_profile", None)
    return EditedImage.from_image(shown, note)


def thumbnails(session: PageSession, key: Key, requests: Sequence[FaceRequest]) -> list[Image.Image]:
    """A face as each of the requests has it, upright as it is in the picture, `THUMBNAIL` pixels square."""
    face, image = session.face(key), session.edits.image
    # They are cut from a picture made small enough that an edit of it costs next to nothing.
    width, height = session.size
    scale = min(1.0, THUMBNAIL * 1.2 / max(face.box[2] - face.box[0], 1.0))
    small_size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image.rgb8(), small_size, interpolation=cv2.INTER_AREA)
    left, top, right, bottom = _square_around(face.scaled(scale, scale), small.shape)
    pictures = []
    for request in requests:
        pixels = small.copy()
        if request.strength > 0:
            session.edits.draw(pixels, [face], [request], scale)
        cut = Image.fromarray(pixels[top:bottom, left:right]).resize((THUMBNAIL, THUMBNAIL))
        pictures.append(to_srgb(cut, image.info.get("icc_profile")))
    return pictures


def close_up(session: PageSession, keys: Sequence[Key]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in pixels of a window that has all the faces of `keys` and their hair in it."""
    boxes = np.array([session.face(key).box for key in keys])
    left, top, right, bottom = (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))
    room = 0.45 * (boxes[:, 3] - boxes[:, 1]).max()
    width, height = session.size
    return (
        max(0, int(left - room)),
        max(0, int(top - room)),
        min(width, round(right + room)),
        min(height, round(bottom + room)),
    )


def is_small(session: PageSession, keys: Sequence[Key]) -> bool:
    """Whether the one face of a picture has less than `SMALL` of its area, so that a close-up shows more of the edit."""
    if len(keys) != 1 or session.found > 1:
        return False
    left, top, right, bottom = session.face(keys[0]).box
    return float((right - left) * (bottom - top)) < SMALL * session.size[0] * session.size[1]


def _square_around(face: Face, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    left, top, right, bottom = face.box
    side = min(1.25 * max(right - left, bottom - top), shape[0], shape[1])
    x = np.clip((left + right - side) / 2, 0, shape[1] - side)
    y = np.clip((top + bottom - side) / 2, 0, shape[0] - side)
    return round(x), round(y), round(x + side), round(y + side)
