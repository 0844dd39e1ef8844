"""KDEF: 70 people, seven expressions, five angles, two sessions."""

import re

from ..examples import Example
from .base import Layout, Source, by_name, matches, mostly, refuse_twins, report_left_out

# Session A or B, female or male, number; expression; full or half left or right, or straight.
NAME = re.compile(r"([AB])([FM])(\d\d)(AF|AN|DI|HA|NE|SA|SU)(FL|HL|S|HR|FR)\.jpe?g", re.IGNORECASE)
# Two files of the original distribution lost half of their names: a half profile each, so neither is needed.
MISNAMED = {"AF31V.JPG", "AM31H.JPG"}  # AF31SAHL, AM31SUHR
AVERAGES = "AKDEF"  # a folder beside KDEF with averages over all people


def _pictures(layout: Layout) -> list:
    files = (file for file in layout.pictures if AVERAGES not in map(str.upper, file.parts))
    return [file for file in files if file.name.upper() not in MISNAMED]


def recognises(layout: Layout) -> bool:
    return mostly(_pictures(layout), NAME)


def read(layout: Layout) -> list[Example]:
    examples = []
    found = matches(_pictures(layout), NAME, SOURCE.title, "AF01ANS.JPG")
    refuse_twins(by_name(found), SOURCE.title)
    for file, match in found:
        session, sex, number, expression, angle = (group.upper() for group in match.groups())
        if angle == "S":
            subject = f"kdef_{sex}{number}"
            examples.append(Example(layout.root / file, expression, subject, f"{subject}_{session}"))
    report_left_out(SOURCE.title, len(layout.pictures) - len(examples), "pictures from the side, and averages")
    return examples


SOURCE = Source(
    name="kdef",
    title="KDEF (Lundqvist, Flykt & Öhman 1998)",
    licence="Free for non-commercial research on request; the pictures may not be passed on, few may be printed.",
    obtain="https://kdef.se",
    rule="AF01ANS.JPG: session A or B, F or M and number of the person, expression, angle. Frontal pictures (S) "
    "only. A session's pictures of a person pair: they were taken with eyes and mouth at marked places of the "
    "frame.",
    recognises=recognises,
    read=read,
)
