"""The decoded pictures of a set, in one memory-mapped file, and who pairs with whom."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
from datasets import Dataset, config

from ..controls import ADDED_COLUMN, CONTROLS, CONTROLS_COLUMN
from ..data.image_decoding import named_pictures
from ..data.photograph_rows import RECIPE, source_only
from ..errors import DatasetError
from ..expressions import NO_CLASS
from ..file_errors import cause, remedy
from .cache_file import make_once


class FaceLabels:
    """What is known of the pictures of a set without looking at them.

    Attributes:
        expression: int64 [N], indices into the set's expressions; `NO_CLASS` where controls alone made a picture.
        classes: the indices of the expressions that there are pictures of.
        subject: the person in each picture.
        num_pairs: how many pairs of two pictures or more there are.
        source_only: bool [N], photographs in a pair. The true pictures of their edits are known, but they are never targets:
            real smiles are fainter than the rig's, and the mean of both would be faint.
        plain: bool [N], pictures that show their class as the set usually does, without further controls.
        controls, controls_added: float32 [N, K], as in docs/controls.md, NaN where not known; None without these columns.
    """

    def __init__(self, dataset: Dataset):
        if len(dataset) == 0:
            raise DatasetError("The training set is empty: check the folder and the split.")
        self.expression = np.asarray(dataset["expression"], dtype=np.int64)
        self.subject = list(dataset["subject"])
        self.classes = tuple(np.unique(self.expression[self.expression != NO_CLASS]).tolist())
        self._group, self._members = _groups(list(dataset["pair"]))
        self.num_pairs = len(self._members)
        recipe = list(dataset[RECIPE]) if RECIPE in dataset.column_names else [None] * len(dataset)
        self.controls, self.controls_added = (_controls(dataset, name) for name in (CONTROLS_COLUMN, ADDED_COLUMN))
        self.source_only = np.array([source_only(*of) for of in zip(recipe, self._group, strict=True)], bool)

        self.plain = self.expression != NO_CLASS
        if self.controls_added is not None:
            self.plain &= (np.nan_to_num(self.controls_added) == 0).all(axis=1)

    def __len__(self) -> int:
        return len(self.expression)

    def partners(self, index: int) -> np.ndarray:
        """The pictures of the same pair, the picture itself included; empty where it is unpaired."""
        return self._members.get(self._group[index], np.empty(0, np.int64))


class FaceCache(FaceLabels):
    """Decodes each picture once and keeps it as uint8 [size, size, 3] RGB on disk; memory stays flat at any number.

    Attributes:
        size: side of the stored pictures.
    """

    def __init__(self, dataset: Dataset, size: int, folder: Path | None = None):
        super().__init__(dataset)
        self.size = size
        self._path = _decoded_file(dataset, size, folder or Path(config.HF_DATASETS_CACHE) / "sargan_faces")
        self._pictures: np.memmap | None = None

    def __getstate__(self) -> dict:
        # A worker process maps the file itself instead of receiving a copy of it.
        return self.__dict__ | {"_pictures": None}

    def picture(self, index: int) -> np.ndarray:
        if self._pictures is None:
            self._pictures = np.memmap(self._path, np.uint8, "r", shape=(len(self), self.size, self.size, 3))
        return self._pictures[index]


def _controls(dataset: Dataset, column: str) -> np.ndarray | None:
    if column not in dataset.column_names:
        return None
    lists = dataset.select_columns([column]).with_format("arrow")[:][column].combine_chunks()
    values = np.full((len(lists), len(CONTROLS)), np.nan, np.float32)
    known = np.flatnonzero(lists.is_valid().to_numpy(zero_copy_only=False))
    values[known] = lists.flatten().to_numpy(zero_copy_only=False).reshape(len(known), len(CONTROLS))
    return values


def _groups(pairs: list[str]) -> tuple[list[str], dict[str, np.ndarray]]:
    members: dict[str, list[int]] = {}
    for index, pair in enumerate(pairs):
        if pair:
            members.setdefault(pair, []).append(index)
    return pairs, {pair: np.asarray(indices) for pair, indices in members.items() if len(indices) > 1}


def _decoded_file(dataset: Dataset, size: int, folder: Path) -> Path:
    """The file with all pictures of a set, made where it is not there or not whole.

    Raises:
        DatasetError: it cannot be written; nothing is left of it then.
    """
    # sRGB: what was decoded by earlier versions may not be.
    key = hashlib.sha256(f"{dataset._fingerprint}-{len(dataset)}-{size}-sRGB".encode()).hexdigest()[:16]
    path, length = folder / f"{key}.rgb", len(dataset) * size * size * 3
    try:
        make_once(
            path, length, lambda: (stored_picture(each, size, name).tobytes() for name, each in named_pictures(dataset))
        )
    except OSError as error:
        raise DatasetError(
            f"The decoded pictures cannot be written to {folder} ({cause(error)}); they take {length / 1e6:.1f} MB. "
            f"{remedy(error, folder)}, or name another folder with HF_HOME."
        ) from error
    return path


def stored_picture(picture: np.ndarray, size: int, name: str) -> np.ndarray:
    """A picture [H, W, 3] at the size that training keeps it in; `name` is what an error calls it."""
    height, width = picture.shape[:2]
    if not 0.9 < width / height < 1.1:
        raise DatasetError(
            f"{name} has {width} x {height} pixels; training needs square crops of aligned faces. "
            "Make them with `sargan crop SOURCE OUTPUT` and train on OUTPUT."
        )
    shrinks = height > size
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
