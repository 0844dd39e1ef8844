"""Lids and lips that are brought together: no weights of shapes do that on every face and along the whole edge."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..face_model.mesh import DRAWN_VERTICES, RigMesh
from .control_shapes import Movement
from .pose import PosedFace

_PLACES = 33  # along an edge, where the opening is looked at
_UPPER_LIP_SHARE = 0.4  # of the way to each other, the upper lip goes this far as a jaw shuts
_BESIDE = 0.25  # of an opening's width, within which what moves its corners fades out beside them
_OVERLAP = 0.006  # of the picture's side
_LEAST_MOVED = 0.15  # of the most that a shape moves an edge: at the corners it moves too little to divide by


def bring_together(photo: np.ndarray, posed: PosedFace, movement: Movement, mesh: RigMesh) -> None:
    """Moves lids and lips of `photo` float32 [V, 3] until their openings are as `movement` wants; in place.

    Only y changes. What lies on an edge moves with it, and what is further away the less, as with the shape that moves it.
    """
    model = mesh.model
    for side, share in movement.lids.items():
        if share < 1:
            upper, lower = model.upper_lid_paths[side], model.lower_lid_paths[side]
            neutral, now = (opening_between(points, upper, lower) for points in (posed.photo, photo))
            middle = slice(_PLACES // 3, -(_PLACES // 3))
            # Lids keep the shape of the neutral opening as they meet.
            even = neutral.height * (max(now.height[middle].mean(), 0.0) / max(neutral.height[middle].mean(), 1e-3))
            missing = (1 - share) * (now.height - even)
            follow(photo, now.x, missing, upper, lowering(mesh, f"eyeBlink_{side}"))
    _keep_lips(photo, posed, movement, mesh)


def _keep_lips(photo: np.ndarray, posed: PosedFace, movement: Movement, mesh: RigMesh) -> None:
    """Lets lips part by `movement.parting` alone, and by the share of it that is left; in place."""
    upper, lower = mesh.model.upper_lip_path, mesh.model.lower_lip_path
    parted = posed.photo.copy()
    shapes = mesh.shapes.reshape(len(mesh.shapes), DRAWN_VERTICES, 3)
    for path in (upper, lower):
        seen = np.tensordot(movement.parting, shapes[:, path], 1) @ posed.axes.T
        parted[path, :2] += seen[:, :2] * posed.pixels_per_unit[path, None] * np.array([1, -1], np.float32)
    neutral, now, asked = (opening_between(points, upper, lower) for points in (posed.photo, photo, parted))
    opened = np.maximum(asked.height - neutral.height, 0)
    missing = np.maximum(now.height - np.maximum(neutral.height, 0) - movement.lips * opened, 0)
    # Lips that shut overlap a little, or teeth would shine through between two rows of vertices.
    missing += (1 - movement.lips) * np.minimum(opened, _OVERLAP * posed.side)
    # The lip that went too far comes back; a jaw that shuts brings both.
    raised, lowered = np.maximum(asked.upper - now.upper, 0), np.maximum(now.lower - asked.lower, 0)
    shut = (1 - movement.lips) * opened + 1e-3
    share = (raised + _UPPER_LIP_SHARE * shut) / (raised + lowered + shut)
    follow(photo, now.x, share * missing, upper, -lowering(mesh, "mouthUpperUp"))
    follow(photo, now.x, (share - 1) * missing, lower, lowering(mesh, "mouthLowerDown"))


@dataclass(frozen=True)
class Opening:
    """An opening between two lids or lips, at places from corner to corner: x [P], y of both edges [P]."""

    x: np.ndarray
    upper: np.ndarray
    lower: np.ndarray

    @property
    def height(self) -> np.ndarray:
        return self.lower - self.upper


def opening_between(points: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> Opening:
    """The opening of points [V, 2 or 3] between two edges, given as the vertices along them."""
    edges = [(_across(points, path), points[path, 1]) for path in (upper, lower)]
    x = np.linspace(max(along.min() for along, _ in edges), min(along.max() for along, _ in edges), _PLACES)
    return Opening(x, *(_at(x, along, y) for along, y in edges))


def _across(points: np.ndarray, path: np.ndarray) -> np.ndarray:
    """x of an edge from corner to corner, never turning back: on a turned head the far corner is folded under itself."""
    x = points[path, 0]
    return np.maximum.accumulate(x) if x[-1] > x[0] else np.minimum.accumulate(x)


def _at(x: np.ndarray, along: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`values` [N] of an edge whose x are `along` [N], at places `x` [P]."""
    return np.interp(x, along, values) if along[-1] > along[0] else np.interp(x, along[::-1], values[::-1])


def follow(photo: np.ndarray, x: np.ndarray, down: np.ndarray, edge: np.ndarray, moved: np.ndarray) -> None:
    """Moves an edge by `down` [P] pixels at its places `x` [P], and the others as far as `moved` [V] says; in place.

    Args:
        moved: how far a shape moves each vertex; what it moves as far as the edge follows it all the way.
    """
    of_edge = _at(photo[:, 0], _across(photo, edge), moved[edge])
    share = np.clip(moved / np.maximum(of_edge, _LEAST_MOVED * moved[edge].max()), 0, 1)
    share[edge] = np.maximum(share[edge], moved[edge] > 0)
    # Beside the corners it fades out: ended there, it would cut the cheek along a vertical line.
    beside = _BESIDE * (x[-1] - x[0])
    x, down = np.r_[x[0] - beside, x, x[-1] + beside], np.r_[0, down, 0]
    photo[:, 1] += share * np.interp(photo[:, 0], x, down)


@lru_cache(maxsize=8)
def lowering(mesh: RigMesh, name: str) -> np.ndarray:
    """float32 [V], how far a shape, or both sides of it, moves each vertex down, in model units."""
    shapes = mesh.shapes.reshape(len(mesh.shapes), DRAWN_VERTICES, 3)
    return -shapes[mesh.model.expression_indices(name), :, 1].sum(axis=0)
