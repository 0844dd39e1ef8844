"""Does each facial control move what it names, and nothing else, on the rig's own pictures?

    python benchmarks/rig_controls.py --people 40 --output controls.json
    python benchmarks/rig_controls.py --people 12 --folder avatars --size 384 --sheets sheets

Faces are fitted, and drawn with each control alone at nine values. Printed are, for each control:

* monotonic: the share of faces on which what it names follows its value, as FaceMesh and Iris read it off the pictures
  (Spearman's rank correlation of at least 0.95);
* selective: the share on which all else moves less than a fifth as far. This is the rig's exact geometry at the places where
  FaceMesh finds its points on the neutral picture: FaceMesh itself moves chins when brows rise, as `seen` shows, the same
  share by its own points;
* shut: the largest opening of a shut eye as a share of the open one's, by geometry and as the Iris network reads it.

`--sheets FOLDER` draws every control at both ends instead, to look at.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from _control_measures import (
    FIFTH,
    FOLLOWS,
    LEFT_IRIS,
    MEASURES,
    PARTS,
    RIGHT_IRIS,
    aligned,
    aperture,
    lid_gap,
    moved_parts,
)
from PIL import Image, ImageDraw
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.spatial import cKDTree
from scipy.stats import spearmanr

from sargan_hf.controls import CONTROL_NAMES, CONTROLS, Control, controls_vector, resolve_control
from sargan_hf.errors import RigError
from sargan_hf.rig.face_model.mesh import SKIN
from sargan_hf.rig.face_model.model import MOUTH_CORNERS, FaceModel, assets_folder, load_face_model
from sargan_hf.rig.fitting.fitted_face import FittedFace
from sargan_hf.rig.landmarks.facemesh import FaceMesh
from sargan_hf.rig.portraits.reader import PICTURE_SUFFIXES, PortraitReader, fit_portrait
from sargan_hf.rig.portraits.white_balance import without_cast
from sargan_hf.rig.rendering.eyeballs import EYEBALLS
from sargan_hf.rig.rendering.shot import Shot
from sargan_hf.rig.rendering.stage import Stage
from sargan_hf.rig.rendering.variation import Variation

VALUES = 9


def main(
    people: Annotated[int, typer.Option(help="Faces, spread evenly over the folder.")] = 40,
    folder: Annotated[Path | None, typer.Option(help="Of pictures; the portraits in SARGAN_ASSETS by default.")] = None,
    size: int = 256,
    control: Annotated[list[str] | None, typer.Option(help="Only these; repeatable.")] = None,
    sheets: Annotated[Path | None, typer.Option(help="Draw sheets into this folder instead of measuring.")] = None,
    output: Annotated[Path | None, typer.Option(help="JSON file for the figures.")] = None,
) -> None:
    """Draw, find points, compare."""
    folder = folder or assets_folder() / "portraits" / "neutral"
    names = [name for asked in control or CONTROL_NAMES for name in resolve_control(asked)]
    chosen, model = [each for each in CONTROLS if each.name in names], load_face_model()
    if sheets is not None:
        draw_sheets(faces(folder, people, model), model, size, chosen, sheets)
        return
    mesh, rows = FaceMesh(), {each.name: [] for each in chosen}
    for face in track(faces(folder, people, model), "measuring", total=people):
        stage = Stage(face, model, Variation(), size)
        neutral = _points(stage, stage.neutral, mesh)
        for each in chosen:
            rows[each.name].append(measure(stage, each, mesh, neutral))
    figures = {name: summary(found) for name, found in rows.items()}
    show(figures)
    if output is not None:
        output.write_text(json.dumps(figures, indent=1) + "\n")


def faces(folder: Path, count: int, model: FaceModel) -> Iterator[FittedFace]:
    """`count` fitted faces, spread evenly over a folder; those that the rig refuses are passed over."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
    if not paths:
        raise typer.BadParameter(
            f"No pictures in {folder}: set SARGAN_ASSETS to the folder that docs/data.md describes."
        )
    order = np.argsort((np.arange(len(paths)) * count) % len(paths), kind="stable")
    reader, found = PortraitReader(), 0
    for place in order:
        if found == count:
            return
        try:
            yield fit_portrait(model, without_cast(reader.read(paths[place])))
        except RigError:
            continue
        found += 1


def measure(stage: Stage, control: Control, mesh: FaceMesh, neutral: np.ndarray) -> dict:
    """What moves on one face as one control goes from end to end, in inter-ocular distances of the neutral face.

    Args:
        neutral: float64 [620, 2], FaceMesh's points on the neutral picture.
    """
    values = np.linspace(control.least, 1, VALUES)
    shots = [stage.shot_of(stage.movement(controls_vector({control.name: value}))) for value in values]
    seen = [aligned(_points(stage, shot, mesh), neutral) for shot in shots]
    follows = spearmanr(values, [MEASURES[control.name](dense) for dense in seen]).statistic
    tied = _ties(stage, neutral)
    true = [_place(stage, shot)[tied] for shot in (stage.neutral, shots[0], shots[-1])]
    row = {
        "follows": float(follows),
        "moved": moved_parts(control, true[0], true[1:]),
        "seen": moved_parts(control, neutral, [seen[0], seen[-1]]),
    }
    if control.name.startswith("eye_wide"):
        side = control.name.removeprefix("eye_wide_")
        row["shut"] = abs(lid_gap(true[1], side)) / lid_gap(true[0], side)
        row["shut_seen"] = max(aperture(seen[0], side), 0.0) / aperture(neutral, side)
    return row


