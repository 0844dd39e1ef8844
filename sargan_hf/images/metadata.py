"""What of a file's metadata an edit keeps, and which way up the picture is."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from PIL import ExifTags, Image

# A short list of what to keep is safer than a list of what to drop: location, serial numbers, maker notes and the thumbnail
# (which still shows the face before the edit) hide in many places.
KEPT_TAGS = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
KEPT_CAMERA_TAGS = (
    ExifTags.Base.ExposureTime,
    ExifTags.Base.FNumber,
    ExifTags.Base.ISOSpeedRatings,
    ExifTags.Base.DateTimeOriginal,
    ExifTags.Base.FocalLength,
    ExifTags.Base.LensModel,
)
SUB_FOLDERS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
DPI_RANGE = (0.01, 10_000_000)  # from a mural to a microscope


def orientation_transpose(image: Image.Image, pixels: np.ndarray) -> np.ndarray:
    """`pixels` turned and mirrored as the EXIF orientation of `image` asks."""
    orientation = _exif(image).get(ExifTags.Base.Orientation, 1)
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def kept_metadata(image: Image.Image, keeps_profile: bool, name: str) -> tuple[dict[str, Any], list[str]]:
    """What an edit is saved with, and notes about what is left out because no file can hold it.

    Returns:
        `info` with `icc_profile`, `dpi` and `exif`, each only where the file has it; sentences for the user.
    """
    info: dict[str, Any] = {}
    notes: list[str] = []
    if keeps_profile and image.info.get("icc_profile"):
        info["icc_profile"] = image.info["icc_profile"]
    if image.info.get("dpi"):
        dpi = writable_dpi(image.info["dpi"])
        if dpi is None:
            notes.append(f"{name} has a resolution of {_shown(image.info['dpi'])} dpi: the edit has none.")
        else:
            info["dpi"] = dpi
    exif, unwritable = _kept_exif(image)
    if exif:
        info["exif"] = exif
    if unwritable:
        notes.append(f"{name} has damaged EXIF: the edit does without {', '.join(unwritable)}.")
    return info, notes


def writable_dpi(dpi: Any) -> tuple[float, float] | None:
    """Dots per inch, across and down, as two numbers that a file can hold; None for what is none: 0/0, infinite, absurd."""
    try:
        across, down = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    low, high = DPI_RANGE
    return (across, down) if low <= across <= high and low <= down <= high else None  # false for what is not a number


def fitting_exif(exif: bytes, limit: int) -> tuple[bytes, list[str]]:
    """EXIF of at most `limit` bytes, and the names of the tags that were dropped for it, the longest first."""
    if len(exif) <= limit:
        return exif, []
    entries = loaded_exif(exif)
    fields: dict[tuple[int | None, int], Any] = {(None, tag): entries[tag] for tag in entries if tag not in SUB_FOLDERS}
    for folder in SUB_FOLDERS:
        fields |= {(folder, tag): value for tag, value in entries.get_ifd(folder).items()}
    dropped = []
    while fields and len(exif) > limit:
        longest = max(fields, key=lambda field: _length(fields[field]))
        del fields[longest]
        dropped.append(_tag_name(longest[1]))
        exif = _exif_of(fields)
    return exif, dropped


def _exif_of(fields: Mapping[tuple[int | None, int], object]) -> bytes:
    entries = Image.Exif()
    for (folder, tag), value in fields.items():
        (entries if folder is None else entries.get_ifd(folder))[tag] = as_bytes(value)
    return entries.tobytes() if fields else b""


def merged_exif(kept: bytes, own: bytes) -> bytes:
    """EXIF with the tags of both; where both have one, that of `own` counts."""
    if not kept or not own:
        return kept or own
    try:
        merged, added = loaded_exif(kept), loaded_exif(own)
        for tag in added:
            if tag in SUB_FOLDERS:
                merged.get_ifd(tag).update(added.get_ifd(tag))
            else:
                merged[tag] = as_bytes(added[tag])
        return merged.tobytes()
    except Exception:  # not EXIF as Pillow knows it; what the caller gave is what the caller wants
        return own


def loaded_exif(exif: bytes) -> Image.Exif:
    """The entries of EXIF bytes."""
    entries = Image.Exif()
    entries.load(exif)
    return entries


def as_bytes(value: Any) -> Any:
    """Text as the bytes it was read from: Pillow reads EXIF as Latin-1 and would write "?" for all beyond ASCII."""
    try:
        return value.encode("latin-1") if isinstance(value, str) else value
    except UnicodeEncodeError:  # put there by a program, not read from a file
        return value.encode("utf-8")


def _kept_exif(image: Image.Image) -> tuple[bytes, list[str]]:
    """The kept tags as bytes, and the names of those that cannot be written."""
    source = _exif(image)
    try:
        camera = source.get_ifd(ExifTags.IFD.Exif)
    except Exception:  # EXIF written by broken software; the picture matters more than its date
        camera = {}
    kept, unwritable = Image.Exif(), []
    unwritable += _copy_tags(source, kept, KEPT_TAGS)
    kept_camera = {}
    unwritable += _copy_tags(camera, kept_camera, KEPT_CAMERA_TAGS)
    if kept_camera:
        kept.get_ifd(ExifTags.IFD.Exif).update(kept_camera)
    return (kept.tobytes() if len(kept) or kept_camera else b""), unwritable


def _copy_tags(source: Mapping[int, object], target: dict | Image.Exif, tags: Iterable[int]) -> list[str]:
    """Copies those of `tags` that `source` has; returns the names of those that cannot be written."""
    unwritable = []
    for tag in tags:
        if tag not in source:
            continue
        try:
            value = as_bytes(source[tag])
            alone = Image.Exif()
            alone[tag] = value
            loaded_exif(alone.tobytes()).get(tag)
        except Exception:  # whatever a damaged value makes Pillow's writer raise
            unwritable.append(_tag_name(tag))
        else:
            target[tag] = value
    return unwritable


def _length(value: object) -> int:
    return len(value) if isinstance(value, str | bytes | tuple) else 1


def _tag_name(tag: int) -> str:
    return ExifTags.TAGS.get(tag, f"tag {tag}")


def _shown(dpi: Any) -> str:
    try:
        return " x ".join(f"{float(value):g}" for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return "no number"


def _exif(image: Image.Image) -> Image.Exif:
    try:
        exif = image.getexif()
        dict(exif)
        return exif
    except Exception:  # damaged EXIF must not keep a good picture out
        return Image.Exif()
