"""Photographs to what training expects: one face each in the canonical crop, as Parquet shards.

Training takes pictures as they are; the expression rig already writes crops, while published sets come with shoulders,
walls and heads anywhere in the frame.
"""

import io
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import Dataset, Features
from datasets import Image as ImageFeature
from PIL import Image

from ..errors import DatasetError, NoFaceError
from ..faces.alignment import EYES_CENTRE, canonical_transform, crop_face, transform_scale
from ..faces.detection import FaceDetector
from .crop_folder import CropFolder
from .image_decoding import picture_at, stored_pictures
from .pair_flow import COLUMNS as MOTION_COLUMNS
from .pair_flow import MASK_COLUMN

PICTURES_PER_SHARD = 4000  # about 50 MB at 160 pixels
JPEG_QUALITY = 95
NO_FACE = "no face was found"
# These describe the pictures pixel by pixel, and the crops are other pixels.
TIED_TO_PIXELS = (*MOTION_COLUMNS, MASK_COLUMN, "before")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CropSummary:
    """What was written: number of pictures, and (row, reason) of each that was left out."""

    pictures: int
    skipped: tuple[tuple[int, str], ...]

    @property
    def faceless(self) -> int:
        """Pictures that show no face."""
        return sum(reason == NO_FACE for _, reason in self.skipped)

    @property
    def damaged(self) -> int:
        """Pictures that cannot be decoded."""
        return len(self.skipped) - self.faceless


def write_crops(
    dataset: Dataset,
    output: Path,
    size: int = 160,
    split: str = "train",
    on_picture: Callable[[], None] = lambda: None,
) -> CropSummary:
    """Cuts the largest face out of every picture and writes `output/data/SPLIT-*.parquet`.

    Pictures of a pair are cut so that all eyes come to lie as in the neutral one: the mouth, which otherwise has a say in
    the scale, moves with the expression. Pictures that are damaged or show no face are left out and listed in
    `output/skipped-SPLIT.csv`. The shards appear when all are written; a run that was interrupted goes on where it was.

    Args:
        dataset: of the common schema; further columns are kept, other than those that describe pixels.
        output: folder.
        size: side of the crops in pixels; a quarter more than training's resolution leaves room to zoom.
        split: part of the set that the rows belong to.
        on_picture: called after every picture.

    Raises:
        DatasetError: the folder holds this part already or crops of something else, it cannot be written to, or no picture
            shows a face.
    """
    if tied := [name for name in TIED_TO_PIXELS if name in dataset.features]:
        log.warning("The columns %s describe pixels of the pictures as they are, and are left out.", ", ".join(tied))
        dataset = dataset.remove_columns(tied)
    groups = list(_pairs(dataset))
    folder = CropFolder(output, split, f"{dataset._fingerprint} {len(dataset)} {size} {PICTURES_PER_SHARD}")
    for group in groups[: folder.groups]:
        for _ in group:
            on_picture()
    _write_all(dataset, groups, folder, size, on_picture)
    if not folder.pictures:
        skipped = folder.skipped
        folder.remove()
        reasons = "" if all(reason == NO_FACE for _, reason in skipped) else f" The first: {skipped[0][1]}"
        raise DatasetError(
            f"None of the {len(dataset)} pictures shows a face: check that they are upright photographs.{reasons}"
        )
    folder.finish()
    return CropSummary(folder.pictures, tuple(folder.skipped))


def _write_all(
    dataset: Dataset,
    groups: Sequence[Sequence[int]],
    folder: CropFolder,
    size: int,
    on_picture: Callable[[], None],
) -> None:
    detector = FaceDetector()
    stored = stored_pictures(dataset)
    kept, features = _further_columns(dataset)
    rows: list[dict] = []
    skipped: list[tuple[int, str]] = []
    for done, group in enumerate(groups[folder.groups :], start=folder.groups + 1):
        for index, crop in _crops(stored, group, size, detector, skipped):
            rows.append({"image": {"bytes": _jpeg(crop), "path": f"{index:07d}.jpg"}, **kept[index]})
        for _ in group:
            on_picture()
        if len(rows) >= PICTURES_PER_SHARD or done == len(groups):
            folder.add(rows, features, skipped, done)
            rows, skipped = [], []


def _further_columns(dataset: Dataset) -> tuple[Dataset, Features]:
    """The columns beside the picture as they are stored, and the features of the whole."""
    kept = dataset.remove_columns("image")
    for name, feature in kept.features.items():
        if isinstance(feature, ImageFeature):
            kept = kept.cast_column(name, ImageFeature(decode=False))
    return kept, Features({"image": ImageFeature(), **{name: dataset.features[name] for name in kept.features}})


def _pairs(dataset: Dataset) -> Iterator[list[int]]:
    """Rows that belong together, the neutral one first."""
    names = dataset.features["expression"].names
    groups: dict[str | int, list[int]] = {}
    for index, (pair, expression) in enumerate(zip(dataset["pair"], dataset["expression"], strict=True)):
        group = groups.setdefault(pair or index, [])
        group.insert(0 if names[expression] == "neutral" else len(group), index)
    yield from groups.values()


def _crops(
    stored: Dataset, group: Sequence[int], size: int, detector: FaceDetector, skipped: list[tuple[int, str]]
) -> Iterator[tuple[int, np.ndarray]]:
    """The crops of one pair, all with the eyes as far apart as in the first that shows a face."""
    wanted = None
    for index in group:
        try:
            picture = picture_at(stored, index)
            points = detector.find(picture)[0].points
        except NoFaceError:
            skipped.append((index, NO_FACE))
            continue
        except DatasetError as error:
            skipped.append((index, str(error)))
            continue
        transform = canonical_transform(points, size)
        distance = transform_scale(transform) * np.hypot(*(points[1] - points[0]))
        wanted = wanted or distance
        factor = wanted / distance
        transform = factor * transform  # about the middle of the eyes, which stays where it belongs
        transform[:, 2] += (1 - factor) * (np.array(EYES_CENTRE) * size - 0.5)
        yield index, crop_face(picture, transform, size)


def _jpeg(crop: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(crop).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()
