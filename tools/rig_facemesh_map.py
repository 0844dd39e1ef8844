"""Learns `sargan_hf/rig/assets/facemesh_map.npz` on portraits that have 189-point landmark files.

    python tools/rig_facemesh_map.py PORTRAITS... [--output sargan_hf/rig/assets/facemesh_map.npz]

Two things are learned from dense landmarks (FaceMesh and Iris) and landmark files of the same pictures:

1. each named landmark as a mixture of the 24 dense points around it. Weights sum to 1 and are the same for x and y, so the rule
   holds for any turned, shifted or scaled head; a ridge keeps them small, so that the dense points' noise is averaged out.
   Printed: the error on people left out (6 folds), in percent of the inter-ocular distance.
2. each FaceMesh point as a point in a triangle of the face model: the one whose projection in the fitted pictures is nearest.
   Printed: how far off it is (root mean square over people), which becomes its weight in a fit.
"""

from dataclasses import fields
from pathlib import Path

import numpy as np
import typer

from sargan_hf.faces.detection import FaceDetector
from sargan_hf.rig.face_model.model import FaceModel, Part, load_face_model
from sargan_hf.rig.fitting.fit import fit_landmarks
from sargan_hf.rig.fitting.thin_plate import screen_vertices
from sargan_hf.rig.landmarks.facemesh import MESH_POINTS, FaceMesh, detection_anchors
from sargan_hf.rig.landmarks.landmark_files import landmark_file, read_landmarks
from sargan_hf.rig.landmarks.landmark_types import Landmarks
from sargan_hf.rig.portraits.reader import find_portraits, read_picture

NEIGHBOURS, RIDGE, FOLDS = 24, 1e-4, 6


def main(
    portraits: list[Path], output: Path = Path("sargan_hf/rig/assets/facemesh_map.npz"), model: Path | None = None
) -> None:
    """Learns and writes the map."""
    face_model, detector, mesh = load_face_model(model), FaceDetector(), FaceMesh()
    dense, named, screens = [], [], []
    for path in find_portraits(portraits):
        if landmark_file(path) is None:
            continue
        picture, landmarks = read_picture(path), read_landmarks(landmark_file(path))
        origin = (landmarks.right_pupil + landmarks.left_pupil) / 2
        iod = landmarks.inter_ocular_distance
        points = mesh(picture, detection_anchors(detector.find(picture)[0]))
        screen, _ = screen_vertices(face_model, fit_landmarks(face_model, landmarks), iod)
        dense.append((points - origin) / iod)
        named.append((landmarks.stacked() - origin) / iod)
        screens.append((screen[:, :2] - origin) / iod)
    dense, named, screens = np.array(dense), np.array(named), np.array(screens)
    points, weights = learn_named(dense, named)
    report_named(dense, named, landmarks)
    vertices, mixing, error = learn_vertices(face_model, dense[:, :MESH_POINTS], screens)
    print(f"FaceMesh on the face model: median error {100 * np.median(error):.1f} %, ", end="")
    print(f"{(error < 0.03).sum()} of {MESH_POINTS} points below 3 %, {len(dense)} portraits")
    np.savez_compressed(
        output,
        landmark_points=points.astype(np.int16),
        landmark_weights=weights.astype(np.float32),
        vertices=vertices.astype(np.int32),
        mixing=mixing.astype(np.float32),
        error=error.astype(np.float32),
    )


def learn_named(dense: np.ndarray, named: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dense points [N, 24] and weights [N, 24] of each named landmark; `dense` [P, 620, 2], `named` [P, N, 2]."""
    where, wanted = dense.mean(axis=0), named.mean(axis=0)
    distance = np.linalg.norm(where[None] - wanted[:, None], axis=2)
    points = np.argsort(distance, axis=1)[:, :NEIGHBOURS]
    weights = [affine_weights(dense[:, near], named[:, i]) for i, near in enumerate(points)]
    return points, np.array(weights)


def affine_weights(sources: np.ndarray, targets: np.ndarray, ridge: float = RIDGE) -> np.ndarray:
    """Weights [K], summing to 1, with which `sources` [P, K, 2] mix to `targets` [P, 2]."""
    count = sources.shape[1]
    design = np.concatenate([sources[..., 0], sources[..., 1]])
    normal = design.T @ design + ridge * len(sources) * np.eye(count)
    right = design.T @ np.concatenate([targets[:, 0], targets[:, 1]]) + ridge * len(sources) / count
    system = np.block([[normal, np.ones((count, 1))], [np.ones((1, count)), np.zeros((1, 1))]])
    return np.linalg.solve(system, np.append(right, 1.0))[:count]


def report_named(dense: np.ndarray, named: np.ndarray, landmarks: Landmarks) -> None:
    """Prints the error of each polyline on people that were left out of the learning."""
    fold = np.arange(len(dense)) % FOLDS
    error = np.zeros(named.shape[:2])
    for held_out in range(FOLDS):
        points, weights = learn_named(dense[fold != held_out], named[fold != held_out])
        mixed = np.einsum("nk,pnkd->pnd", weights, dense[fold == held_out][:, points])
        error[fold == held_out] = 100 * np.linalg.norm(mixed - named[fold == held_out], axis=2)
    start = 0
    for field in fields(landmarks):
        count = len(np.atleast_2d(getattr(landmarks, field.name)))
        print(f"{field.name:20s} {error[:, start : start + count].mean():5.2f} %")
        start += count


def learn_vertices(model: FaceModel, mesh: np.ndarray, screens: np.ndarray) -> tuple[np.ndarray, ...]:
    """Triangle [468, 3], mixing [468, 3] and error [468] of each FaceMesh point; `screens` are projected vertices."""
    triangles = model.faces[model.triangle_part == Part.FACE]
    skin = np.unique(triangles)
    # The front of the head only: behind it lie vertices that project to the same place.
    skin = skin[model.mean[skin, 2] > 0]
    vertices, mixing, error = [], [], []
    for point in mesh.transpose(1, 0, 2):
        squared = ((screens[:, skin] - point[:, None]) ** 2).sum(axis=2).mean(axis=0)
        nearest = skin[squared.argmin()]
        around = triangles[(triangles == nearest).any(axis=1)]
        options = [_in_triangle(screens[:, corners], point) for corners in around]
        best = int(np.argmin([rms for _, rms in options]))
        vertices.append(around[best])
        mixing.append(options[best][0])
        error.append(options[best][1])
    return np.array(vertices), np.array(mixing), np.array(error)


def _in_triangle(corners: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, float]:
    """The mixture of `corners` [P, 3, 2] inside the triangle nearest to `point` [P, 2], and its rms distance."""
    weights = np.clip(affine_weights(corners, point, ridge=1e-6), 0.0, None)
    weights /= weights.sum()
    offset = np.einsum("k,pkd->pd", weights, corners) - point
    return weights, float(np.sqrt((offset**2).sum(axis=1).mean()))


if __name__ == "__main__":
    typer.run(main)
