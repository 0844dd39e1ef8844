"""Lids and lips that are brought together: no weights of shapes do that on every face and along the whole edge."""

import numpy as np

from ..face_model.mesh import DRAWN_VERTICES, RigMesh
from .control_shapes import Movement
from .pose import PosedFace

_PLACES = 33  # along an edge, where the opening is looked at
_UPPER_LIP_SHARE = 0.4  # of what is missing between the lips, the upper one goes this far, the lower one the rest
_LEAST_MOVED = 0.15  # of the most that a shape moves an edge: at the corners it moves too little to divide by


def bring_together(photo: np.ndarray, posed: PosedFace, movement: Movement, mesh: RigMesh) -> None:
    """Moves lids and lips of `photo` float32 [V, 3] until their openings are as `movement` wants; in place.

    Only y changes. What lies on an edge moves with it, and what is further away the less, as with the shape that moves it.
    """
    model = mesh.model
    for side, share in movement.lids.items():
        if share < 1:
            upper, lower = model.upper_lid_paths[side], model.lower_lid_paths[side]
            x, rest, now = _places(posed.photo, photo, upper, lower)
            middle = slice(_PLACES // 3, -(_PLACES // 3))
            # Lids keep the shape of the neutral opening as they meet.
            even = rest * (max(now[middle].mean(), 0.0) / max(rest[middle].mean(), 1e-3))
            missing = (1 - share) * (now - even)
            _follow(photo, x, missing, upper, _lowering(mesh, f"eyeBlink_{side}"))
    _keep_lips(photo, posed, movement, mesh)


def _keep_lips(photo: np.ndarray, posed: PosedFace, movement: Movement, mesh: RigMesh) -> None:
    """Lets lips part by `movement.parting` alone, and by the share of it that is left; in place."""
    upper, lower = mesh.model.upper_lip_path, mesh.model.lower_lip_path
    parted = posed.photo.copy()
    shapes = mesh.shapes.reshape(len(mesh.shapes), DRAWN_VERTICES, 3)
    for path in (upper, lower):
        seen = np.tensordot(movement.parting, shapes[:, path], 1) @ posed.axes.T
        parted[path, :2] += seen[:, :2] * posed.pixels_per_unit[path, None] * np.array([1, -1], np.float32)
    x, rest, now = _places(posed.photo, photo, upper, lower)
    _, _, wanted = _places(posed.photo, parted, upper, lower)
    wanted = np.maximum(rest, 0) + movement.lips * np.maximum(wanted - rest, 0)
    missing = np.maximum(now - wanted, 0)
    _follow(photo, x, _UPPER_LIP_SHARE * missing, upper, -_lowering(mesh, "mouthUpperUp"))
    _follow(photo, x, (_UPPER_LIP_SHARE - 1) * missing, lower, _lowering(mesh, "mouthLowerDown"))


def _places(rest: np.ndarray, now: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> tuple[np.ndarray, ...]:
    """x [P] of places along an opening from corner to corner as it is now, the opening's height [P] before and now."""
    shares = np.linspace(0, 1, _PLACES)
    heights, xs = [], []
    for points in (rest, now):
        edges = [points[path][np.argsort(points[path, 0])] for path in (upper, lower)]
        first, last = max(edge[0, 0] for edge in edges), min(edge[-1, 0] for edge in edges)
        xs.append(first + shares * (last - first))
        above, below = (np.interp(xs[-1], edge[:, 0], edge[:, 1]) for edge in edges)
        heights.append(below - above)
    return xs[-1], heights[0], heights[1]


def _follow(photo: np.ndarray, x: np.ndarray, down: np.ndarray, edge: np.ndarray, lowering: np.ndarray) -> None:
    """Moves an edge by `down` [P] pixels at its places `x` [P], and the vertices that a shape moves with it; in place."""
    path = edge[np.argsort(photo[edge, 0])]
    of_edge = np.interp(photo[:, 0], photo[path, 0], lowering[path])
    share = np.clip(lowering / np.maximum(of_edge, _LEAST_MOVED * lowering[path].max()), 0, 1)
    share[path] = np.maximum(share[path], lowering[path] > 0)
    photo[:, 1] += share * np.interp(photo[:, 0], x, down, left=0, right=0)


def _lowering(mesh: RigMesh, name: str) -> np.ndarray:
    """float32 [V], how far a shape, or both sides of it, moves each vertex down, in model units."""
    shapes = mesh.shapes.reshape(len(mesh.shapes), DRAWN_VERTICES, 3)
    return -shapes[mesh.model.expression_indices(name), :, 1].sum(axis=0)
