"""Edits every picture of an evaluation and writes down what was measured, one row per edit."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from PIL import Image

from ..editing.masks import SPREAD
from ..errors import ImageError, NoFaceError
from ..expressions import EXPRESSIONS
from ..faces.alignment import canonical_transform, crop_corners, crop_face
from . import metrics
from .nets import Classifier
from .samples import Case, Sample

CROP_SIDE = 224
# An edit may reach this far beyond the canonical crop, as a share of its side; one percent for rounding.
_REACH = SPREAD + 0.01
_ROUND_TRIP = "happy"
# A face is known by (kind of edit, expression, intensity).
_ORIGINAL = ("original", "", 0.0)


@dataclass(frozen=True)
class Judges:
    """The nets that judge. Each is called with uint8 RGB canonical crops [N, S, S, 3].

    Attributes:
        classifiers: name -> expression probabilities [N, 7] in the order of `EXPRESSIONS`.
        embedder: identity embedding [N, D]; None leaves identity out.
        features: features for the kernel distance [N, D]; None leaves it out.
    """

    classifiers: dict[str, Classifier]
    embedder: Callable[[np.ndarray], np.ndarray] | None = None
    features: Callable[[np.ndarray], np.ndarray] | None = None


@dataclass
class Measurements:
    """What came out of editing all cases.

    Attributes:
        rows: one dict per edit, see `_row`.
        features: (expression, "edit" or "real") -> who is seen, and the features.
        strips: picture -> label -> canonical crop as JPEG, for contact sheets.
        failures: picture -> why it could not be edited.
    """

    rows: list[dict] = field(default_factory=list)
    features: dict[tuple[str, str], list[tuple[str, np.ndarray]]] = field(default_factory=dict)
    strips: dict[str, dict[str, bytes]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Edit:
    """An edited picture. `kind`: "edit" of a resting face, "neutralised" expression, or "round trip" via a smile."""

    kind: str
    expression: str
    intensity: float
    pixels: np.ndarray
    seconds: float

    @property
    def key(self) -> tuple[str, str, float]:
        """What this edit is known by."""
        return self.kind, self.expression, self.intensity


def measure(pipeline, cases: Sequence[Case], judges: Judges, on_picture: Callable[[str], None] = len) -> Measurements:
    """Edits every case at intensities 1 and 0.5 and measures the edits.

    Args:
        pipeline: a `SARGANPipeline`.
        cases: from `plan_cases`.
        judges: the nets.
        on_picture: called with each picture's name once it is done, for a progress bar.

    Returns:
        Measurements. Pictures that cannot be read or show no face are listed under `failures`, not dropped in silence.
    """
    measured = Measurements()
    for case in cases:
        try:
            _measure_case(pipeline, case, _Original.find(pipeline, case.source), judges, measured)
        except (NoFaceError, ImageError) as error:
            measured.failures[case.source.name] = str(error)
        on_picture(case.source.name)
    _compare_identities(measured.rows)
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
        """The canonical crop of a picture with the same framing, such as an edit or the truth."""
        return crop_face(pixels, canonical_transform(self.points, CROP_SIDE), CROP_SIDE)

    def outside(self) -> np.ndarray:
        """Mask of the pixels that no edit may touch, bool [H, W]."""
        corners = crop_corners(canonical_transform(self.points, CROP_SIDE, _REACH), CROP_SIDE)
        inside = np.zeros(self.pixels.shape[:2], np.uint8)
        cv2.fillConvexPoly(inside, np.round(corners).astype(np.int32), 1)
        return inside == 0


def _measure_case(pipeline, case: Case, original: _Original, judges: Judges, measured: Measurements) -> None:
    edits = _edits(pipeline, case, original)
    faces = {_ORIGINAL: original.crop(original.pixels)}
    faces |= {edit.key: original.crop(edit.pixels) for edit in edits}
    faces |= {("truth", name, 1.0): original.crop(sample.open()) for name, sample in case.truths.items()}
    crops = np.stack(list(faces.values()))
    read = {name: dict(zip(faces, classifier(crops), strict=True)) for name, classifier in judges.classifiers.items()}
    own = judges.embedder(faces[_ORIGINAL][None])[0] if judges.embedder else None
    angle, tone = metrics.skin_tone(faces[_ORIGINAL])
    for edit in edits:
        row = _row(edit, original) | _readings(edit, read) | {"ita": angle, "skin_tone": tone}
        if edit.intensity == 1.0:
            row |= _changes(original, edit, faces)
            if judges.embedder:
                row |= {"own": own, "embedding": judges.embedder(faces[edit.key][None])[0]}
        measured.rows.append(row)
    if judges.features:
        _collect_features(case, edits, faces, judges.features, measured)
    measured.strips[case.source.name] = _strip(faces)


def _edits(pipeline, case: Case, original: _Original) -> list[Edit]:
    def edit(kind: str, pixels: np.ndarray, expression: str, intensity: float) -> Edit:
        start = time.perf_counter()
        output = pipeline(Image.fromarray(pixels), expression=expression, intensity=intensity, points=original.points)
        return Edit(kind, expression, intensity, np.asarray(output.images[0]), time.perf_counter() - start)

    kind = "neutralised" if case.targets == ("neutral",) else "edit"
    edits = [edit(kind, original.pixels, target, level) for target in case.targets for level in (1.0, 0.5)]
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
        "source_expression": sample.expression,
        "kind": edit.kind,
        "expression": edit.expression,
        "intensity": edit.intensity,
        "seconds": edit.seconds,
        "exact": original.exact,
    }


def _readings(edit: Edit, read: dict[str, dict]) -> dict:
    """What the classifiers saw: `top1` and `probability` of the wanted class, also before the edit and in the truth.

    Keys without a suffix are the mean over the classifiers, keys like "top1:fer" are those of one.
    """
    wanted = EXPRESSIONS.index(edit.expression)
    moments = {
        "": edit.key,
        "half_": (edit.kind, edit.expression, 0.5),
        "before_": _ORIGINAL,
        "truth_": ("truth", edit.expression, 1.0),
    }
    row = {}
    for prefix, key in moments.items():
        seen = {name: readings[key] for name, readings in read.items() if key in readings}
        for name, probabilities in seen.items():
            row[f"{prefix}top1:{name}"] = float(probabilities.argmax() == wanted)
            row[f"{prefix}probability:{name}"] = float(probabilities[wanted])
        for quantity in ("top1", "probability") if seen else ():
            row[prefix + quantity] = float(np.mean([row[f"{prefix}{quantity}:{name}"] for name in seen]))
    row["gain"] = row["probability"] - row["before_probability"]
    row["rises"] = float(row["gain"] > 0)
    if "half_probability" in row:
        low, high = sorted((row["before_probability"], row["probability"]))
        row["half_between"] = float(low <= row["half_probability"] <= high)
    return row


def _changes(original: _Original, edit: Edit, faces: dict) -> dict:
    """What the edit did where it should not, to sharpness, and how close it came to the truth where that is known."""
    before, face, away = faces[_ORIGINAL], faces[edit.key], metrics.away_from_face(CROP_SIDE)
    changes = {
        "outside_change": metrics.mean_change(original.pixels, edit.pixels, original.outside()),
        "away_change": metrics.mean_change(before, face, away),
        "colour_shift": metrics.colour_shift(before, face, away),
        "sharpness": metrics.sharpness(face) / max(metrics.sharpness(before), 1e-6),
    }
    truth = faces.get(("truth", edit.expression, 1.0))
    return changes if truth is None else changes | metrics.fidelity(face, truth, before)


def _compare_identities(rows: list[dict]) -> None:
    """Replaces each row's embeddings by the distance to its own original and whether the nearest one is its own."""
    originals = {row["picture"]: (row["subject"], row["own"]) for row in rows if "own" in row}
    if not originals:
        return
    people = np.array([subject for subject, _ in originals.values()])
    gallery = np.stack([embedding for _, embedding in originals.values()])
    for row in rows:
        if "own" in row:
            embedding, own = row.pop("embedding"), row.pop("own")
            row["identity_distance"] = float(np.linalg.norm(embedding - own))
            row["nearest_own"] = float(metrics.nearest_is_own(embedding, gallery, people, row["subject"]))


def _collect_features(case: Case, edits: list[Edit], faces: dict, features: Callable, measured: Measurements) -> None:
    wanted = [e for e in edits if e.intensity == 1.0 and e.kind != "round trip"]
    crops = [faces[edit.key] for edit in wanted]
    keys = [(edit.expression, "edit") for edit in wanted]
    if case.source.expression:
        crops.append(faces[_ORIGINAL])
        keys.append((case.source.expression, "real"))
    for key, values in zip(keys, features(np.stack(crops)), strict=True):
        measured.features.setdefault(key, []).append((case.source.subject, values))


def _strip(faces: dict) -> dict[str, bytes]:
    """Label -> crop as JPEG: "original", edits at full intensity ("happy", "round trip"), truths ("true happy")."""
    labels = {"original": "original", "round trip": "round trip"}
    strip = {}
    for (kind, expression, intensity), face in faces.items():
        if intensity != 0.5:
            label = labels.get(kind, f"true {expression}" if kind == "truth" else expression)
            strip[label] = cv2.imencode(".jpg", face[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    return strip
