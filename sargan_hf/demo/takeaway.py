"""What a visitor takes away: the formats of single pictures, and all expressions as a sheet or as a ZIP."""

import math
import secrets
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradio import FileData
from PIL import Image, ImageDraw, ImageFont

from ..images import ContentCredentials, EditedImage, save_image
from ..images.saving import FORMAT_OF_SUFFIX

AS_IT_CAME = "As it came"
TILE = 320  # pixels, the longer side of a picture on a sheet
GAP, LABEL = 12, 34  # pixels between pictures, and for the words below each


@dataclass(frozen=True)
class FileFormat:
    """How a picture is written: the file's suffix without a dot, and parameters of Pillow's writer."""

    suffix: str
    parameters: dict[str, Any] = field(default_factory=dict)


TO_LOOK_AT = FileFormat("png", {"compress_level": 1})
FORMATS = {AS_IT_CAME: None, "PNG": TO_LOOK_AT, "JPEG": FileFormat("jpg")}


def file_format(kind: str, name: str) -> FileFormat:
    """The format of `kind`, one of `FORMATS`, for a picture whose file is called `name`; PNG where that has no known suffix."""
    suffix = Path(name).suffix.lower()
    if FORMATS[kind] is None and suffix in FORMAT_OF_SUFFIX and suffix != ".png":
        return FileFormat(suffix[1:])
    return FORMATS[kind] or TO_LOOK_AT


def fitting_format(picture: Image.Image, form: FileFormat) -> Image.Image:
    """The picture as the format can hold it: JPEG knows neither transparency nor 16 bits."""
    if FORMAT_OF_SUFFIX[f".{form.suffix}"] != "JPEG" or picture.mode in ("L", "RGB"):
        return picture
    return EditedImage.from_image(picture.convert("RGB"), getattr(picture, "provenance", None))


def contact_sheet(pictures: Sequence[Image.Image], labels: Sequence[str]) -> EditedImage:
    """The pictures in rows of four, each with its label below, on white; with the note of the first that it is an edit."""
    shrunk = []
    for picture in pictures:
        scale = TILE / max(picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        shrunk.append(picture.convert("RGBA").resize(size, Image.Resampling.LANCZOS))
    columns = min(4, len(shrunk))
    width, height = max(one.width for one in shrunk), max(one.height for one in shrunk) + LABEL
    rows = math.ceil(len(shrunk) / columns)
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(20)
    for place, (picture, label) in enumerate(zip(shrunk, labels, strict=True)):
        left, top = GAP + place % columns * (width + GAP), GAP + place // columns * (height + GAP)
        sheet.paste(picture, (left, top), picture)
        draw.text((left + picture.width / 2, top + picture.height + LABEL / 2), label, "#292524", font, "mm")
    return EditedImage.from_image(sheet, getattr(pictures[0], "provenance", None))


def write_zip(path: Path, files: Iterable[Path]) -> None:
    """Packs files as they are: pictures are compressed already. Each is deleted once it is packed."""
    with zipfile.ZipFile(path, "w") as pack:
        for file in files:
            pack.write(file, file.name)
            file.unlink()


class Files:
    """Writes what visitors get.

    Args:
        cache: gradio's folder, which it empties in time.
        credentials: what is taken away is signed with; None where the host signs nothing.
    """

    def __init__(self, cache: str | Path, credentials: ContentCredentials | None):
        self.cache = Path(cache)
        self.credentials = credentials

    def save(
        self,
        picture: Image.Image,
        name: str,
        kind: str | FileFormat = "PNG",
        credentials: ContentCredentials | None = None,
    ) -> str:
        """Writes a picture for the visitor, signed where credentials are given, and returns the file's path."""
        form = kind if isinstance(kind, FileFormat) else file_format(kind, name)
        path = self.new_file(f"{name}.{form.suffix}")
        return str(save_image(fitting_format(picture, form), path, credentials, **form.parameters))

    def new_file(self, name: str) -> Path:
        """A file in a folder of its own, which nobody can guess, inside gradio's folder, which it empties in time."""
        folder = self.cache / secrets.token_hex(24)
        folder.mkdir(parents=True)
        return folder / name


def shown_file(path: str) -> dict[str, Any]:
    """A file as gradio's components want it; gradio adds its address."""
    return FileData(path=path, orig_name=Path(path).name).model_dump()
