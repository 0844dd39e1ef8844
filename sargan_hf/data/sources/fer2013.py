"""FER2013: 35,887 grey faces of 48 x 48 pixels from the web."""

import csv
import re
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from ..examples import Example
from ..extracted import cached_picture
from ..folders import split_of
from .base import Layout, Source, matches, misfit, mostly

LABELS = ("angry", "disgusted", "afraid", "happy", "sad", "surprised", "neutral")
TABLES = ("fer2013.csv", "icml_face_data.csv")
SPLITS = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
NAME = re.compile(r"(Training|PublicTest|PrivateTest)_(\d+)\.(?:jpg|png)", re.IGNORECASE)
FOLDERS = {"angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"}
SIDE = 48


def _table(layout: Layout) -> PurePosixPath | None:
    return next((file for file in layout.files if file.name in TABLES), None)


def recognises(layout: Layout) -> bool:
    return _table(layout) is not None or mostly(layout.pictures, NAME)


def read(layout: Layout) -> list[Example]:
    table = _table(layout)
    if table is not None:
        return _from_table(layout, table)
    found = matches(layout.pictures, NAME, SOURCE.title, "train/angry/Training_3908.jpg")
    wrong = [file for file, _ in found if file.parent.name not in FOLDERS]
    if wrong:
        raise misfit(SOURCE.title, wrong, f"folders {', '.join(sorted(FOLDERS))}")
    return [Example(layout.root / file, file.parent.name, split=split_of(file)) for file, _ in found]


def _from_table(layout: Layout, table: PurePosixPath) -> list[Example]:
    """From rows `emotion,pixels,Usage`, pixels being 2,304 numbers with blanks between."""
    path = layout.root / table
    examples = []
    with path.open(newline="", encoding="utf-8") as lines:
        for number, row in enumerate(csv.DictReader(lines, skipinitialspace=True), start=2):
            pixels = np.fromstring(row.get("pixels", ""), dtype=np.uint8, sep=" ")
            label, split = row.get("emotion", ""), SPLITS.get(row.get("Usage", "Training"))
            if pixels.size != SIDE * SIDE or label not in set("0123456") or split is None:
                raise misfit(SOURCE.title, [f"line {number} of {table}"], "emotion (0 to 6), 2304 pixels, Usage")
            make = partial(np.reshape, pixels, (SIDE, SIDE))
            picture = cached_picture(layout.cache, path, f"line {number}", ".png", make)
            examples.append(Example(picture, LABELS[int(label)], split=split))
    return examples


SOURCE = Source(
    name="fer2013",
    title="FER2013 (Goodfellow et al. 2013)",
    licence="Pictures from the web, published for a Kaggle competition; their rights are unclear.",
    obtain="https://www.kaggle.com/datasets/msambare/fer2013",
    rule="fer2013.csv (emotion 0 to 6, pixels, Usage), or train/angry/Training_3908.jpg as on Kaggle. Who is in a "
    "picture is unknown; nothing pairs. With 48 pixels a side, good for testing rather than for training.",
    recognises=recognises,
    read=read,
)
