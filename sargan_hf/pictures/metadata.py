"""What of a file's metadata an edit keeps, and which way up the picture is."""

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


def kept_metadata(image: Image.Image, keeps_profile: bool) -> dict[str, object]:
    """The `info` an edit is saved with: `icc_profile`, `dpi` and `exif`, each only where the file has it."""
    info = {}
    if keeps_profile and image.info.get("icc_profile"):
        info["icc_profile"] = image.info["icc_profile"]
    if image.info.get("dpi"):
        info["dpi"] = image.info["dpi"]
    exif = _kept_exif(image)
    if exif:
        info["exif"] = exif
    return info


def _kept_exif(image: Image.Image) -> bytes:
    source = _exif(image)
    kept = Image.Exif()
    for tag in KEPT_TAGS:
        if tag in source:
            kept[tag] = source[tag]
    try:
        camera = source.get_ifd(ExifTags.IFD.Exif)
        kept_camera = {tag: camera[tag] for tag in KEPT_CAMERA_TAGS if tag in camera}
        if kept_camera:
            kept.get_ifd(ExifTags.IFD.Exif).update(kept_camera)
        return kept.tobytes() if len(kept) or kept_camera else b""
    except Exception:  # EXIF written by broken software; the picture matters more than its date
        return b""


def _exif(image: Image.Image) -> Image.Exif:
    try:
        exif = image.getexif()
        dict(exif)
        return exif
    except Exception:  # damaged EXIF must not keep a good picture out
        return Image.Exif()
