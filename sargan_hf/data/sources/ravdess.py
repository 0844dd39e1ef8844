"""RAVDESS: 24 actors speak and sing in eight emotions."""

import re

from ..examples import Example
from ..video_frames import Frame, extract_frames
from .base import Layout, Source, by_name, matches, mostly, refuse_twins

# Modality, vocal channel, emotion, intensity, statement, repetition, actor.
NAME = re.compile(r"(01|02)-(01|02)-(0[1-8])-(01|02)-(01|02)-(01|02)-(\d\d)\.mp4", re.IGNORECASE)
LABELS = ("neutral", "calm", "happy", "sad", "angry", "afraid", "disgusted", "surprised")


def recognises(layout: Layout) -> bool:
    return mostly(layout.with_suffix(".mp4"), NAME)


def read(layout: Layout) -> list[Example]:
    clips = {}
    found = matches(layout.with_suffix(".mp4"), NAME, SOURCE.title, "02-01-06-01-02-01-12.mp4")
    refuse_twins(by_name(found), SOURCE.title)
    for file, match in found:
        # Every take is there twice, with sound (01) and without (02).
        clips.setdefault(match.groups()[1:], (layout.root / file, match))
    pictures = extract_frames([Frame(video, "apex") for video, _ in clips.values()], layout.cache)
    return [
        Example(picture, LABELS[int(match[3]) - 1], f"ravdess_{match[7]}")
        for picture, (_, match) in zip(pictures, clips.values(), strict=True)
    ]


SOURCE = Source(
    name="ravdess",
    title="RAVDESS (Livingstone & Russo 2018)",
    licence="CC BY-NC-SA 4.0; commercial licences on request.",
    obtain="https://zenodo.org/records/1188976 (the Video_*_Actor_*.zip files)",
    rule="Video_Speech_Actor_12/Actor_12/02-01-06-01-02-01-12.mp4: modality, channel, emotion, intensity, "
    "statement, repetition, actor. One picture a take: the frame that differs most from the first. Calm "
    "counts as neutral. Nothing pairs: the actors speak and move.",
    recognises=recognises,
    read=read,
)
