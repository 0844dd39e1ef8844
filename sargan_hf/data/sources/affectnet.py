"""AffectNet: 290,000 annotated faces from the web, in either of its two distributions."""

import csv
import re
from pathlib import PurePosixPath

import numpy as np

from ..examples import Example
from ..folders import split_of
from .base import Layout, Source, misfit

LABELS = ("neutral", "happy", "sad", "surprised", "afraid", "disgusted", "angry", "contempt")
UNLABELLED = ("8", "9", "10")  # none, uncertain, no face: in the first distribution only
ANNOTATION = re.compile(r"(\d+)_exp\.npy")
LISTS = {"training.csv": "train", "validation.csv": "validation"}
PATH_COLUMN, LABEL_COLUMN = "subDirectory_filePath", "expression"


def _annotations(layout: Layout) -> list[PurePosixPath]:
    return [file for file in layout.files if ANNOTATION.fullmatch(file.name)]


def _lists(layout: Layout) -> list[PurePosixPath]:
    return [file for file in layout.files if file.name in LISTS]


def recognises(layout: Layout) -> bool:
    if _annotations(layout):
        return True
    return any(PATH_COLUMN in (layout.root / file).read_text(errors="replace")[:500] for file in _lists(layout))


def read(layout: Layout) -> list[Example]:
    annotations = _annotations(layout)
    if annotations:
        return _from_annotations(layout, annotations)
    examples = [example for file in _lists(layout) for example in _from_list(layout, file)]
    if not examples:
        raise misfit(SOURCE.title, [], "train_set/images with train_set/annotations/*_exp.npy, or training.csv")
    return examples


def _from_annotations(layout: Layout, annotations: list[PurePosixPath]) -> list[Example]:
    examples, wrong = [], []
    for file in annotations:
        label = _number(layout, file)
        picture = file.parent.parent / "images" / f"{ANNOTATION.fullmatch(file.name)[1]}.jpg"
        if label in range(len(LABELS)):
            examples.append(Example(layout.root / picture, LABELS[label], split=split_of(file)))
        else:
            wrong.append(file)
    if wrong:
        raise misfit(SOURCE.title, wrong, "one number from 0 to 7 in each annotation")
    return examples


def _number(layout: Layout, file: PurePosixPath) -> int:
    try:
        return int(np.load(layout.root / file, allow_pickle=False).item())
    except (ValueError, EOFError):
        return -1


def _from_list(layout: Layout, file: PurePosixPath) -> list[Example]:
    """From training.csv, whose paths lead from the folder Manually_Annotated_Images."""
    folder = next(
        (path.parents[1] for path in layout.pictures if "Manually_Annotated_Images" in path.parts[:-1]), file.parent
    )
    examples, wrong = [], []
    with (layout.root / file).open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            label, path = row.get(LABEL_COLUMN), row.get(PATH_COLUMN)
            if label in UNLABELLED:
                continue
            if path and label and label.isdigit() and int(label) < len(LABELS):
                examples.append(Example(layout.root / folder / path, LABELS[int(label)], split=LISTS[file.name]))
            else:
                wrong.append(f"{file}: {row}")
    if wrong:
        raise misfit(SOURCE.title, wrong, f"rows with {PATH_COLUMN} and {LABEL_COLUMN}, a number from 0 to 10")
    return examples


SOURCE = Source(
    name="affectnet",
    title="AffectNet (Mollahosseini, Hasani & Mahoor 2017)",
    licence="Non-commercial research on request by principal investigators; not to be passed on.",
    obtain="http://mohammadmahoor.com/affectnet/",
    rule="train_set/images/123.jpg with train_set/annotations/123_exp.npy (0 to 7), likewise val_set; or "
    "Manually_Annotated_Images with training.csv and validation.csv. Who is in a picture is unknown; nothing "
    "pairs. Contempt is left out.",
    recognises=recognises,
    read=read,
    beyond=frozenset({"contempt"}),
)
