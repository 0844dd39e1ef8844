"""Face Research Lab London Set: 102 people, neutral and smiling, from five angles."""

import re

from ..examples import Example
from .base import Layout, Source, by_name, matches, mostly, refuse_twins, report_left_out

NAME = re.compile(r"(\d{3})_(\d\d)\.jpe?g", re.IGNORECASE)
LABELS = {"03": "neutral", "08": "happy"}  # the frontal ones of five views each


def recognises(layout: Layout) -> bool:
    found = [NAME.fullmatch(file.name) for file in layout.pictures]
    return mostly(layout.pictures, NAME) and any(match and match[2] in LABELS for match in found)


def read(layout: Layout) -> list[Example]:
    found = matches(layout.pictures, NAME, SOURCE.title, "001_03.jpg")
    refuse_twins(by_name(found), SOURCE.title)
    frontal = [(file, match) for file, match in found if match[2] in LABELS]
    report_left_out(SOURCE.title, len(found) - len(frontal), "pictures from the side")
    return [Example(layout.root / file, LABELS[match[2]], f"london_{match[1]}") for file, match in frontal]


SOURCE = Source(
    name="london",
    title="Face Research Lab London Set (DeBruine & Jones 2017)",
    licence="CC BY 4.0.",
    obtain="https://doi.org/10.6084/m9.figshare.5047666.v5",
    rule="neutral_front/001_03.jpg and smiling_front/001_08.jpg: person and view; the other views are from the "
    "side and left out. Nothing pairs: the two pictures were taken at different moments, and heads moved.",
    recognises=recognises,
    read=read,
)
