"""Saves edits whole or not at all, with a note in the file that a trained model changed the picture."""

import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from .._moved import renamed
from ..errors import ImageError
from ..file_names import escape_unprintable
from .content_credentials import ContentCredentials
from .encoding import encoded
from .whole_files import write_whole

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
KEPT = ("icc_profile", "exif", "dpi")


class EditedImage(Image.Image):
    """A Pillow image that says in every file saved from it that it was edited by a trained model.

    `save` writes the kept EXIF, the ICC profile and, unless `provenance` is None, the note of `provenance.py`. Images derived
    from it (`crop`, `resize`, `convert`, `copy`, pickled ones) carry all of it along.
    """

    provenance: str | None = None
    recipe: str | None = None

    @classmethod
    def from_image(cls, image: Image.Image, provenance: str | None, recipe: str | None = None) -> "EditedImage":
        """Wraps `image`, sharing its pixels.

        Args:
            image: any; the recipe of one that is edited comes along.
            provenance: describes the edit in a sentence; None leaves the note out, and the recipe with it.
            recipe: of the edit, the JSON of an `editing.recipe.EditRecipe`.
        """
        image.load()
        edited = cls()
        edited.im, edited._mode, edited._size = image.im, image.mode, image.size
        edited.palette, edited.readonly = image.palette, image.readonly
        edited.info = dict(image.info)
        edited.provenance = provenance
        edited.recipe = recipe or getattr(image, "recipe", None)
        return edited

    def save(self, fp: str | bytes | os.PathLike | BinaryIO, format: str | None = None, **params: Any) -> None:
        """As `PIL.Image.Image.save`, with the kept metadata and the note; a JPEG has quality 95 and 4:4:4 by default.

        The caller's `exif`, `xmp`, `pnginfo`, `tiffinfo` and `comment` are put beside what is kept; an empty `exif` drops it.
        A path is written whole or not at all.

        Raises:
            ImageError: an unknown format, one that has no place for the note or cannot hold such pixels, or a file that
                cannot be written.
        """
        if fp is sys.stdout and hasattr(sys.stdout, "buffer"):
            fp = sys.stdout.buffer
        path = fp if isinstance(fp, str | bytes | os.PathLike) else getattr(fp, "name", "")
        path = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""  # a file's name may be a number
        image, own = self, getattr(self, "encoderinfo", {})  # Pillow's other way to give parameters
        if own:
            image, params = self.copy(), params | own
        name = escape_unprintable(os.path.basename(path)) or "the picture"
        kept = {key: self.info[key] for key in KEPT if key in self.info}
        content = encoded(image, _format_of(path, format), name, params, kept, self.provenance, self.recipe)
        if isinstance(fp, str | bytes | os.PathLike):
            write_whole(path, content)
            return
        fp.write(content)
        if hasattr(fp, "flush"):
            fp.flush()

    def copy(self) -> "EditedImage":
        """A copy with its own pixels and the same provenance."""
        return self._derived(super().copy())

    def transform(self, *args: Any, **kwargs: Any) -> "EditedImage":
        """As `PIL.Image.Image.transform`; the result carries the note along."""
        return self._derived(super().transform(*args, **kwargs))

    def _new(self, im: Any) -> "EditedImage":  # what Pillow's other methods make their results with
        return self._derived(super()._new(im))

    def _derived(self, image: Image.Image) -> "EditedImage":
        return EditedImage.from_image(image, self.provenance, self.recipe)

    def __getstate__(self) -> list[Any]:
        return [*super().__getstate__(), self.provenance, self.recipe]

    def __setstate__(self, state: list[Any]) -> None:
        super().__setstate__(state[:5])
        self.provenance, self.recipe = (*state[5:7], None, None)[:2]


def save_image(
    image: Image.Image, path: str | os.PathLike, credentials: ContentCredentials | None = None, **params: Any
) -> Path:
    """Saves `image` under `path`: first beside it under a temporary name, then renamed, so that no half file is ever seen.

    Args:
        image: any Pillow image; an `EditedImage` carries its note and metadata along, of others the ICC profile is kept.
        path: its suffix chooses the format: JPEG, PNG, WebP, TIFF or AVIF.
        credentials: signs the file before it gets its name, so that no unsigned one is ever seen; None leaves it unsigned.
        params: passed to Pillow's writer, for example `quality=90`.

    Raises:
        ImageError: an unknown suffix, pixels that the format cannot hold, or a folder that cannot be written.
        ConfigurationError: `credentials` do not sign.
    """
    path = Path(path)
    name = escape_unprintable(path.name)
    chosen = FORMAT_OF_SUFFIX.get(path.suffix.lower())
    if chosen is None:
        raise ImageError(f"Cannot save {name}: use one of {', '.join(FORMAT_OF_SUFFIX)}.")
    edited = isinstance(image, EditedImage)
    kept = {key: image.info[key] for key in (KEPT if edited else KEPT[:1]) if key in image.info}
    noted = (image.provenance, image.recipe) if edited else (None, None)
    content = encoded(image, chosen, name, params, kept, *noted)
    return write_whole(path, content, credentials)


def _format_of(path: str, format: str | None) -> str:
    """The format as Pillow finds it: by its name, or by the suffix of the file's."""
    suffix = os.path.splitext(path)[1].lower()
    chosen = format.upper() if format else FORMAT_OF_SUFFIX.get(suffix) or Image.registered_extensions().get(suffix)
    if chosen not in Image.SAVE:
        Image.init()
    if chosen not in Image.SAVE:
        what = f"a picture as format={format!r}" if format else os.path.basename(path) or "to a file without a name"
        raise ImageError(f'Cannot save {what}: use .png, .jpg, .webp, .tiff or .avif, or format="PNG".')
    return chosen


__getattr__ = renamed(__name__, {"save_picture": "save_image"})
