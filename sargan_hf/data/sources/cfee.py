"""CFEE: 230 people, seven expressions and compounds of them."""

import re

from ..examples import Example
from .base import Layout, Source, by_name, matches, misfit, mostly, refuse_twins, report_left_out

NAME = re.compile(r"(\d\d)_(\d{3})_(\d+)\.jpe?g", re.IGNORECASE)
FOLDER = re.compile(r"Images\d", re.IGNORECASE)
# From 08 on come the compounds, "happily surprised" first.
LABELS = {1: "neutral", 2: "happy", 3: "sad", 4: "angry", 5: "surprised", 6: "disgusted", 7: "afraid"}
CATEGORIES = 26


def recognises(layout: Layout) -> bool:
    inside = any(FOLDER.fullmatch(file.parent.name) for file in layout.pictures)
    return inside and mostly(layout.pictures, NAME)


def read(layout: Layout) -> list[Example]:
    examples = []
    found = matches(layout.pictures, NAME, SOURCE.title, "02_106_2331.jpg")
    refuse_twins(by_name(found), SOURCE.title)
    for file, match in found:
        category = int(match[1])
        if not 1 <= category <= CATEGORIES:
            raise misfit(SOURCE.title, [file], f"a category from 01 to {CATEGORIES} at the start of the name")
        if category in LABELS:
            subject = f"cfee_{match[2]}"
            examples.append(Example(layout.root / file, LABELS[category], subject, subject))
    report_left_out(SOURCE.title, len(found) - len(examples), "pictures of compound expressions")
    return examples


SOURCE = Source(
    name="cfee",
    title="CFEE (Du, Tao & Martinez 2014)",
    licence="Non-commercial research on request; not to be passed on.",
    obtain="https://cbcsl.ece.ohio-state.edu/compound.html",
    rule="CFEE_Database_230/01-04/Images1/02_106_2331.jpg: category (01 neutral, 02 happy, 03 sad, 04 angry, 05 "
    "surprised, 06 disgusted, 07 fearful, then compounds, which are left out), person, running number. "
    "Pictures of a person pair. Compare the numbers with the sheet `summary` of the set's "
    "AU_annotation_all_subjects.xls before a long run.",
    recognises=recognises,
    read=read,
)
