"""The decoded pictures of a set, in one memory-mapped file, and who pairs with whom."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
from datasets import Dataset, config

from ..data.decoding import named_pictures
from ..data.photographs import RECIPE, source_only
from ..errors import DatasetError


class FaceLabels:
    """What is known of the pictures of a set without looking at them.

    Attributes:
        expression: int64 [N], indices into the set's expressions.
        subject: the person in each picture.
        source_only: bool [N], photographs in a pair. What they are edited to is known, but they are no measure of an edit:
            real smiles are fainter than the rig's, and the mean of both would be a faint one.
    """

    def __init__(self, dataset: Dataset):
        if len(dataset) == 0:
            raise DatasetError("The training set is empty: check the folder and the split.")
        self.expression = np.asarray(dataset["expression"], dtype=np.int64)
        self.subject = list(dataset["subject"])
        self.num_expressions = dataset.features["expression"].num_classes
        self._group, self._members = _groups(list(dataset["pair"]))
        recipe = list(dataset[RECIPE]) if RECIPE in dataset.column_names else [None] * len(dataset)
        self.source_only = np.array([source_only(*of) for of in zip(recipe, self._group, strict=True)], bool)

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


def _groups(pairs: list[str]) -> tuple[list[str], dict[str, np.ndarray]]:
    members: dict[str, list[int]] = {}
    for index, pair in enumerate(pairs):
        if pair:
            members.setdefault(pair, []).append(index)
    return pairs, {pair: np.asarray(indices) for pair, indices in members.items() if len(indices) > 1}


def _decoded_file(dataset: Dataset, size: int, folder: Path) -> Path:
    # sRGB: what was decoded by earlier versions may not be.
    key = hashlib.sha256(f"{dataset._fingerprint}-{len(dataset)}-{size}-sRGB".encode()).hexdigest()[:16]
    path = folder / f"{key}.rgb"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{np.random.default_rng().integers(1 << 32):08x}")
    pictures = np.memmap(partial, np.uint8, "w+", shape=(len(dataset), size, size, 3))
    for index, (name, picture) in enumerate(named_pictures(dataset)):
        pictures[index] = stored_picture(picture, size, name)
    pictures.flush()
    partial.replace(path)  # complete or not there at all, also when several processes decode at once
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
