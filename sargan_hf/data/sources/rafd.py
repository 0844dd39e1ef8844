"""Radboud Faces Database: 67 people, eight expressions, three gazes, five cameras."""

import re

from ..examples import Example
from .base import Layout, Source, by_name, matches, mostly, refuse_twins, report_left_out

EXPRESSIONS = "angry|contemptuous|disgusted|fearful|happy|neutral|sad|surprised"
NAME = re.compile(
    rf"Rafd(000|045|090|135|180)_(\d\d)_([A-Za-z]+)_(female|male)_({EXPRESSIONS})_(frontal|left|right)\.(?:jpe?g|png)",
    re.IGNORECASE,
)
FRONTAL = "090"


def recognises(layout: Layout) -> bool:
    return mostly(layout.pictures, NAME)


def read(layout: Layout) -> list[Example]:
    examples = []
    example = "Rafd090_01_Caucasian_female_angry_frontal.jpg"
    found = matches(layout.pictures, NAME, SOURCE.title, example)
    refuse_twins(by_name(found), SOURCE.title)
    for file, match in found:
        camera, number, _, _, expression, gaze = match.groups()
        if camera == FRONTAL:
            subject = f"rafd_{number}"
            examples.append(Example(layout.root / file, expression.lower(), subject, f"{subject}_{gaze.lower()}"))
    report_left_out(SOURCE.title, len(found) - len(examples), "pictures from the side")
    return examples


SOURCE = Source(
    name="rafd",
    title="RaFD (Langner et al. 2010)",
    licence="For non-commercial scientific research by those who were granted access; not to be passed on.",
    obtain="https://rafd.socsci.ru.nl",
    rule="Rafd090_01_Caucasian_female_angry_frontal.jpg: camera in degrees, person, group (Caucasian, Moroccan or "
    "Kid), sex, expression, gaze. The frontal camera (090) only. Pictures of a person with the same gaze "
    "pair. Contempt is left out.",
    recognises=recognises,
    read=read,
    beyond=frozenset({"contemptuous"}),
)
