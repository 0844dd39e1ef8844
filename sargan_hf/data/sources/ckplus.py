"""CK+: 123 people, 593 sequences from neutral to the apex of an expression, 327 of them with a label."""

import re
from collections import defaultdict
from pathlib import PurePosixPath

from ..examples import Example
from .base import Layout, Source, matches, misfit, mostly

NAME = re.compile(r"(S\d{3})_(\d{3})_(\d{8})\.png", re.IGNORECASE)
LABEL_NAME = re.compile(r"(S\d{3})_(\d{3})_(\d{8})_emotion\.txt", re.IGNORECASE)
LABELS = ("neutral", "angry", "contempt", "disgusted", "afraid", "happy", "sad", "surprised")


def _label_files(layout: Layout) -> list[PurePosixPath]:
    return [file for file in layout.files if LABEL_NAME.fullmatch(file.name)]


def recognises(layout: Layout) -> bool:
    return mostly(layout.pictures, NAME) and bool(_label_files(layout))


def read(layout: Layout) -> list[Example]:
    """The first and the last picture of every sequence that has a label."""
    labels = {_sequence(LABEL_NAME.fullmatch(file.name)): _label(layout, file) for file in _label_files(layout)}
    sequences = defaultdict(dict)
    for file, match in matches(layout.pictures, NAME, SOURCE.title, "S005_001_00000011.png"):
        if _sequence(match) in labels:
            sequences[_sequence(match)][match[3]] = file
    missing = [name for name in labels if name not in sequences]
    if missing:
        raise misfit(
            SOURCE.title,
            missing,
            "pictures of every labelled sequence, cohn-kanade-images/S005/001/S005_001_00000001.png ...",
        )
    examples = []
    for name, frames in sorted(sequences.items()):
        subject, pair = f"ckplus_{name[:4]}", f"ckplus_{name}"
        for number, expression in ((min(frames), "neutral"), (max(frames), labels[name])):
            examples.append(Example(layout.root / frames[number], expression, subject, pair))
    return examples


def _sequence(match: re.Match) -> str:
    return f"{match[1].upper()}_{match[2]}"


def _label(layout: Layout, file: PurePosixPath) -> str:
    """From a text like `   3.0000000e+00`."""
    text = (layout.root / file).read_text().strip()
    try:
        return LABELS[round(float(text))]
    except (ValueError, IndexError):
        raise misfit(SOURCE.title, [f"{file}, {text!r}"], "a number from 0 to 7 in it") from None


SOURCE = Source(
    name="ckplus",
    title="CK+ (Lucey et al. 2010)",
    licence="Non-commercial research on request; pictures of the subjects who agreed may be printed, nothing may be "
    "passed on.",
    obtain="https://www.jeffcohn.net/resources/",
    rule="cohn-kanade-images/S005/001/S005_001_00000011.png with Emotion/S005/001/S005_001_00000011_emotion.txt: "
    "person, sequence, frame. The first frame is neutral, the last shows the label; the two pair. Sequences "
    "without a label are left out, and so is contempt.",
    recognises=recognises,
    read=read,
    beyond=frozenset({"contempt"}),
)
