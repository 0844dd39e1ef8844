"""What `paper_claims.py` measures on the people that a run held out, and the pictures it shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from sargan_hf import EXPRESSIONS, SARGAN
from sargan_hf.evaluation import face_metrics
from sargan_hf.evaluation.evaluator_nets import FaceEmbedder, load_classifiers
from sargan_hf.evaluation.samples import load_samples, plan_tasks
from sargan_hf.faces.alignment import canonical_transform, crop_face
from sargan_hf.faces.detection import FaceDetector
from sargan_hf.images import load_image

TARGETS = tuple(name for name in EXPRESSIONS if name != "neutral")
SHEET_FACE, SHEET_MARGIN = 64, 150


class Judges:
    """The expression classifiers and the face embedding; loaded once for all runs."""

    def __init__(self) -> None:
        self.classifiers, self.embed = load_classifiers(), FaceEmbedder()

    def readings(self, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of faces [N, S, S, 3]: probabilities [N, classifiers, 7] and embeddings [N, 128]."""
        probabilities = np.stack([classifier(faces) for classifier in self.classifiers.values()], axis=1)
        return probabilities, self.embed(faces)


@dataclass
class HeldOutFaces:
    """A neutral face of everyone that nobody trained on, with its six true expressions, at the size of training.

    Attributes:
        sources: uint8 [N, S, S, 3].
        truths: uint8 [N, 6, S, S, 3], in the order of `TARGETS`.
        subjects: who is seen, [N].
        embeddings: of the sources, [N, 128].
    """

    sources: np.ndarray
    truths: np.ndarray
    subjects: np.ndarray
    embeddings: np.ndarray

    @classmethod
    def load(cls, data: str, held_out: float, seed: int, side: int, judges: Judges) -> "HeldOutFaces":
        """The split is that of a training run with this `held_out` and `seed`; morphs of two people are left out."""
        samples = [each for each in load_samples(data, held_out=held_out, seed=seed) if "+" not in each.subject]
        complete = [case for case in plan_tasks(samples) if set(case.truths) == set(TARGETS)]
        cases = list({case.source.subject: case for case in complete}.values())  # one of each person
        sources = np.stack([_shrunk(case.source.open(), side) for case in cases])
        truths = np.stack([[_shrunk(case.truths[name].open(), side) for name in TARGETS] for case in cases])
        subjects = np.array([case.source.subject for case in cases])
        return cls(sources, truths, subjects, judges.embed(sources))

    def figures(self, edits: np.ndarray, judges: Judges) -> dict[str, float]:
        """Means over all faces and expressions of what `metrics` measures on `edits` uint8 [N, 6, S, S, 3]."""
        away = face_metrics.away_from_face(edits.shape[2])
        rows = []
        for number, source in enumerate(self.sources):
            probabilities, embeddings = judges.readings(edits[number])
            for place, name in enumerate(TARGETS):
                edit, wanted = edits[number, place], EXPRESSIONS.index(name)
                own = face_metrics.nearest_is_own(
                    embeddings[place], self.embeddings, self.subjects, self.subjects[number]
                )
                rows.append(
                    {
                        "top1": float((probabilities[place].argmax(axis=1) == wanted).mean()),
                        "probability": float(probabilities[place, :, wanted].mean()),
                        "identity": float(np.linalg.norm(embeddings[place] - self.embeddings[number])),
                        "nearest_own": float(own),
                        "colour_shift": face_metrics.colour_shift(source, edit, away),
                        "sharpness": face_metrics.sharpness(edit) / face_metrics.sharpness(source),
                        "error": face_metrics.fidelity(edit, self.truths[number, place], source)["error"],
                    }
                )
        return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}

    def references(self, judges: Judges) -> dict[str, dict[str, float]]:
        """The same figures for leaving every picture as it is, and for the true pictures."""
        unedited = np.repeat(self.sources[:, None], len(TARGETS), axis=1)
        return {"no edit": self.figures(unedited, judges), "true pictures": self.figures(self.truths, judges)}


@torch.inference_mode()
def edited(model: SARGAN, faces: np.ndarray) -> np.ndarray:
    """Every face uint8 [N, S, S, 3] with every expression of `TARGETS`, uint8 [N, 6, S, S, 3]: the network's own output."""
    one_hot = torch.eye(len(EXPRESSIONS))[[model.config.expressions.index(name) for name in TARGETS]]
    edits = []
    for face in faces:
        source = torch.from_numpy(face).permute(2, 0, 1).float() / 127.5 - 1
        sample = model(source.expand(len(TARGETS), -1, -1, -1), one_hot).sample.clamp(-1, 1)
        edits.append(((sample + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy())
    return np.stack(edits)


def example_faces(pictures: Sequence[Path], side: int) -> np.ndarray:
    """The canonical crop of the largest face of each picture, uint8 [N, side, side, 3]."""
    detector, crops = FaceDetector(), []
    for path in pictures:
        pixels = load_image(path).rgb8()
        face = max(detector.find(pixels, name=path.name), key=lambda found: found.area)
        crops.append(crop_face(pixels, canonical_transform(face.points, side), side))
    return np.stack(crops)


def contact_sheet(models: dict[str, Path], faces: np.ndarray) -> Image.Image:
    """A row for each model: its name, then each face followed by its six edits."""
    header, columns = 20, len(faces) * (1 + len(TARGETS))
    size = SHEET_MARGIN + columns * SHEET_FACE, header + len(models) * SHEET_FACE
    sheet, font = Image.new("RGB", size, "white"), ImageFont.load_default(12)
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(("picture", *TARGETS) * len(faces)):
        centre = SHEET_MARGIN + column * SHEET_FACE + SHEET_FACE // 2
        draw.text((centre, header // 2), title, "black", font, anchor="mm")
    for row, (name, folder) in enumerate(models.items()):
        top, model = header + row * SHEET_FACE, SARGAN.from_pretrained(folder).eval()
        strips = [np.concatenate([face[None], edits]) for face, edits in zip(faces, edited(model, faces), strict=True)]
        strip = np.hstack([cv2.resize(each, (SHEET_FACE, SHEET_FACE)) for each in np.concatenate(strips)])
        sheet.paste(Image.fromarray(strip), (SHEET_MARGIN, top))
        draw.text((6, top + SHEET_FACE // 2), name, "black", font, anchor="lm")
    return sheet


def _shrunk(picture: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
