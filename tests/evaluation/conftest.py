"""Fixtures of the tests of pages for people's eyes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chromium import headless_chromium
from drawing import draw_face
from PIL import Image

from sargan_hf.evaluation.framed_edits import face_finder
from sargan_hf.expressions import EXPRESSIONS

SIDE = 96  # larger drawings are no faces to the detector


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with headless_chromium() as chromium:
        yield chromium


@pytest.fixture(scope="session")
def drawn_edits(tmp_path_factory) -> dict[str, Path]:
    """Neutral faces of three people, edits in two folders A and B, and B's fear equal to A's."""
    root = tmp_path_factory.mktemp("drawn-edits")
    for folder in ("faces/avatars", "faces/paintings", "A", "B"):
        (root / folder).mkdir(parents=True)
    for person in range(3):
        kind = "paintings" if person == 2 else "avatars"
        draw_face("neutral", person, SIDE).save(root / "faces" / kind / f"person{person}.png")
        for expression in ("afraid", "happy", "sad"):
            assert expression in EXPRESSIONS
            edit = draw_face(expression, person, SIDE)
            edit.save(root / "A" / f"person{person}_{expression}.png")
            darker = Image.fromarray((np.asarray(edit) * 0.8).astype(np.uint8))
            (edit if expression == "afraid" else darker).save(root / "B" / f"person{person}_{expression}.png")
    return {name: root / name for name in ("faces", "A", "B")}


@pytest.fixture(scope="session")
def find_points():
    """Finds the face of a picture."""
    return face_finder()
