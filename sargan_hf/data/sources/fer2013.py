"""FER2013: 35,887 grey faces of 48 x 48 pixels from the web."""

import re
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from ..examples import Example
from ..folders import split_of
from ..video_frames import cached_picture
from .base import Layout, Source, by_name, csv_rows, matches, misfit, mostly, refuse_twins, report_left_out

LABELS = ("angry", "disgusted", "afraid", "happy", "sad", "surprised", "neutral")
NUMBERS = frozenset(map(str, range(len(LABELS))))
TABLES = ("fer2013.csv", "icml_face_data.csv")
SPLITS = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
NAME = re.compile(r"(Training|PublicTest|PrivateTest)_(\d+)\.(?:jpg|png)", re.IGNORECASE)
FOLDERS = {"angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"}
SIDE = 48


def _tables(layout: Layout) -> list[PurePosixPath]:
    return [file for file in layout.files if file.name.lower() in TABLES]


def recognises(layout: Layout) -> bool:
    return bool(_tables(layout)) or mostly(layout.pictures, NAME)


def read(layout: Layout) -> list[Example]:
    tables = _tables(layout)
    if len(tables) > 1:
        raise misfit(SOURCE.title, tables, "one table: one copy of the set")
    if tables:
        report_left_out(SOURCE.title, len(layout.pictures), f"pictures beside {tables[0]}")
        return _from_table(layout, tables[0])
    found = matches(layout.pictures, NAME, SOURCE.title, "train/angry/Training_3908.jpg")
    wrong = [file for file, _ in found if file.parent.name.lower() not in FOLDERS]
    if wrong:
        raise misfit(SOURCE.title, wrong, f"folders {', '.join(sorted(FOLDERS))}")
    refuse_twins(by_name(found), SOURCE.title)
    return [Example(layout.root / file, file.parent.name, split=split_of(file)) for file, _ in found]


def _from_table(layout: Layout, table: PurePosixPath) -> list[Example]:
    """From rows `emotion,pixels,Usage`, pixels being 2,304 numbers with blanks between."""
    path = layout.root / table
    examples = []
    for number, row in csv_rows(layout, table, SOURCE.title):
        pixels = _pixels(row.get("pixels", ""))
        label, split = row.get("emotion", "").strip(), SPLITS.get(row.get("Usage", "Training").strip())
        if pixels is None or label not in NUMBERS or split is None:
            raise misfit(
                SOURCE.title, [f"line {number} of {table}"], "emotion (0 to 6), 2304 pixels from 0 to 255, Usage"
            )
        make = partial(np.reshape, pixels, (SIDE, SIDE))
        picture = cached_picture(layout.cache, path, f"line {number}", ".png", make)
        examples.append(Example(picture, LABELS[int(label)], split=split, place=f"line {number} of {table}"))
    return examples


def _pixels(text: str) -> np.ndarray | None:
    """uint8 [SIDE * SIDE]; None where the text is something else."""
    if len(text.split()) != SIDE * SIDE:
        return None
    try:
        numbers = np.fromstring(text, dtype=np.int64, sep=" ")
    except ValueError:
        return None
    if numbers.size != SIDE * SIDE or numbers.min() < 0 or numbers.max() > 255:
        return None
    return numbers.astype(np.uint8)


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
