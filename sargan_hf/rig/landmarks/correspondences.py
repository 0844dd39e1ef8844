"""Which point of the face model belongs to which landmark.

A model point is a weighted mean of three vertices, so that a landmark may lie inside a triangle. The table follows the
Multi-PIE vertices that ICT-FaceKit publishes; lid points sit at quarters of the lid's length, because the landmark scheme
spaces them evenly.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..face_model.model import MULTI_PIE, FaceModel
from .landmark_types import Landmarks

# (Multi-PIE number, [(polyline, index), ...] whose mean it lies on, weight). Brows count little: the model's brow is skin,
# the landmarks follow the hair.
_MULTI_PIE_TABLE = [
    (17, [("right_brow_top", 0)], 0.5),
    (18, [("right_brow_top", 1), ("right_brow_bottom", 0)], 0.5),
    (19, [("right_brow_top", 2), ("right_brow_top", 3), ("right_brow_bottom", 0), ("right_brow_bottom", 1)], 0.5),
    (20, [("right_brow_top", 4), ("right_brow_bottom", 1)], 0.5),
    (21, [("right_brow_top", 5)], 0.5),
    (22, [("left_brow_top", 0)], 0.5),
    (23, [("left_brow_top", 1), ("left_brow_bottom", 0)], 0.5),
    (24, [("left_brow_top", 2), ("left_brow_top", 3), ("left_brow_bottom", 0), ("left_brow_bottom", 1)], 0.5),
    (25, [("left_brow_top", 4), ("left_brow_bottom", 1)], 0.5),
    (26, [("left_brow_top", 5)], 0.5),
    (27, [("right_nose_side", 1), ("left_nose_side", 1)], 0.4),
    (30, [("right_nose_side", 4), ("left_nose_side", 4)], 0.4),
    (31, [("nose_base", 0)], 0.6),
    (33, [("nose_base", 1)], 1.5),
    (35, [("nose_base", 2)], 0.6),
    *[(48 + i, [("upper_lip_top", i)], 2.0) for i in range(7)],
    *[(59 - i, [("lower_lip_bottom", 1 + i)], 2.0) for i in range(5)],
    *[(61 + i, [("upper_lip_bottom", 2 + i)], 2.0) for i in range(3)],
    *[(67 - i, [("lower_lip_top", 2 + i)], 2.0) for i in range(3)],
]
_LID_WEIGHT = 2.0
# The outermost points of the inner lip line lie at these shares of its length.
_LIP_ENDS, _LIP_END_WEIGHT = ((1, 0.14), (5, 0.86)), 1.0


@dataclass(frozen=True)
class Correspondences:
    """Landmarks tied to points of the model.

    Attributes:
        vertices: int [N, 3], and
        mixing: float64 [N, 3], rows summing to 1: the model point is the mixture of those vertices.
        targets: float64 [N, 2], pixels.
        weights: float64 [N].
    """

    vertices: np.ndarray
    mixing: np.ndarray
    targets: np.ndarray
    weights: np.ndarray

    def __add__(self, other: "Correspondences") -> "Correspondences":
        return Correspondences(
            np.concatenate([self.vertices, other.vertices]),
            np.concatenate([self.mixing, other.mixing]),
            np.concatenate([self.targets, other.targets]),
            np.concatenate([self.weights, other.weights]),
        )

    def transformed(self, matrix: np.ndarray) -> "Correspondences":
        """The ties after an affine map of the picture, `matrix` [2, 3]."""
        return replace(self, targets=self.targets @ matrix[:, :2].T + matrix[:, 2])


def named_correspondences(model: FaceModel, landmarks: Landmarks) -> Correspondences:
    """Ties brows, nose, lids and lips to the model: 53 points. The jaw slides and is found by the fit."""
    rows = [
        (_vertex(MULTI_PIE[number]), np.mean([getattr(landmarks, name)[i] for name, i in points], axis=0), weight)
        for number, points, weight in _MULTI_PIE_TABLE
    ]
    rows += _lid_rows(model, landmarks) + _lip_end_rows(model, landmarks)
    return Correspondences(
        vertices=np.array([vertices for (vertices, _), _, _ in rows]),
        mixing=np.array([mixing for (_, mixing), _, _ in rows]),
        targets=np.array([target for _, target, _ in rows]),
        weights=np.array([weight for _, _, weight in rows]),
    )


def _lid_rows(model: FaceModel, landmarks: Landmarks) -> list[tuple]:
    rows = []
    for side, upper, lower in (
        ("R", landmarks.right_upper_lid, landmarks.right_lower_lid),
        ("L", landmarks.left_upper_lid, landmarks.left_lower_lid),
    ):
        upper_path, lower_path = model.upper_lid_paths[side], model.lower_lid_paths[side]
        rows += [(_along(model, upper_path, i / 4), upper[i], _LID_WEIGHT) for i in range(5)]
        rows += [(_along(model, lower_path, i / 4), lower[i], _LID_WEIGHT) for i in range(1, 4)]
    return rows


def _lip_end_rows(model: FaceModel, landmarks: Landmarks) -> list[tuple]:
    lines = ((model.upper_lip_path, landmarks.upper_lip_bottom), (model.lower_lip_path, landmarks.lower_lip_top))
    return [(_along(model, path, share), line[i], _LIP_END_WEIGHT) for path, line in lines for i, share in _LIP_ENDS]


def _vertex(index: int) -> tuple[list[int], list[float]]:
    return [int(index)] * 3, [1.0, 0.0, 0.0]


def _along(model: FaceModel, path: np.ndarray, share: float) -> tuple[list[int], list[float]]:
    """The point at a share of the path's length on the mean face."""
    steps = np.linalg.norm(np.diff(model.mean[path], axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    i = int(np.clip(np.searchsorted(length, share, side="right") - 1, 0, len(path) - 2))
    t = float((share - length[i]) / (length[i + 1] - length[i]))
    return [int(path[i]), int(path[i + 1]), int(path[i])], [1.0 - t, t, 0.0]
