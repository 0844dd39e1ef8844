"""Pictures out of a data set, decoded so that a damaged one can be found again."""

from collections.abc import Iterator, Mapping
from typing import cast

import numpy as np
from datasets import Dataset, Image

from ..errors import DatasetError, ImageError
from ..images import LoadedImage, load_image
from ..images.color_modes import to_rgb8, to_srgb
from .plain_jpeg import decode_plain_jpeg


def decoded_pictures(dataset: Dataset) -> Iterator[np.ndarray]:
    """Yields the pictures of `dataset` in order, upright, uint8 [H, W, 3] sRGB of any size.

    Raises:
        DatasetError: a picture is damaged; names the file, or the row where pictures are embedded.
    """
    return (picture for _, picture in named_pictures(dataset))


def named_pictures(dataset: Dataset) -> Iterator[tuple[str, np.ndarray]]:
    """Yields what messages call each picture of `dataset`, and the picture as `decoded_pictures` does.

    Raises:
        DatasetError: a picture is damaged; names the file, or the row where pictures are embedded.
    """
    stored = stored_pictures(dataset)
    for index, row in enumerate(stored):
        cell = cast(dict, row)["image"]
        name = stored_name(cell, _row(stored, index))
        yield name, decoded_picture(cell, name)


def stored_pictures(dataset: Dataset) -> Dataset:
    """The column of pictures as it is stored, for `picture_at` and `picture_name`."""
    return dataset.select_columns("image").cast_column("image", Image(decode=False))


def picture_at(stored: Dataset, index: int) -> np.ndarray:
    """The picture of one row of `stored_pictures`, as `decoded_pictures` yields it.

    Raises:
        DatasetError: it is damaged; names the file, or the row where pictures are embedded.
    """
    cell = stored[index]["image"]
    return decoded_picture(cell, stored_name(cell, _row(stored, index)))


def picture_name(stored: Dataset, index: int) -> str:
    """What messages call the picture of a row of `stored_pictures`: its file, or its row where it is embedded."""
    return stored_name(stored[index]["image"], _row(stored, index))


def row_of_set(dataset: Dataset, index: int) -> int:
    """The row in the set as it was loaded, of row `index` of a part that was selected from it."""
    return index if dataset._indices is None else dataset._indices.column(0)[index].as_py()


def stored_name(stored: Mapping | None, row: str) -> str:
    """What messages call the picture of a cell that was read with `Image(decode=False)`; `row` is where it is."""
    if not stored or not stored["path"]:
        return f"{row} (embedded)"
    return str(stored["path"]) if stored["bytes"] is None else f"{row} ({stored['path']})"


def decoded_picture(stored: Mapping | None, name: str) -> np.ndarray:
    """The picture of a cell that was read with `Image(decode=False)`, upright, uint8 [H, W, 3] sRGB.

    Raises:
        DatasetError: it is damaged; the message starts with `name`.
    """
    content = None
    if stored:
        content = stored["path"] if stored["bytes"] is None else stored["bytes"]
    if content is None:
        raise DatasetError(f"{name}: there is no picture in this row. Remove the row, or put its picture in.")
    plain = decode_plain_jpeg(content) if isinstance(content, bytes) else None
    if plain is not None:
        return plain
    try:
        return srgb_pixels(load_image(content))
    except ImageError as error:
        raise DatasetError(f"{name}: {error}") from error


def srgb_pixels(picture: LoadedImage) -> np.ndarray:
    """A picture as a viewer shows it: uint8 [H, W, 3], converted from its colour profile to sRGB where it has one."""
    if not picture.info.get("icc_profile"):
        return picture.rgb8()
    return to_rgb8(np.asarray(to_srgb(picture.to_image())))


def _row(dataset: Dataset, index: int) -> str:
    return f"Picture {row_of_set(dataset, index)} of the data set"