def _place(stage: Stage, shot: Shot) -> np.ndarray:
    """float64 [V, 2], the vertices in inter-ocular distances."""
    return shot.vertices[:, :2].astype(np.float64) / stage.posed.iod


def _ties(stage: Stage, neutral: np.ndarray) -> np.ndarray:
    """int [620], the vertex that lies at each of FaceMesh's points: of an eyeball for an iris, of the skin for all else."""
    places = _place(stage, stage.neutral)
    skin, eyes = np.arange(SKIN.stop), np.concatenate([np.arange(part.start, part.stop) for part in EYEBALLS])
    tied = skin[cKDTree(places[skin]).query(neutral)[1]]
    tied[[RIGHT_IRIS, LEFT_IRIS]] = eyes[cKDTree(places[eyes]).query(neutral[[RIGHT_IRIS, LEFT_IRIS]])[1]]
    # Where edges touch or lie close, the nearest vertex may be the other edge's.
    model = stage.mesh.model
    edges = [([13, 82, 312], model.upper_lip_path), ([14, 87, 317], model.lower_lip_path)]
    edges += [([61], [MOUTH_CORNERS[0]]), ([291], [MOUTH_CORNERS[1]])]
    for side, short in (("right", "R"), ("left", "L")):
        part = PARTS[f"{side} lids"]
        edges += [(part[:3], model.upper_lid_paths[short]), (part[3:], model.lower_lid_paths[short])]
    for points, path in edges:
        path = np.asarray(path)
        tied[points] = path[cKDTree(places[path]).query(neutral[points])[1]]
    return tied


def _points(stage: Stage, shot: Shot, mesh: FaceMesh) -> np.ndarray:
    """float64 [620, 2], FaceMesh's points on the picture of a shot, in inter-ocular distances."""
    marks = stage.posed.landmarks
    pixels = np.array([marks.right_pupil, marks.left_pupil, marks.upper_lip_bottom[3]]) - stage.posed.margin
    found = mesh(stage.render(shot), pixels / stage.supersample)
    return (found * stage.supersample + (stage.supersample - 1) / 2) / stage.posed.iod


def summary(rows: list[dict]) -> dict:
    """Shares of the faces on which a control does as it should."""
    moved = [row["moved"] for row in rows]
    others = [row["which"] for row in moved]
    found = {
        "monotonic": float(np.mean([row["follows"] >= FOLLOWS for row in rows])),
        "selective": float(np.mean([row["other"] <= FIFTH * row["named"] for row in moved])),
        "seen": float(np.mean([row["seen"]["other"] <= FIFTH * row["seen"]["named"] for row in rows])),
        "named": float(np.median([row["named"] for row in moved])),
        "other": float(np.median([row["other"] for row in moved])),
        "which": max(others, key=others.count),
    }
    return found | {key: float(np.max([row[key] for row in rows])) for key in ("shut", "shut_seen") if key in rows[0]}


def show(figures: dict) -> None:
    """Prints the figures as a table."""
    table = Table("control", "monotonic", "selective", "seen", "moves", "others move at most", "shut", "shut, seen")
    for name, row in figures.items():
        shut = [f"{row[key]:.2f}" if key in row else "" for key in ("shut", "shut_seen")]
        shares = [f"{row[key]:.2f}" for key in ("monotonic", "selective", "seen")]
        table.add_row(name, *shares, f"{row['named']:.3f}", f"{row['other']:.3f} ({row['which']})", *shut)
    means = [f"{np.mean([row[key] for row in figures.values()]):.3f}" for key in ("monotonic", "selective", "seen")]
    table.add_row("all", *means, "", "", "", "")
    Console(width=140).print(table)


def draw_sheets(found: Iterator[FittedFace], model: FaceModel, size: int, chosen: list[Control], folder: Path) -> None:
    """A PNG for every control: a row for each face, its neutral picture between both ends."""
    stages = [Stage(face, model, Variation(), size) for face in found]
    folder.mkdir(parents=True, exist_ok=True)
    for control in chosen:
        values = [value for value in (-1.0, 0.0, 0.5, 1.0) if value >= control.least]
        rows = []
        for stage in stages:
            shots = [stage.shot_of(stage.movement(controls_vector({control.name: value}))) for value in values]
            rows.append(np.concatenate([stage.render(shot) for shot in shots], axis=1))
        half = -(-len(rows) // 2)
        rows += [np.zeros_like(rows[0])] * (2 * half - len(rows))
        sheet = Image.fromarray(np.concatenate([np.concatenate(rows[i::half], axis=1) for i in range(half)]))
        ImageDraw.Draw(sheet).text((4, 4), f"{control.name} {values}", fill="yellow")
        sheet.save(folder / f"{control.name}.png")


if __name__ == "__main__":
    typer.run(main)
