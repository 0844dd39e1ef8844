"""Eyeballs that turn in their sockets."""

import numpy as np
from scipy.spatial.transform import Rotation

from ..face_model.model import PART_ENDS, Part

EYEBALLS = tuple(slice(PART_ENDS[part - 1], PART_ENDS[part]) for part in (Part.LEFT_EYEBALL, Part.RIGHT_EYEBALL))
_FULLY_SEEN = 3.0  # degrees from which an eye shows all of what the lids hid, and nothing of their shadow


def turn_eyeballs(delta: np.ndarray, vertices: np.ndarray, gaze: tuple[float, float]) -> None:
    """Adds to `delta` float32 [V, 3] what turns the eyeballs by `gaze` degrees, to the subject's left and up; in place.

    Args:
        vertices: float32 [V, 3], the face in model space.
    """
    turn = Rotation.from_euler("yx", [gaze[0], -gaze[1]], degrees=True).as_matrix()
    for eyeball in EYEBALLS:
        around = vertices[eyeball] - _middle(vertices[eyeball])
        delta[eyeball] += (around @ turn.T - around).astype(np.float32)


def share_turned(gaze: tuple[float, float]) -> float:
    """0 for eyes that have not turned, 1 from a few degrees on."""
    return float(min(1.0, np.hypot(*gaze) / _FULLY_SEEN))


def _middle(points: np.ndarray) -> np.ndarray:
    """Middle of the sphere nearest to `points` [N, 3]."""
    design = np.column_stack([2 * points, np.ones(len(points))]).astype(np.float64)
    return np.linalg.lstsq(design, (points.astype(np.float64) ** 2).sum(axis=1), rcond=None)[0][:3]
