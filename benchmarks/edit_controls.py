"""Does each facial control of a model move what it names, and nothing else?

    python benchmarks/edit_controls.py ../shared/data/portraits/neutral --faces 12 [--held-out 0.12] [--output controls.json]

Every face is edited by each control alone at seven values. Printed are, for each control:

* monotonic: the share of faces on which what it names follows its value, as FaceMesh and Iris read it off the edits
  (Spearman's rank correlation of at least 0.95);
* selective: the share on which all else moves less than a fifth as far, by the motion of the edit at FaceMesh's points;
* seen: the same by FaceMesh's own points on the edit, which move a little with anything.

`benchmarks/rig_controls.py` measures the same on the pictures that models learn from.
"""

import json
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from _control_measures import FIFTH, FOLLOWS, MEASURES, aligned, moved_parts
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import spearmanr

from sargan_hf import SARGANPipeline
from sargan_hf.controls import CONTROLS, Control
from sargan_hf.errors import NoFaceError
from sargan_hf.evaluation.samples import Sample, load_samples
from sargan_hf.faces.alignment import canonical_transform
from sargan_hf.images.warp import to_crop_pixels
from sargan_hf.rig.landmarks.facemesh import FaceMesh

VALUES = 7
ROUNDS = 8  # of the search for the place that a point has moved to


def main(
    pictures: Annotated[list[str], typer.Argument(help="Folders of neutral faces.")],
    model: str = "weights/sargan-motion-128",
    faces: Annotated[int, typer.Option(min=1, help="Faces, spread evenly over the folders.")] = 12,
    held_out: Annotated[
        float | None, typer.Option(help="Only this share of the faces, those that training holds out.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="JSON file for the figures.")] = None,
) -> None:
    """Edit, find points, compare."""
    pipeline, mesh = SARGANPipeline.from_pretrained(model), FaceMesh()
    chosen = [each for each in CONTROLS if each.name in (pipeline.generator.controls or ())]
    if not chosen:
        raise typer.BadParameter(f"{model} has no facial controls.")
    samples = [one for one in load_samples(pictures, held_out=held_out) if one.expression in (None, "neutral")]
    samples = [samples[place] for place in np.linspace(0, len(samples) - 1, min(faces, len(samples))).astype(int)]
    rows: dict[str, list[dict]] = {each.name: [] for each in chosen}
    for sample in track(samples, "measuring"):
        try:
            found = [measure(pipeline, mesh, sample, each) for each in chosen]
        except NoFaceError as error:
            print(f"{sample.name} is left out: {error}")
            continue
        for each, row in zip(chosen, found, strict=True):
            rows[each.name].append(row)
    figures = {name: summary(found) for name, found in rows.items()}
    show(figures)
    if output is not None:
        output.write_text(json.dumps(figures, indent=1) + "\n")


def measure(pipeline: SARGANPipeline, mesh: FaceMesh, sample: Sample, control: Control) -> dict:
    """What one control does to one face, in inter-ocular distances of the neutral face."""
    picture = sample.open()
    [face] = pipeline.open(picture).find_faces()[:1]
    anchors = np.array([face.points[0], face.points[1], face.points[3:].mean(axis=0)])
    iod = float(np.linalg.norm(face.points[1] - face.points[0]))
    neutral = mesh(picture, anchors)
    values = np.linspace(control.least, 1, VALUES)
    seen, places = [], []
    for value in values:
        result = pipeline(picture, controls={control.name: float(value)}, points=face.points)
        edit = np.asarray(result.images[0].convert("RGB"))
        seen.append(aligned(mesh(edit, anchors) / iod, neutral / iod))
        places.append(_moved_to(neutral, result.faces[0].motion, face.points) / iod)
    follows = spearmanr(values, [MEASURES[control.name](dense) for dense in seen]).statistic
    return {
        "follows": float(np.nan_to_num(follows)),  # where nothing moves at all
        "moved": moved_parts(control, neutral / iod, [places[0], places[-1]]),
        "seen": moved_parts(control, neutral / iod, [seen[0], seen[-1]]),
    }


def _moved_to(points: np.ndarray, motion: np.ndarray, face: np.ndarray) -> np.ndarray:
    """float64 [n, 2] in pixels of the picture: where the edit shows what lies at `points`.

    Its motion says where each place is fetched from. So the place that is fetched from a point is looked for.
    """
    side = motion.shape[0]
    flow, to_crop = to_crop_pixels(motion, side), canonical_transform(face, side)
    start = (points @ to_crop[:, :2].T + to_crop[:, 2]).astype(np.float32)
    place = start.copy()
    for _ in range(ROUNDS):
        fetched = cv2.remap(flow, place[None, :, 0], place[None, :, 1], cv2.INTER_LINEAR)[0]
        place = start - fetched
    return (place - to_crop[:, 2]) @ np.linalg.inv(to_crop[:, :2]).T


def summary(rows: list[dict]) -> dict:
    """Shares of the faces on which a control does as it should."""
    others = [row["moved"]["which"] for row in rows]
    return {
        "monotonic": float(np.mean([row["follows"] >= FOLLOWS for row in rows])),
        "selective": float(np.mean([row["moved"]["other"] <= FIFTH * row["moved"]["named"] for row in rows])),
        "seen": float(np.mean([row["seen"]["other"] <= FIFTH * row["seen"]["named"] for row in rows])),
        "named": float(np.median([row["moved"]["named"] for row in rows])),
        "other": float(np.median([row["moved"]["other"] for row in rows])),
        "which": max(others, key=others.count),
        "faces": len(rows),
    }


def show(figures: dict) -> None:
    """Prints the figures as a table."""
    table = Table("control", "monotonic", "selective", "seen", "moves", "others move at most")
    for name, row in figures.items():
        shares = [f"{row[key]:.2f}" for key in ("monotonic", "selective", "seen")]
        table.add_row(name, *shares, f"{row['named']:.3f}", f"{row['other']:.3f} ({row['which']})")
    means = [f"{np.mean([row[key] for row in figures.values()]):.3f}" for key in ("monotonic", "selective", "seen")]
    table.add_row("all", *means, "", "")
    Console(width=140).print(table)


if __name__ == "__main__":
    typer.run(main)
