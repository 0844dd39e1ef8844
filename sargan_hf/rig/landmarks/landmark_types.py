"""What landmarks are: points on a portrait, in pixels."""

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Landmarks:
    """Named polylines on a face, float64 pixels (x, y), whichever landmark scheme they came from.

    "right" and "left" are the subject's, as in the `_R` and `_L` of the blendshapes: the subject's right eye is on the left
    of the picture. Every polyline runs from the left of the picture to its right; a ring starts anywhere. The sizes are
    fixed, so the landmarks of two people correspond point by point.
    """

    right_pupil: np.ndarray  # [2]
    left_pupil: np.ndarray  # [2]
    right_iris: np.ndarray  # [8, 2] ring on the rim of the iris
    left_iris: np.ndarray  # [8, 2]
    right_upper_lid: np.ndarray  # [5, 2] corner to corner, at the edge of the opening
    right_lower_lid: np.ndarray  # [5, 2] with the same corners
    left_upper_lid: np.ndarray  # [5, 2]
    left_lower_lid: np.ndarray  # [5, 2]
    right_brow_top: np.ndarray  # [6, 2] tail to head
    right_brow_bottom: np.ndarray  # [2, 2] tail to head
    left_brow_top: np.ndarray  # [6, 2] head to tail
    left_brow_bottom: np.ndarray  # [2, 2] head to tail
    right_nose_side: np.ndarray  # [5, 2] root to wing
    left_nose_side: np.ndarray  # [5, 2] root to wing
    nose_base: np.ndarray  # [3, 2] nostril, subnasale, nostril
    upper_lip_top: np.ndarray  # [7, 2] corner to corner
    upper_lip_bottom: np.ndarray  # [7, 2] with the same corners
    lower_lip_top: np.ndarray  # [7, 2] with the same corners
    lower_lip_bottom: np.ndarray  # [7, 2] with the same corners
    jaw: np.ndarray  # [11, 2] ear lobe over the chin to the other ear lobe; the visible outline
    hairline: np.ndarray  # [11, 2] temple to temple
    cheeks: np.ndarray  # [4, 2] plain skin: two on the right cheek, two on the left
    right_face_edge: np.ndarray  # [3, 2] in front of the ear, top down
    left_face_edge: np.ndarray  # [3, 2]

    @property
    def right_eye_opening(self) -> np.ndarray:
        """float64 [8, 2], closed polygon round the visible right eyeball."""
        return np.concatenate([self.right_upper_lid, self.right_lower_lid[-2:0:-1]])

    @property
    def left_eye_opening(self) -> np.ndarray:
        """float64 [8, 2], closed polygon round the visible left eyeball."""
        return np.concatenate([self.left_upper_lid, self.left_lower_lid[-2:0:-1]])

    @property
    def inter_ocular_distance(self) -> float:
        """Pixels between the pupils."""
        return float(np.linalg.norm(self.left_pupil - self.right_pupil))

    @property
    def mouth_corners(self) -> np.ndarray:
        """float64 [2, 2]: the subject's right corner, then the left one."""
        return self.upper_lip_top[[0, -1]]

    def stacked(self) -> np.ndarray:
        """float64 [N, 2], all points in the order of the fields; corners shared by two polylines appear twice."""
        return np.concatenate([np.atleast_2d(getattr(self, f.name)) for f in fields(self)])

    def with_points(self, points: np.ndarray) -> "Landmarks":
        """The landmarks whose `stacked` is `points` [N, 2]."""
        arrays, start = {}, 0
        for f in fields(self):
            shape = getattr(self, f.name).shape
            count = 1 if len(shape) == 1 else shape[0]
            arrays[f.name] = points[start : start + count].reshape(shape)
            start += count
        return Landmarks(**arrays)

    def transformed(self, matrix: np.ndarray) -> "Landmarks":
        """The landmarks after an affine map of the picture, `matrix` [2, 3] as OpenCV's `warpAffine` takes it."""
        return self.with_points(self.stacked() @ matrix[:, :2].T + matrix[:, 2])


def five_points(landmarks: Landmarks) -> np.ndarray:
    """float64 [5, 2]: pupils, nose (its base), mouth corners, in the order of `faces.detection.Face.points`."""
    return np.stack([landmarks.right_pupil, landmarks.left_pupil, landmarks.nose_base[1], *landmarks.mouth_corners])
