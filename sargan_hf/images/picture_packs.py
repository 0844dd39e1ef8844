"""Several pictures together: as a ZIP file, and as one sheet with their names."""

import io
import zipfile
from collections.abc import Mapping

from PIL import Image, ImageDraw, ImageFont

from ..errors import ConfigurationError
from .color_modes import to_srgb
from .encoding import encoded
from .saving import FORMAT_OF_SUFFIX, KEPT, EditedImage

CELL = 320  # longest side of a picture on a sheet, in pixels
LABEL = 28  # height of its name
_WHITE, _BLACK = (255, 255, 255), (32, 32, 32)
_WHEN = (1980, 1, 1, 0, 0, 0)  # the same pictures make the same file


def zip_of(images: Mapping[str, Image.Image], suffix: str, others: Mapping[str, str] | None = None) -> bytes:
    """A ZIP file with every picture as a file of its own, with the note that it was edited.

    Args:
        images: by the name of the file, without its suffix.
        suffix: of each: "png", "webp", "jpg", "tiff" or "avif".
        others: text files by name.

    Raises:
        ConfigurationError: another suffix.
        ImageError: a picture that the format cannot hold.
    """
    ending = f".{suffix.lower().removeprefix('.')}"
    if ending not in FORMAT_OF_SUFFIX:
        raise ConfigurationError(
            f"format={suffix!r} is not known: use one of {', '.join(known[1:] for known in FORMAT_OF_SUFFIX)}."
        )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:  # pictures are compressed already
        for name, image in images.items():
            file.writestr(zipfile.ZipInfo(f"{name}{ending}", _WHEN), _content(image, ending, name))
        for name, text in (others or {}).items():
            file.writestr(zipfile.ZipInfo(name, _WHEN), text)
    return buffer.getvalue()


def sheet_of(images: Mapping[str, Image.Image], columns: int = 0) -> EditedImage:
    """One picture of all, in sRGB on white, each with its name beneath it; at most 320 pixels a side each.

    Args:
        images: by name, at least one, all of one size.
        columns: how many stand beside one another; 0 for about as many as rows.
    """
    first = next(iter(images.values()))
    columns = columns or max(1, round(len(images) ** 0.5 + 0.49))
    scale = min(1.0, CELL / max(first.size))
    width, height = (max(1, round(side * scale)) for side in first.size)
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * width, rows * (height + LABEL)), _WHITE)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for index, (name, image) in enumerate(images.items()):
        left, top = index % columns * width, index // columns * (height + LABEL)
        shown = to_srgb(image).resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(shown.convert("RGB"), (left, top), shown.getchannel("A") if shown.mode == "RGBA" else None)
        draw.text((left + width / 2, top + height + LABEL / 2), name, _BLACK, font, anchor="mm")
    return EditedImage.from_image(sheet, f"Facial expressions edited with SARGAN: {', '.join(images)}.")


def _content(image: Image.Image, ending: str, name: str) -> bytes:
    edited = image if isinstance(image, EditedImage) else None
    kept = {key: image.info[key] for key in KEPT if key in image.info}
    noted = (None, None) if edited is None else (edited.provenance, edited.recipe)
    return encoded(image, FORMAT_OF_SUFFIX[ending], f"{name}{ending}", {}, kept, *noted)
