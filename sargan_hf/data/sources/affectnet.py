"""AffectNet: 290,000 annotated faces from the web, in either of its two distributions."""

import re
from pathlib import PurePosixPath

import numpy as np

from ..examples import Example
from ..folders import split_of
from .base import Layout, Source, csv_rows, misfit, report_left_out

LABELS = ("neutral", "happy", "sad", "surprised", "afraid", "disgusted", "angry", "contempt")
NUMBERS = frozenset(map(str, range(len(LABELS))))
UNLABELLED = ("8", "9", "10")  # none, uncertain, no face: in the first distribution only
ANNOTATION = re.compile(r"(\d+)_exp\.npy")
LISTS = {"training.csv": "train", "validation.csv": "validation"}
PICTURES = "Manually_Annotated_Images"
PATH_COLUMN, LABEL_COLUMN = "subDirectory_filePath", "expression"


def _annotations(layout: Layout) -> list[tuple[PurePosixPath, re.Match]]:
    return [(file, match) for file in layout.files if (match := ANNOTATION.fullmatch(file.name))]


def _lists(layout: Layout) -> list[PurePosixPath]:
    return [file for file in layout.files if file.name in LISTS]


def recognises(layout: Layout) -> bool:
    return bool(_annotations(layout)) or any(PATH_COLUMN in _header(layout, file) for file in _lists(layout))


def _header(layout: Layout, file: PurePosixPath) -> str:
    with (layout.root / file).open(encoding="utf-8", errors="replace") as lines:
        return lines.read(500)


def read(layout: Layout) -> list[Example]:
    annotations = _annotations(layout)
    if annotations:
        return _from_annotations(layout, annotations)
    examples = [example for file in _lists(layout) for example in _from_list(layout, file)]
    if not examples:
        raise misfit(SOURCE.title, [], "train_set/images with train_set/annotations/*_exp.npy, or training.csv")
    return examples


def _from_annotations(layout: Layout, annotations: list[tuple[PurePosixPath, re.Match]]) -> list[Example]:
    examples, wrong = [], []
    for file, match in annotations:
        label = _number(layout, file)
        picture = file.parent.parent / "images" / f"{match[1]}.jpg"
        if label in range(len(LABELS)):
            examples.append(Example(layout.root / picture, LABELS[label], split=split_of(file), place=str(file)))
        else:
            wrong.append(file)
    if wrong:
        raise misfit(SOURCE.title, wrong, "one number from 0 to 7 in each annotation")
    named = {example.path for example in examples}
    unnamed = sum(layout.root / picture not in named for picture in layout.pictures)
    report_left_out(SOURCE.title, unnamed, "pictures without an annotation")
    return examples


def _number(layout: Layout, file: PurePosixPath) -> int:
    """The whole number in an annotation, which holds it as a number or as text; -1 where there is none."""
    try:
        number = float(np.load(layout.root / file, allow_pickle=False).item())
    except OSError:
        raise
    except Exception:  # NumPy raises anything at all on damaged files
        return -1
    return int(number) if number.is_integer() else -1


def _from_list(layout: Layout, file: PurePosixPath) -> list[Example]:
    """From training.csv, whose paths lead from the folder Manually_Annotated_Images."""
    folder = _pictures_folder(layout, file)
    examples, wrong, unlabelled = [], [], 0
    for line, row in csv_rows(layout, file, SOURCE.title):
        label, path = row.get(LABEL_COLUMN, "").strip(), row.get(PATH_COLUMN, "").strip()
        if label in UNLABELLED:
            unlabelled += 1
        elif path and label in NUMBERS:
            place = f"line {line} of {file}"
            examples.append(
                Example(layout.root / folder / path, LABELS[int(label)], split=LISTS[file.name], place=place)
            )
        else:
            wrong.append(f"line {line} of {file} ({LABEL_COLUMN} {label!r}, {PATH_COLUMN} {path!r})")
    if wrong:
        raise misfit(SOURCE.title, wrong, f"rows with {PATH_COLUMN} and {LABEL_COLUMN}, a number from 0 to 10")
    report_left_out(SOURCE.title, unlabelled, f"rows of {file} without an expression (8 to 10)")
    return examples


def _pictures_folder(layout: Layout, file: PurePosixPath) -> PurePosixPath:
    """The folder that the paths of a list lead from."""
    folders = {
        PurePosixPath(*picture.parts[: picture.parts.index(PICTURES) + 1])
        for picture in layout.pictures
        if PICTURES in picture.parts[:-1]
    }
    if len(folders) > 1:
        raise misfit(SOURCE.title, sorted(map(str, folders)), f"one folder {PICTURES}: one copy of the set")
    return next(iter(folders), file.parent)


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
