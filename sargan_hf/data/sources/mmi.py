"""MMI: clips of posed expressions from neutral over the apex back to neutral."""

import re
from pathlib import Path
from xml.etree import ElementTree

from ..examples import Example
from ..video_frames import Frame, extract_frames
from .base import Layout, Source, misfit, refuse_twins, report_left_out

NAME = re.compile(r"(S\d{3})-(\d{3,4})\.avi", re.IGNORECASE)
LABELS = {"1": "angry", "2": "disgusted", "3": "afraid", "4": "happy", "5": "sad", "6": "surprised"}
FRONTAL = "0"  # of session.xml; 1 is a profile, 2 shows both
CODED = "oao_aucs.xml"  # an annotation that only sessions filmed upright have


def recognises(layout: Layout) -> bool:
    files = set(layout.files)
    return any(
        NAME.fullmatch(file.name) and file.parent / "session.xml" in files for file in layout.with_suffix(".avi")
    )


def read(layout: Layout) -> list[Example]:
    """Two pictures of each frontal clip with one of the six emotions: its first frame, and its apex."""
    files = set(layout.files)
    chosen = []
    for file in layout.with_suffix(".avi"):
        match = NAME.fullmatch(file.name)
        if match is None:
            raise misfit(SOURCE.title, [file], "names like Sessions/1767/S052-109.avi")
        session, meta = file.parent / "session.xml", file.with_suffix(".xml")
        if session not in files:
            raise misfit(SOURCE.title, [file], f"{session.name} beside it")
        label = LABELS.get(_emotion(layout.root / meta) or "") if meta in files else None
        view, coded = _view(layout.root / session)
        if label is not None and view == FRONTAL:
            chosen.append((layout.root / file, match, label, 0 if coded else 1))
    refuse_twins(((file, file.stem.upper()) for file in layout.with_suffix(".avi")), SOURCE.title)
    others = len(layout.with_suffix(".avi")) - len(chosen)
    report_left_out(SOURCE.title, others, "clips from the side or without one of the six emotions")
    if not chosen:
        raise misfit(SOURCE.title, [], "frontal sessions (view 0) with an emotion from 1 to 6")
    wanted = [Frame(video, which, turns) for video, _, _, turns in chosen for which in ("first", "apex")]
    pictures = iter(extract_frames(wanted, layout.cache))
    examples = []
    for _, match, label, _ in chosen:
        subject, pair = f"mmi_{match[1].upper()}", f"mmi_{match[1].upper()}_{match[2]}"
        examples += [Example(next(pictures), expression, subject, pair) for expression in ("neutral", label)]
    return examples


def _emotion(path: Path) -> str | None:
    tags = (tag for tag in _xml(path).iter() if tag.tag.lower() == "metatag")
    return next((tag.get("Value") for tag in tags if tag.get("Name") == "Emotion"), None)


def _view(path: Path) -> tuple[str | None, bool]:
    """View of a session's track, and whether its facial actions were coded."""
    tree = _xml(path)
    view = next((track.get("view") for track in tree.iter("track")), None)
    return view, any(CODED in annotation.get("filename", "") for annotation in tree.iter("annotation"))


def _xml(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # LookupError: an unknown encoding
        raise misfit(SOURCE.title, [path], f"well-formed XML ({error})") from error


SOURCE = Source(
    name="mmi",
    title="MMI (Pantic et al. 2005)",
    licence="Non-commercial research by those who signed its agreement; not to be passed on.",
    obtain="https://mmifacedb.eu",
    rule="Sessions/1767/S052-109.avi (person, clip) with S052-109.xml (Emotion 1 to 6) and session.xml (view). "
    "Frontal clips with an emotion; those without coded facial actions were filmed sideways and are turned. The first "
    "frame is neutral and pairs with the apex.",
    recognises=recognises,
    read=read,
)
