"""Saves edits whole or not at all, with a note in the file that a trained model changed the picture."""

import io
import os
import uuid
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from ..errors import PictureError
from .content_credentials import ContentCredentials
from .provenance import provenance_parameters

# Formats that an edit can be saved in, by suffix; the rest cannot hold the note, or need what Pillow cannot write.
FORMAT_OF_SUFFIX = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".avif": "AVIF",
}
MODES_OF_FORMAT = {
    "JPEG": ("L", "RGB"),
    "PNG": ("L", "LA", "RGB", "RGBA", "I;16"),
    "WEBP": ("L", "LA", "RGB", "RGBA"),
    "TIFF": ("L", "LA", "RGB", "RGBA", "I;16"),
    "AVIF": ("L", "LA", "RGB", "RGBA"),
}
QUALITY = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"quality": 95}, "AVIF": {"quality": 90}}


class EditedImage(Image.Image):
    """A Pillow image that says in every file saved from it that it was edited by a trained model.

    `save` writes the kept EXIF, the ICC profile and, unless `provenance` is None, the note of `provenance.py` into JPEG, PNG,
    WebP, TIFF and AVIF files. Images derived from it (`crop`, `resize`, `convert`) are plain Pillow images.
    """

    provenance: str | None = None

    @classmethod
    def from_image(cls, image: Image.Image, provenance: str | None) -> "EditedImage":
        """Wraps `image`, sharing its pixels. `provenance` describes the edit in a sentence; None leaves the note out."""
        edited = cls()
        edited.im, edited._mode, edited._size = image.im, image.mode, image.size
        edited.info = dict(image.info)
        edited.provenance = provenance
        return edited

    def save(self, fp: str | os.PathLike | BinaryIO, format: str | None = None, **params: object) -> None:
        """As `PIL.Image.Image.save`, with the kept metadata and the provenance note as defaults."""
        Image.preinit()
        suffix = os.path.splitext(fp)[1].lower() if isinstance(fp, str | os.PathLike) else ""
        chosen = (format or FORMAT_OF_SUFFIX.get(suffix, "")).upper()
        defaults = {key: self.info[key] for key in ("icc_profile", "exif", "dpi") if key in self.info}
        if self.provenance is not None:
            defaults |= provenance_parameters(chosen, self.provenance)
        super().save(fp, format, **(defaults | params))

    def copy(self) -> "EditedImage":
        """A copy with its own pixels and the same provenance."""
        return EditedImage.from_image(super().copy(), self.provenance)


def save_picture(
    image: Image.Image, path: str | os.PathLike, credentials: ContentCredentials | None = None, **params: object
) -> Path:
    """Saves `image` under `path`: first beside it under a temporary name, then renamed, so that no half file is ever seen.

    Args:
        image: any Pillow image; an `EditedImage` carries its provenance note along.
        path: its suffix chooses the format: JPEG, PNG, WebP, TIFF or AVIF.
        credentials: signs the file before it gets its name, so that no unsigned one is ever seen; None leaves it unsigned.
        params: passed to Pillow's writer, for example `quality=90`.

    Raises:
        PictureError: an unknown suffix, a mode that the format cannot hold, or a folder that cannot be written.
        ConfigurationError: `credentials` do not sign.
    """
    path = Path(path)
    chosen = output_format(path, image.mode)
    temporary = path.parent / f".{path.stem[:40]}-{uuid.uuid4().hex}.part"
    try:
        with open(temporary, "x+b") as file:
            unsigned = file if credentials is None else io.BytesIO()
            image.save(unsigned, chosen, **(QUALITY.get(chosen, {}) | params))
            if credentials is not None:
                credentials.sign(unsigned, file, path.name)
        os.replace(temporary, path)
    except OSError as error:
        raise PictureError(
            f"Cannot save {path}: {error.strerror or error}. Check folder, space and permissions."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def output_format(path: Path, mode: str) -> str:
    """The Pillow format for a file name and a mode; raises `PictureError` where there is none."""
    chosen = FORMAT_OF_SUFFIX.get(path.suffix.lower())
    if chosen is None:
        raise PictureError(f"Cannot save {path.name}: use one of {', '.join(FORMAT_OF_SUFFIX)}.")
    if mode not in MODES_OF_FORMAT[chosen]:
        what = "16-bit pixels" if mode == "I;16" else "transparency" if "A" in mode else f"{mode} pixels"
        raise PictureError(f"Cannot save {path.name}: {chosen} cannot hold {what}; use .png or .tiff.")
    return chosen
