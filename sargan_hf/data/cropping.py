"""Photographs to what training expects: one face each in the canonical crop, as Parquet shards.

Training takes pictures as they are; the expression rig already writes crops, while published sets come with shoulders,
walls and heads anywhere in the frame.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset
from PIL import Image

from ..errors import DatasetError, NoFaceError
from ..faces.alignment import EYES_CENTRE, canonical_transform, crop_face, transform_scale
from ..faces.detection import FaceDetector
from .decoding import decoded_pictures

PICTURES_PER_SHARD = 4000  # about 50 MB at 160 pixels
JPEG_QUALITY = 95


@dataclass(frozen=True)
class CropSummary:
    """What was written: number of pictures, and (row, reason) of each that was left out."""

    pictures: int
    skipped: tuple[tuple[int, str], ...]


def write_crops(
    dataset: Dataset,
    output: Path,
    size: int = 160,
    split: str = "train",
    on_picture: Callable[[], None] = lambda: None,
) -> CropSummary:
    """Cuts the largest face out of every picture and writes `output/data/SPLIT-*.parquet`.

    Pictures of a pair are cut so that all eyes come to lie as in the neutral one: the mouth, which otherwise has a say in
    the scale, moves with the expression. Pictures without a face are left out and listed in `output/skipped-SPLIT.csv`.

    Args:
        dataset: of the common schema; further columns are kept.
        output: folder.
        size: side of the crops in pixels; a quarter more than training's resolution leaves room to zoom.
        split: part of the set that the rows belong to.
        on_picture: called after every picture.

    Raises:
        DatasetError: the folder holds this part already, a picture is damaged, or no picture shows a face.
    """
    data = output / "data"
    if any(data.glob(f"{split}-*.parquet")):
        raise DatasetError(f"{output} already holds crops of the part {split}: choose another folder, or remove them.")
    data.mkdir(parents=True, exist_ok=True)
    detector, skipped, rows, shards, written = FaceDetector(), [], [], 0, 0
    kept = dataset.remove_columns("image")
    for group in _pairs(dataset):
        for index, crop in _crops(dataset, group, size, detector, skipped):
            rows.append({"image": {"bytes": _jpeg(crop), "path": f"{index:07d}.jpg"}, **kept[index]})
        for _ in group:
            on_picture()
        if len(rows) >= PICTURES_PER_SHARD:
            shards, written, rows = (
                shards + 1,
                written + _write(rows, dataset, data / f"{split}-{shards:05d}.parquet"),
                [],
            )
    if rows:
        written += _write(rows, dataset, data / f"{split}-{shards + 1:05d}.parquet")
    if not written:
        raise DatasetError(
            f"None of the {len(dataset)} pictures shows a face: check that they are upright photographs."
        )
    with (output / f"skipped-{split}.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("row", "reason"), *skipped])
    return CropSummary(written, tuple(skipped))


def _pairs(dataset: Dataset) -> Iterator[list[int]]:
    """Rows that belong together, the neutral one first."""
    names = dataset.features["expression"].names
    groups: dict[str, list[int]] = {}
    for index, (pair, expression) in enumerate(zip(dataset["pair"], dataset["expression"], strict=True)):
        group = groups.setdefault(pair or f"row {index}", [])
        group.insert(0 if names[expression] == "neutral" else len(group), index)
    yield from groups.values()


def _crops(
    dataset: Dataset, group: Sequence[int], size: int, detector: FaceDetector, skipped: list[tuple[int, str]]
) -> Iterator[tuple[int, np.ndarray]]:
    """The crops of one pair, all with the eyes as far apart as in the first that shows a face."""
    wanted = None
    for index, picture in zip(group, decoded_pictures(dataset.select(group)), strict=True):
        try:
            points = detector.find(picture)[0].points
        except NoFaceError:
            skipped.append((index, "no face was found"))
            continue
        transform = canonical_transform(points, size)
        distance = transform_scale(transform) * np.hypot(*(points[1] - points[0]))
        wanted = wanted or distance
        factor = wanted / distance
        transform = factor * transform  # about the middle of the eyes, which stays where it belongs
        transform[:, 2] += (1 - factor) * (np.array(EYES_CENTRE) * size - 0.5)
        yield index, crop_face(picture, transform, size)


def _write(rows: list[dict], dataset: Dataset, path: Path) -> int:
    partial = path.with_suffix(".unfinished")
    pq.write_table(pa.Table.from_pylist(rows, schema=dataset.features.arrow_schema), partial, compression="zstd")
    partial.replace(path)
    return len(rows)


def _jpeg(crop: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(crop).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()
