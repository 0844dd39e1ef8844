"""Brings the fitted model onto the landmarks to the pixel, and hangs the teeth behind the lips.

The fit leaves one or two percent of the inter-ocular distance, enough to draw a lid line beside the lid. A thin-plate spline
in the picture plane takes the projected points onto their landmarks and moves everything between them smoothly.
"""

import numpy as np
from scipy.interpolate import RBFInterpolator

from ..face_model.model import INNER_LIPS, MOUTH_CORNERS, PART_ENDS, FaceModel, Part
from .fit import Fit, project_correspondences

SMOOTHING = 2e-4  # of the spline, in units of the inter-ocular distance
MAX_CORRECTION = 0.15  # of the inter-ocular distance: keeps the spline tame far from any landmark
TEETH_WIDTH_RANGE = (0.85, 1.15)


def screen_vertices(model: FaceModel, fit: Fit, inter_ocular_distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Projects the fitted model into the picture, corrected onto the landmarks.

    Args:
        model: the face model.
        fit: what `fit_landmarks` returned.
        inter_ocular_distance: pixels between the pupils.

    Returns:
        float32 [26719, 3], x and y in pixels and z towards the camera in pixels; float32 [26719], pixels per model unit.
    """
    projected, k = fit.camera.project(fit.vertices.astype(np.float64))
    corrected = projected.copy()
    moved = _drawn_and_warped()
    corrected[moved, :2] += _thin_plate(fit, projected[moved, :2], inter_ocular_distance)
    _hang_teeth(model, fit, corrected)
    return corrected.astype(np.float32), k.astype(np.float32)


def _drawn_and_warped() -> np.ndarray:
    """All vertices but gums, tongue, teeth (hung, not warped) and the parts never drawn."""
    drawn = np.arange(PART_ENDS[Part.RIGHT_EYEBALL])
    return np.concatenate([drawn[: PART_ENDS[Part.RIGHT_EYE_SOCKET]], drawn[PART_ENDS[Part.TEETH] :]])


def _thin_plate(fit: Fit, points: np.ndarray, iod: float) -> np.ndarray:
    """Displacement in pixels [N, 2] of `points` [N, 2]."""
    targets = fit.correspondences.targets
    landed = project_correspondences(fit.camera, fit.vertices, fit.correspondences)
    spline = RBFInterpolator(landed / iod, (targets - landed) / iod, kernel="thin_plate_spline", smoothing=SMOOTHING)
    return np.clip(spline(points / iod), -MAX_CORRECTION, MAX_CORRECTION) * iod


def _hang_teeth(model: FaceModel, fit: Fit, screen: np.ndarray) -> None:
    """Places gums, tongue and teeth in `screen`, in place.

    They are rigid: they take the person's identity but not the fitted expression, move with the lips as a whole and are
    scaled to the mouth's width. Warped like skin they would bend; left alone they would float at the wrong height.
    """
    inside = np.arange(PART_ENDS[Part.RIGHT_EYE_SOCKET], PART_ENDS[Part.TEETH])
    needed = np.concatenate([inside, INNER_LIPS, MOUTH_CORNERS])
    shape = model.mean[needed] + np.tensordot(fit.identity, model.identity[:, needed], 1)
    placed = fit.camera.project(shape.astype(np.float64))[0]
    teeth, lips, corners = np.split(placed, [len(inside), len(inside) + len(INNER_LIPS)])
    right, left = MOUTH_CORNERS
    stretch = np.clip((screen[left, 0] - screen[right, 0]) / (corners[1, 0] - corners[0, 0]), *TEETH_WIDTH_RANGE)
    relative = teeth - lips.mean(axis=0)
    relative[:, 0] *= stretch
    screen[inside] = relative + screen[INNER_LIPS].mean(axis=0)
