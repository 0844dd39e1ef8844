"""Finds the controls of a moved face: from a recipe's shapes, or from a fit to a photograph.

The shapes of the controls explain the motion as well as they can, in millimetres on the skin, by non-negative least squares.
Lids are read by their opening. A face moved by controls alone reads as those controls.
"""

from functools import cache

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls

from ...controls import CONTROL_NAMES, CONTROLS
from ..face_model.mesh import LID_MIDDLES, SKIN, RigMesh
from .control_shapes import opening_value, shape_matrix
from .lid_aim import opening, opening_effects, widest
from .pose import PosedFace

_LID_SHAPES = ("eyeBlink", "eyeWide", "eyeSquint", "eyeLookDown")
_AT_LIDS = 0.03  # model units by which one of those moves what is not asked for brows, cheeks and mouth
# Shares of the mean energy: what is hardly there stays at 0, and photographs have the errors of two fits.
_RIDGE, _PHOTOGRAPH_RIDGE = 3e-4, 0.03
_GAZE = [CONTROL_NAMES.index(name) for name in ("gaze_x", "gaze_y")]


@cache
def _basis(mesh: RigMesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Skin vertices looked at [N], ends of controls that have shapes [R], and what each moves there, float64 [R, N, 3]."""
    shapes = mesh.shapes.reshape(len(mesh.shapes), -1, 3)[:, SKIN]
    lids = [row for name in _LID_SHAPES for row in mesh.model.expression_indices(name)]
    vertices = np.flatnonzero(np.linalg.norm(shapes[lids], axis=2).max(axis=0) < _AT_LIDS)
    matrix = shape_matrix(mesh)
    ends = np.flatnonzero(matrix.any(axis=1))
    moved = np.tensordot(matrix[ends].astype(np.float64), shapes[:, vertices].astype(np.float64), 1)
    return vertices, ends, moved


@cache
def _solver(mesh: RigMesh) -> tuple[np.ndarray, np.ndarray]:
    """For shape weights: the root of the ends' energy float64 [R, R], and each shape's share in them float64 [R, E]."""
    vertices, _, moved = _basis(mesh)
    flat = moved.reshape(len(moved), -1)
    shapes = mesh.shapes.reshape(len(mesh.shapes), -1, 3)[:, vertices].reshape(len(mesh.shapes), -1)
    root = _root(flat, _RIDGE)
    return root, solve_triangular(root, flat @ shapes.T.astype(np.float64), trans=1)


def read_weights(weights: np.ndarray, posed: PosedFace, mesh: RigMesh) -> np.ndarray:
    """float32 [K], the controls that move a face most nearly as shape weights [E] do; gaze is 0."""
    root, shares = _solver(mesh)
    controls = _controls(_basis(mesh)[1], nnls(root, shares @ weights)[0])
    rise = {side: float(opening_effects(side, posed, mesh) @ weights) for side in LID_MIDDLES}
    return _with_lids(controls, rise, posed, mesh)


def read_photograph(delta: np.ndarray, weight: np.ndarray, posed: PosedFace, mesh: RigMesh) -> np.ndarray:
    """As `read_weights`, of a fit to a photograph; gaze, which the fit does not tell, is NaN.

    The brows stay those of the neutral face (`photo_overlay.py`), so theirs are 0. A fit can only
    guess how far a point came forward and how the whole head is turned. So the motion is seen from the front, and the part
    that one affine map of the whole face explains does not count.

    Args:
        weight: [V], how much each vertex counts.
    """
    vertices, ends, moved = _basis(mesh)
    shown = np.array([not CONTROLS[end % len(CONTROLS)].name.startswith("brow") for end in ends])
    ends, moved = ends[shown], moved[shown]
    each = np.sqrt(np.maximum(weight[vertices], 0))
    place = np.column_stack([mesh.model.mean[vertices, :2], np.ones(len(vertices))]) * each[:, None]
    head = np.linalg.qr(np.kron(place, np.eye(2)))[0]
    moved = (moved[:, :, :2] * each[:, None]).reshape(len(moved), -1)
    seen = (delta[vertices, :2] * each[:, None]).ravel()
    reached = _explained(moved - moved @ head @ head.T, seen - head @ (head.T @ seen), _PHOTOGRAPH_RIDGE)
    rise = {}
    for side, lids in LID_MIDDLES.items():
        up = [(delta[list(v)] @ posed.axes[1]) @ posed.pixels_per_unit[list(v)] / len(v) for v in lids]
        rise[side] = float(up[0] - up[1])
    controls = _with_lids(_controls(ends, reached), rise, posed, mesh)
    controls[_GAZE] = np.nan
    return controls


def _controls(ends: np.ndarray, reached: np.ndarray) -> np.ndarray:
    both = np.zeros(2 * len(CONTROLS))
    both[ends] = np.minimum(reached, 1)
    return (both[: len(CONTROLS)] - both[len(CONTROLS) :]).astype(np.float32)


def _with_lids(controls: np.ndarray, rise: dict[str, float], posed: PosedFace, mesh: RigMesh) -> np.ndarray:
    """The controls with those of the lids, which come apart by `rise` pixels on each side."""
    for side, change in rise.items():
        neutral = opening(side, posed)
        name = "eye_wide_left" if side == "L" else "eye_wide_right"
        value = opening_value(neutral + change, neutral, widest(side, posed, mesh), controls)
        controls[CONTROL_NAMES.index(name)] = value
    return controls


def _root(moved: np.ndarray, ridge: float) -> np.ndarray:
    """Upper triangle, float64 [R, R]: root.T @ root is the energy of the ends and a ridge."""
    gram = moved @ moved.T
    return cholesky(gram + ridge * np.trace(gram) / len(gram) * np.eye(len(gram)))


def _explained(moved: np.ndarray, wanted: np.ndarray, ridge: float) -> np.ndarray:
    """float64 [R], how far each end is reached: the non-negative ridge solution of reached @ moved = wanted."""
    root = _root(moved, ridge)
    return nnls(root, solve_triangular(root, moved @ wanted, trans=1))[0]
