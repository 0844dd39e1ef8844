"""RAF-DB, basic expressions: 15,339 faces from the web."""

import re
from pathlib import PurePosixPath

from ..examples import Example
from .base import Layout, Source, matches, misfit, mostly

NAME = re.compile(r"(train|test)_(\d+)(_aligned)?\.jpg", re.IGNORECASE)
LIST = "list_patition_label.txt"  # spelt so in the distribution
LABELS = {"1": "surprised", "2": "afraid", "3": "disgusted", "4": "happy", "5": "sad", "6": "angry", "7": "neutral"}


def _pictures(layout: Layout) -> list[PurePosixPath]:
    """The aligned pictures, or the original ones where only those are there."""
    aligned = [file for file in layout.pictures if file.stem.endswith("_aligned")]
    return aligned or layout.pictures


def _list_file(layout: Layout) -> PurePosixPath | None:
    return next((file for file in layout.files if file.name == LIST), None)


def recognises(layout: Layout) -> bool:
    numbered = all(file.parent.name in LABELS for file in _pictures(layout))
    return mostly(_pictures(layout), NAME) and (numbered or _list_file(layout) is not None)


def _labels(layout: Layout, file: PurePosixPath) -> dict[str, str]:
    """Label of each picture by its name without suffix, from lines like `train_00001.jpg 5`."""
    labels = {}
    for number, line in enumerate((layout.root / file).read_text().splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or words[1] not in LABELS:
            raise misfit(
                SOURCE.title, [f"line {number} of {file}, {line!r}"], "a line like 'train_00001.jpg 5', labels 1 to 7"
            )
        labels[PurePosixPath(words[0]).stem] = LABELS[words[1]]
    return labels


def read(layout: Layout) -> list[Example]:
    list_file = _list_file(layout)
    labels = _labels(layout, list_file) if list_file else None
    examples, unlabelled = [], []
    for file, match in matches(_pictures(layout), NAME, SOURCE.title, "train_00001_aligned.jpg"):
        label = labels.get(f"{match[1]}_{match[2]}") if labels else LABELS.get(file.parent.name)
        if label is None:
            unlabelled.append(file)
        else:
            examples.append(Example(layout.root / file, label, split=match[1].lower()))
    if unlabelled:
        raise misfit(SOURCE.title, unlabelled, f"a label in EmoLabel/{LIST}, or a folder 1 to 7 around the pictures")
    return examples


SOURCE = Source(
    name="rafdb",
    title="RAF-DB basic (Li, Deng & Du 2017)",
    licence="Non-commercial research on request; not to be passed on.",
    obtain="http://www.whdeng.cn/RAF/model1.html",
    rule="Image/aligned/train_00001_aligned.jpg with labels 1 to 7 in EmoLabel/list_patition_label.txt, or in "
    "folders 1 to 7 as on Kaggle. Who is in a picture is unknown; nothing pairs. The official split into "
    "train and test is kept.",
    recognises=recognises,
    read=read,
)
