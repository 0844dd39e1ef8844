"""A folder of portraits as the expression rig reads it: neutral and smiling people, the file name says who."""

import re

from ..examples import Example
from .base import Layout, Source, matches, mostly, refuse_twins, report_left_out

NAME = re.compile(r"([a-z]+_\d{3}[fm]?)\.jpe?g")
# Names as short as a person's number would do for many a folder of one's own; these are the sets that the rig is tried on.
KNOWN = re.compile(r"(london|canada)_\d{3}[fm]?\.jpe?g")
LABELS = {"neutral": "neutral", "smiling": "happy"}


def recognises(layout: Layout) -> bool:
    return mostly(layout.pictures, KNOWN) and {file.parent.name for file in layout.pictures} <= set(LABELS)


def read(layout: Layout) -> list[Example]:
    pictures = [file for file in layout.pictures if file.parent.name in LABELS]
    found = matches(pictures, NAME, SOURCE.title, "neutral/london_001.jpg")
    refuse_twins(((file, (file.parent.name, file.stem)) for file in pictures), SOURCE.title)
    report_left_out(SOURCE.title, len(layout.pictures) - len(pictures), "pictures in other folders")
    return [Example(layout.root / file, LABELS[file.parent.name], match[1]) for file, match in found]


SOURCE = Source(
    name="portraits",
    title="portraits in the layout of the expression rig",
    licence="That of the sets they are from: London and Canada are CC BY 4.0.",
    obtain="See docs/data.md.",
    rule="neutral/london_001.jpg and smiling/london_001.jpg: set and number of the person. Nothing pairs, as with "
    "the London Set.",
    recognises=recognises,
    read=read,
)
