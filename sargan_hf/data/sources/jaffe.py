"""JAFFE: ten Japanese women, seven expressions, three or four takes of each."""

import re

from ..examples import Example
from .base import Layout, Source, by_name, matches, mostly, refuse_twins

NAME = re.compile(r"([A-Z]{2})\.(AN|DI|FE|HA|NE|SA|SU)(\d)\.(\d+)\.(?:tiff?|png|jpe?g)", re.IGNORECASE)
LABELS = {
    "AN": "angry",
    "DI": "disgusted",
    "FE": "afraid",
    "HA": "happy",
    "NE": "neutral",
    "SA": "sad",
    "SU": "surprised",
}


def recognises(layout: Layout) -> bool:
    return mostly(layout.pictures, NAME)


def read(layout: Layout) -> list[Example]:
    found = matches(layout.pictures, NAME, SOURCE.title, "KA.AN1.39.tiff")
    refuse_twins(by_name(found), SOURCE.title)
    return [Example(layout.root / file, LABELS[match[2].upper()], f"jaffe_{match[1].upper()}") for file, match in found]


SOURCE = Source(
    name="jaffe",
    title="JAFFE (Lyons, Kamachi & Gyoba 1998)",
    licence="Non-commercial research only; not to be passed on.",
    obtain="https://zenodo.org/records/3451524",
    rule="KA.AN1.39.tiff: initials of the person, expression and take, running number. Nothing pairs: the women "
    "took the pictures themselves and moved between them.",
    recognises=recognises,
    read=read,
)
