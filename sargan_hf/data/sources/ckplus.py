"""CK+: 123 people, 593 sequences from neutral to the apex of an expression, 327 of them with a label."""

import re
from collections import defaultdict
from pathlib import PurePosixPath

from ..examples import Example
from .base import Layout, Source, by_name, matches, misfit, mostly, read_text, refuse_twins, report_left_out

NAME = re.compile(r"(S\d{3})_(\d{3})_(\d{8})\.png", re.IGNORECASE)
LABEL_NAME = re.compile(r"(S\d{3})_(\d{3})_(\d{8})_emotion\.txt", re.IGNORECASE)
LABELS = ("neutral", "angry", "contempt", "disgusted", "afraid", "happy", "sad", "surprised")
_LABEL_OF_NUMBER = {float(number): label for number, label in enumerate(LABELS)}


def _label_files(layout: Layout) -> list[tuple[PurePosixPath, re.Match]]:
    return [(file, match) for file in layout.files if (match := LABEL_NAME.fullmatch(file.name))]


def recognises(layout: Layout) -> bool:
    return mostly(layout.pictures, NAME) and bool(_label_files(layout))


def read(layout: Layout) -> list[Example]:
    """The first and the last picture of every sequence that has a label."""
    labels = _labels(layout)
    sequences = defaultdict(dict)
    found = matches(layout.pictures, NAME, SOURCE.title, "S005_001_00000011.png")
    refuse_twins(by_name(found), SOURCE.title)
    for file, match in found:
        sequences[_sequence(match)][match[3]] = file
    missing = [f"{name}_{apex}.png" for name, (_, apex) in labels.items() if apex not in sequences.get(name, {})]
    if missing:
        raise misfit(
            SOURCE.title,
            missing,
            "pictures of every labelled sequence up to the frame that the label is of, "
            "cohn-kanade-images/S005/001/S005_001_00000001.png ...",
        )
    report_left_out(SOURCE.title, len(sequences.keys() - labels.keys()), "sequences without a label")
    examples = []
    for name, (label, apex) in sorted(labels.items()):
        frames, subject, pair = sequences[name], f"ckplus_{name[:4]}", f"ckplus_{name}"
        for number, expression in ((min(frames), "neutral"), (apex, label)):
            examples.append(Example(layout.root / frames[number], expression, subject, pair))
    return examples


def _labels(layout: Layout) -> dict[str, tuple[str, str]]:
    """Label of each sequence, and the frame that it is of."""
    labels: dict[str, tuple[str, str]] = {}
    for file, match in _label_files(layout):
        label = _label(layout, file), match[3]
        if labels.setdefault(_sequence(match), label) != label:
            raise misfit(
                SOURCE.title, [file], f"one label for the sequence {_sequence(match)}; another file has another"
            )
    return labels


def _sequence(match: re.Match) -> str:
    return f"{match[1].upper()}_{match[2]}"


def _label(layout: Layout, file: PurePosixPath) -> str:
    """From a text like `   3.0000000e+00`."""
    text = read_text(layout, file, SOURCE.title).strip()
    try:
        return _LABEL_OF_NUMBER[float(text)]
    except (ValueError, KeyError):
        raise misfit(SOURCE.title, [f"{file}, {text[:40]!r}"], "a whole number from 0 to 7 in it") from None


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
