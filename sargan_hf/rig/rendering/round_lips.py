"""The shape of an open mouth: lips that part are drawn taut, and lose the waves of the line between shut ones.

The shapes of the face model move the lips of each person by the same amounts. So every wave of the shut line, and every error
of its landmarks, would come back at the edges of the open mouth: as a pointed beak, a heart or a notch.
"""

from functools import lru_cache

import numpy as np

from ...images.warp import smoothstep
from ..face_model.mesh import DRAWN_VERTICES, RigMesh
from .contact import follow, lowering, opening_between
from .pose import PosedFace

# Height of an opening as a share of its width: up to the first it keeps its waves, from the second on it has none.
_WAVY, _TAUT = 0.15, 0.45
# A taut edge is an arch (1 - u^2)^_ARCH or a plateau 1 - u^_PLATEAU between the corners at u = -1 and 1, or in between.
_ARCH, _PLATEAU, _MIXTURES = 0.65, 4, 5
_CORNERS = 0.3  # of half the width, within which edges keep their course
_SKEW = 0.3  # on a turned head one half of an edge is deeper than the other, at most so far
# A beak that is rounded gets its depth back up to this share, as readers go by how far a mouth is open.
_LOST = 0.3
# Units of the mean face above and below the edge, up to which the skin moves as far as it, and from which on it does not move.
_WITH_EDGE, _STILL = 0.3, 1.7


def round_lips(photo: np.ndarray, posed: PosedFace, mesh: RigMesh) -> None:
    """Rounds the edges of the lips of `photo` float32 [V, 3], the further they have parted; in place.

    Only y changes.
    """
    upper, lower = mesh.model.upper_lip_path, mesh.model.lower_lip_path
    neutral, now = (opening_between(points, upper, lower) for points in (posed.photo, photo))
    width = abs(float(now.x[-1] - now.x[0]))
    parted = float((now.height - np.maximum(neutral.height, 0)).max())
    share = float(smoothstep(np.asarray((parted / max(width, 1.0) - _WAVY) / (_TAUT - _WAVY))))
    if share <= 0:
        return
    with_upper = -lowering(mesh, "mouthUpperUp") * _near_lip(mesh, upper=True)
    with_lower = lowering(mesh, "mouthLowerDown") * _near_lip(mesh, upper=False)
    # At the corners an edge runs up and down: moved by where it lies across, it would fold into a spike.
    share = share * smoothstep((1 - np.abs(np.linspace(-1, 1, len(now.x)))) / _CORNERS)
    follow(photo, now.x, share * (_taut(now.upper) - now.upper), upper, with_upper)
    follow(photo, now.x, share * (_taut(now.lower) - now.lower), lower, with_lower)


def _taut(edge: np.ndarray) -> np.ndarray:
    """float64 [P], the smooth edge nearest to one whose y [P] at even distances from corner to corner are given."""
    u = np.linspace(-1, 1, len(edge))
    chord = np.interp(u, [-1, 1], edge[[0, -1]])
    flat = np.linspace(0, 1, _MIXTURES)[:, None]
    shapes = (1 - flat) * (1 - u**2) ** _ARCH + flat * (1 - u**_PLATEAU)
    fits = [_fitted(edge - chord, u, shape) for shape in shapes]
    best = min(fits, key=lambda fit: float(np.square(chord + fit - edge).sum()))
    lost = float(np.abs(edge - chord).max() / max(float(np.abs(best).max()), 1e-3)) - 1
    return chord + best * (1 + float(np.clip(lost, 0, _LOST)))


def _fitted(depth: np.ndarray, u: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """float64 [P], `shape` [P] as deep as `depth` [P], and deepest on the side where that is, but no more than `_SKEW`."""
    level, slope = np.linalg.lstsq(np.stack([shape, u * shape], axis=1), depth, rcond=None)[0]
    skewed = shape * (1 + np.clip(slope / level, -_SKEW, _SKEW) * u) if level else shape
    return skewed * float(skewed @ depth / (skewed @ skewed))


@lru_cache(maxsize=4)
def _near_lip(mesh: RigMesh, upper: bool) -> np.ndarray:
    """float32 [V], 1 on the edge of a lip, 0 from the outer edge of the lip on: neither that nor chin or nose follow."""
    path = mesh.model.upper_lip_path if upper else mesh.model.lower_lip_path
    x, y, _ = mesh.model.mean[:DRAWN_VERTICES].T
    order = path[np.argsort(mesh.model.mean[path, 0])]
    away = np.abs(y - np.interp(x, mesh.model.mean[order, 0], mesh.model.mean[order, 1]))
    return smoothstep((_STILL - away) / (_STILL - _WITH_EDGE)).astype(np.float32)
