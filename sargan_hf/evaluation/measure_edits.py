"""Edits every picture of an evaluation and writes down what was measured, one row per edit."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from PIL import Image

from .._moved import renamed
from ..editing.masks import SPREAD
from ..errors import ImageError, NoFaceError
from ..faces.alignment import canonical_transform, crop_corners, crop_face
from . import face_metrics
from .classifier_readings import ORIGINAL, FaceKey, read_columns
from .evaluator_nets import Classifier
from .samples import Sample, Task

CROP_SIDE = 224
# An edit may reach this far beyond the canonical crop, as a share of its side; one percent for rounding.
_REACH = SPREAD + 0.01
_ROUND_TRIP = "happy"


@dataclass(frozen=True)
class Evaluators:
    """The nets that evaluate. Each is called with uint8 RGB canonical crops [N, S, S, 3].

    Attributes:
        classifiers: name -> expression probabilities [N, 7] in the order of `EXPRESSIONS`.
        embedder: identity embedding [N, D]; None leaves identity out.
        features: features for the kernel distance [N, D]; None leaves it out.
        reserve: a classifier that no choice was made with, and none may be; its readings are kept apart.
    """

    classifiers: Mapping[str, Classifier]
    embedder: Callable[[np.ndarray], np.ndarray] | None = None
    features: Callable[[np.ndarray], np.ndarray] | None = None
    reserve: Mapping[str, Classifier] = field(default_factory=dict)


@dataclass
class Measurements:
    """What came out of editing all pictures.

    Attributes:
        rows: one dict per edit, see `_row`.
        reserve_rows: the same edits as the reserve classifier reads them.
        embeddings: (picture, face) -> identity embedding [D], of originals and of edits at intensity 1.
        features: (expression, "edit" or "real") -> who is seen, and the features.
        strips: picture -> label -> canonical crop as JPEG, for contact sheets.
        failures: picture -> why it could not be edited.
    """

    rows: list[dict] = field(default_factory=list)
    reserve_rows: list[dict] = field(default_factory=list)
    embeddings: dict[tuple[str, FaceKey], np.ndarray] = field(default_factory=dict)
    features: dict[tuple[str, str], list[tuple[str, np.ndarray]]] = field(default_factory=dict)
    strips: dict[str, dict[str, bytes]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Edit:
    """An edited picture. `kind`: "edit" of a neutral face, "neutralised" expression, or "round trip" via a smile."""

    kind: str
    expression: str
    intensity: float
    pixels: np.ndarray
    seconds: float

    @property
    def key(self) -> FaceKey:
        """What this edit is known by."""
        return self.kind, self.expression, self.intensity


def measure(
    pipeline, tasks: Sequence[Task], evaluators: Evaluators, on_picture: Callable[[str], object] = len
) -> Measurements:
    """Edits every task at intensities 1 and 0.5 and measures the edits.

    Args:
        pipeline: a `SARGANPipeline`.
        tasks: from `plan_tasks`.
        evaluators: the nets.
        on_picture: called with each picture's name once it is done, for a progress bar.

    Returns:
        Measurements. Pictures that cannot be read or show no face are listed under `failures`, not dropped in silence.
    """
    measured = Measurements()
    for task in tasks:
        try:
            _measure_task(pipeline, task, _Original.find(pipeline, task.source), evaluators, measured)
        except (NoFaceError, ImageError) as error:
            measured.failures[task.source.name] = str(error)
        on_picture(task.source.name)
    _compare_identities(measured)
    return measured


@dataclass(frozen=True)
class _Original:
    """An unedited picture with its face found; `exact` says whether intensity 0 gave it back bit for bit."""

    sample: Sample
    pixels: np.ndarray
    points: np.ndarray
    exact: bool

    @classmethod
    def find(cls, pipeline, sample: Sample) -> "_Original":
        pixels = sample.open()
        output = pipeline(Image.fromarray(pixels), expression="neutral", intensity=0.0)
        exact = np.array_equal(np.asarray(output.images[0]), pixels)
        return cls(sample, pixels, np.asarray(output.faces[0].points), exact)

    def crop(self, pixels: np.ndarray) -> np.ndarray:
        """The canonical crop of a picture with the same framing, such as an edit or the reference."""
        return crop_face(pixels, canonical_transform(self.points, CROP_SIDE), CROP_SIDE)

    def outside(self) -> np.ndarray:
        """Mask of the pixels that no edit may touch, bool [H, W]."""
        corners = crop_corners(canonical_transform(self.points, CROP_SIDE, _REACH), CROP_SIDE)
        inside = np.zeros(self.pixels.shape[:2], np.uint8)
        cv2.fillConvexPoly(inside, np.round(corners).astype(np.int32), 1)
        return inside == 0


def _measure_task(pipeline, task: Task, original: _Original, evaluators: Evaluators, measured: Measurements) -> None:
    edits = _edits(pipeline, task, original)
    faces: dict[FaceKey, np.ndarray] = {ORIGINAL: original.crop(original.pixels)}
    faces |= {edit.key: original.crop(edit.pixels) for edit in edits}
    faces |= {("reference", name, 1.0): original.crop(sample.open()) for name, sample in task.references.items()}
    read, reserve = _read(evaluators.classifiers, faces), _read(evaluators.reserve, faces)
    tone = _tone(original.sample, faces[ORIGINAL])
    for edit in edits:
        about = _row(edit, original) | tone
        changes = _changes(original, edit, faces) if edit.intensity == 1.0 else {}
        measured.rows.append(about | read_columns(edit.key, read) | changes)
        if reserve:
            measured.reserve_rows.append(about | read_columns(edit.key, reserve))
    if evaluators.embedder:
        shown = [ORIGINAL, *(edit.key for edit in edits if edit.intensity == 1.0)]
        embedded = evaluators.embedder(np.stack([faces[key] for key in shown]))
        measured.embeddings |= {(task.source.name, key): each for key, each in zip(shown, embedded, strict=True)}
    if evaluators.features:
        _collect_features(task, edits, faces, evaluators.features, measured)
    measured.strips[task.source.name] = _strip(faces)


def _read(classifiers: Mapping[str, Classifier], faces: dict[FaceKey, np.ndarray]) -> dict[str, dict]:
    """Classifier -> face -> probabilities [7]."""
    crops = np.stack(list(faces.values()))
    return {name: dict(zip(faces, classifier(crops), strict=True)) for name, classifier in classifiers.items()}


def _tone(sample: Sample, face: np.ndarray) -> dict:
    """The skin tone by the label of a picture, or else by the colour of its cheeks."""
    angle, measured = face_metrics.skin_tone(face)
    by = "label" if sample.skin_tone else "picture"
    return {"ita": angle, "skin_tone": sample.skin_tone or measured, "skin_tone_by": by}


def _edits(pipeline, task: Task, original: _Original) -> list[Edit]:
    def edit(kind: str, pixels: np.ndarray, expression: str, intensity: float) -> Edit:
        start = time.perf_counter()
        output = pipeline(Image.fromarray(pixels), expression=expression, intensity=intensity, points=original.points)
        return Edit(kind, expression, intensity, np.asarray(output.images[0]), time.perf_counter() - start)

    kind = "neutralised" if task.targets == ("neutral",) else "edit"
    edits = [edit(kind, original.pixels, target, level) for target in task.targets for level in (1.0, 0.5)]
    smile = next((e for e in edits if e.expression == _ROUND_TRIP and e.intensity == 1.0), None)
    if smile is not None:
        edits.append(edit("round trip", smile.pixels, "neutral", 1.0))
    return edits


def _row(edit: Edit, original: _Original) -> dict:
    """What identifies a row; `exact` is the same for all edits of a picture."""
    sample = original.sample
    return {
        "picture": sample.name,
        "subject": sample.subject,
        "domain": sample.domain,
        "groups": sample.groups,
        "source_expression": sample.expression,
        "kind": edit.kind,
        "expression": edit.expression,
        "intensity": edit.intensity,
        "seconds": edit.seconds,
        "exact": original.exact,
    }


def _changes(original: _Original, edit: Edit, faces: dict) -> dict:
    """What the edit did where it should not, to sharpness, and how close it came to the reference where there is one."""
    before, face, away = faces[ORIGINAL], faces[edit.key], face_metrics.away_from_face(CROP_SIDE)
    changes = {
        "outside_change": face_metrics.mean_change(original.pixels, edit.pixels, original.outside()),
        "away_change": face_metrics.mean_change(before, face, away),
        "colour_shift": face_metrics.colour_shift(before, face, away),
        "sharpness": face_metrics.sharpness(face) / max(face_metrics.sharpness(before), 1e-6),
    }
    reference = faces.get(("reference", edit.expression, 1.0))
    return changes if reference is None else changes | face_metrics.fidelity(face, reference, before)


def _compare_identities(measured: Measurements) -> None:
    """Adds to each row the distance to its own original and whether the nearest original shows the same person."""
    if not measured.embeddings:
        return
    originals = {row["picture"]: row["subject"] for row in measured.rows}
    people = np.array(list(originals.values()))
    gallery = np.stack([measured.embeddings[picture, ORIGINAL] for picture in originals])
    for row in measured.rows:
        face = (row["kind"], row["expression"], row["intensity"])
        embedding = measured.embeddings.get((row["picture"], face))
        if embedding is not None:
            own = measured.embeddings[row["picture"], ORIGINAL]
            row["identity_distance"] = float(np.linalg.norm(embedding - own))
            row["nearest_own"] = float(face_metrics.nearest_is_own(embedding, gallery, people, row["subject"]))


def _collect_features(task: Task, edits: list[Edit], faces: dict, features: Callable, measured: Measurements) -> None:
    wanted = [e for e in edits if e.intensity == 1.0 and e.kind != "round trip"]
    crops = [faces[edit.key] for edit in wanted]
    keys = [(edit.expression, "edit") for edit in wanted]
    if task.source.expression:
        crops.append(faces[ORIGINAL])
        keys.append((task.source.expression, "real"))
    for key, values in zip(keys, features(np.stack(crops)), strict=True):
        measured.features.setdefault(key, []).append((task.source.subject, values))


def _strip(faces: dict) -> dict[str, bytes]:
    """Label -> crop as JPEG: "original", edits at full intensity ("happy", "round trip"), references ("true happy")."""
    labels = {"original": "original", "round trip": "round trip"}
    strip = {}
    for (kind, expression, intensity), face in faces.items():
        if intensity != 0.5:
            label = labels.get(kind, f"true {expression}" if kind == "reference" else expression)
            strip[label] = cv2.imencode(".jpg", face[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    return strip


__getattr__ = renamed(__name__, {"Judges": "Evaluators"})
