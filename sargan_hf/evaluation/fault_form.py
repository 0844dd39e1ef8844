"""Counting faults by eye: a sheet of edits at 512 px with a form, and the table of what was counted."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ConfigurationError
from ..expressions import EXPRESSIONS
from .framed_edits import FramedFace, framed_faces, open_editor
from .samples import Sample
from .static_page import encoded, new_folder, read_answers, write_page
from .statistics import binomial_interval

FORM = "count-faults"
FAULTS = ("broken", "exaggerated", "weak", "second mouth or eye")
PLACES = ("mouth", "eyes", "beard or hair", "seam")
# Key on the page -> mark.
MARKS = (*zip("1234", FAULTS, strict=True), *zip("mebs", PLACES, strict=True))


@dataclass(frozen=True)
class FaultCount:
    """The faults of a group of edits.

    Attributes:
        kind, expression: the group; "all" where it is not split.
        edits: how many were looked at.
        faults: fault -> edits that have it; places count where an edit is broken.
    """

    kind: str
    expression: str
    edits: int
    faults: dict[str, int]

    def share(self, fault: str) -> tuple[float, float, float]:
        """The share of edits with a fault and its 95 % binomial interval."""
        return self.faults[fault] / self.edits, *binomial_interval(self.faults[fault], self.edits)

    def as_dict(self) -> dict:
        """JSON-ready."""
        shares = {fault: [round(value, 4) for value in self.share(fault)] for fault in FAULTS}
        return {**vars(self), "shares": shares}


def write_fault_form(
    editor: str,
    samples: Sequence[Sample],
    output: str | Path,
    find_points: Callable[[np.ndarray], np.ndarray],
    on_picture: Callable[[str], object] = len,
) -> tuple[Path, dict[str, str]]:
    """Writes the edits of every sample and a page to mark their faults into the folder `output`.

    Args:
        editor: a model (folder or Hub id), or a folder of edits.
        samples: the pictures to edit.
        output: a new folder.
        find_points: see `framed_faces`.
        on_picture: called with each picture's name once it is done.

    Returns:
        The page, and picture -> why it is not on it.

    Raises:
        ConfigurationError: `output` exists, or no picture could be edited.
    """
    opened = open_editor(editor, "edit")
    folder, failures = new_folder(output), {}
    (folder / "pictures").mkdir()
    shown = []
    for face in framed_faces([opened], samples, opened.expressions(), find_points, failures):
        shown.append(_write_face(face, len(shown) + 1, folder))
        on_picture(face.sample.name)
    if not shown:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(failures.items())[:3])
        raise ConfigurationError(f"None of the {len(samples)} pictures could be edited. {reasons}")
    faces = {face["id"]: {"picture": face["picture"], "kind": face["kind"]} for face in shown}
    identity = hashlib.sha256(json.dumps([editor, shown]).encode()).hexdigest()[:12]
    task = {"id": identity, "faces": shown, "marks": MARKS, "result": {"editor": editor, "faces": faces}}
    return write_page(folder, "faults", task, count=len(shown), marks=MARKS), failures


def sum_faults(paths: Sequence[str | Path]) -> list[FaultCount]:
    """The table of what was counted: everything, by kind, by expression, and by both.

    Args:
        paths: files that the page saved; of one page, or of several with different faces.

    Raises:
        ConfigurationError: a file is no such answer, is of another editor than the first, or repeats a face.
    """
    marks = list(_all_marks([read_answers(path, FORM) for path in paths], paths))
    if not marks:
        raise ConfigurationError("No face is counted yet. Look at some on the page, and save.")
    kinds = sorted({kind for kind, *_ in marks})
    expressions = [name for name in EXPRESSIONS if any(expression == name for _, expression, _ in marks)]
    groups = [("all", "all"), *((kind, "all") for kind in kinds), *(("all", name) for name in expressions)]
    if len(kinds) > 1:
        groups += [(kind, name) for kind in kinds for name in expressions]
    counted = (_count(kind, expression, marks) for kind, expression in groups)
    return [count for count in counted if count.edits]


def _write_face(face: FramedFace, number: int, folder: Path) -> dict:
    name = f"{number:04d}"
    original = f"pictures/{name}-original.jpg"
    (folder / original).write_bytes(encoded(face.original, edited=False))
    edits = []
    for expression, pixels in face.edits["edit"].items():
        edits.append({"expression": expression, "file": f"pictures/{name}-{expression}.jpg"})
        (folder / edits[-1]["file"]).write_bytes(encoded(pixels, edited=True))
    about = {"picture": face.sample.name, "kind": face.sample.domain}
    return {"id": name, "original": original, "edits": edits} | about


def _all_marks(saved: Sequence[dict], paths: Sequence[str | Path]) -> Iterator[tuple[str, str, set[str]]]:
    """Kind, expression and marks of every edit that was looked at."""
    known, seen = {mark for _, mark in MARKS}, set()
    for path, answers in zip(paths, saved, strict=True):
        if answers.get("editor") != saved[0].get("editor"):
            raise ConfigurationError(
                f"{path} counts {answers.get('editor')}, {paths[0]} counts {saved[0].get('editor')}: sum them separately."
            )
        for name, by_expression in answers["answers"].items():
            about = answers.get("faces", {}).get(name)
            if about is None or not isinstance(by_expression, dict):
                raise ConfigurationError(
                    f"{path} marks the face {name!r}, but does not describe it. Save it again on the page."
                )
            if (answers["id"], name) in seen:
                raise ConfigurationError(
                    f"{path} counts the face {about['picture']} a second time. Give every page's file once."
                )
            seen.add((answers["id"], name))
            for expression, marks in by_expression.items():
                if expression not in EXPRESSIONS or not set(marks) <= known:
                    raise ConfigurationError(
                        f"{path} has the marks {marks} for {expression!r}; known are {', '.join(sorted(known))}."
                    )
                yield about["kind"], expression, set(marks)


def _count(kind: str, expression: str, marks: Sequence[tuple[str, str, set[str]]]) -> FaultCount:
    chosen = [found for k, e, found in marks if kind in ("all", k) and expression in ("all", e)]
    faults = {fault: sum(fault in found for found in chosen) for fault in FAULTS}
    faults |= {place: sum("broken" in found and place in found for found in chosen) for place in PLACES}
    return FaultCount(kind, expression, len(chosen), faults)
