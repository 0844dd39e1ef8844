"""CREMA-D: 91 actors say twelve sentences in six emotions."""

import re

from ..examples import Example
from ..video_frames import Frame, extract_frames
from .base import Layout, Source, by_name, matches, mostly, refuse_twins, report_left_out

# One clip of the distribution, 1040_ITH_SAD_X, has a single X.
NAME = re.compile(r"(\d{4})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX?)\.(?:flv|mp4)", re.IGNORECASE)
FAINT = "LO"


def recognises(layout: Layout) -> bool:
    return mostly(layout.with_suffix(".flv", ".mp4"), NAME)


def read(layout: Layout) -> list[Example]:
    found = matches(layout.with_suffix(".flv", ".mp4"), NAME, SOURCE.title, "1001_DFA_ANG_XX.flv")
    refuse_twins(by_name(found), SOURCE.title)
    clips = [(layout.root / file, match) for file, match in found if match[4].upper() != FAINT]
    report_left_out(SOURCE.title, len(found) - len(clips), "clips of low intensity")
    pictures = extract_frames([Frame(video, "apex") for video, _ in clips], layout.cache)
    return [
        Example(picture, match[3], f"cremad_{match[1]}") for picture, (_, match) in zip(pictures, clips, strict=True)
    ]


SOURCE = Source(
    name="cremad",
    title="CREMA-D (Cao et al. 2014)",
    licence="Open Database License 1.0.",
    obtain="https://github.com/CheyneyComputerScience/CREMA-D (folder VideoFlash, with Git LFS)",
    rule="VideoFlash/1001_DFA_ANG_XX.flv: actor, sentence, emotion, intensity. One picture a clip: the frame that "
    "differs most from the first. Clips of low intensity (LO) are left out; there is no surprise. Nothing "
    "pairs: the actors speak and move.",
    recognises=recognises,
    read=read,
)
