"""Pictures out of a data set, decoded so that a damaged one can be found again."""

from collections.abc import Iterator, Mapping

import numpy as np
from datasets import Dataset, Image

from ..errors import DatasetError, PictureError
from ..pictures import open_picture


def decoded_pictures(dataset: Dataset) -> Iterator[np.ndarray]:
    """Yields the pictures of `dataset` in order, upright, uint8 [H, W, 3] RGB of any size.

    Raises:
        DatasetError: a picture is damaged; names the file, or the row where pictures are embedded.
    """
    stored = dataset.select_columns("image").cast_column("image", Image(decode=False))
    for index, row in enumerate(stored):
        yield decoded_picture(row["image"], f"Picture {index} of the data set")


def decoded_picture(stored: Mapping, name: str) -> np.ndarray:
    """The picture of a cell that was read with `Image(decode=False)`, upright, uint8 [H, W, 3] RGB.

    Raises:
        DatasetError: it is damaged; the message starts with `name`.
    """
    path, content = stored["path"], stored["bytes"]
    try:
        return open_picture(path if content is None else content).rgb8()
    except PictureError as error:
        raise DatasetError(f"{name} ({path or 'embedded'}): {error}") from error
