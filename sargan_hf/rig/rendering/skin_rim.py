"""Where the skin that the mesh draws ends: at the outline of the face, and behind the nose of a turned head."""

import numpy as np

from ...images.warp import smoothstep
from ..face_model.mesh import SKIN, RigMesh
from .pose import PosedFace
from .rasterizer import Raster

_OFF_CHART = 99.0  # place on the mean face of what is not skin: no fold there
_EYE_CORNER = 1507
_FADE_RINGS = 7  # of triangles inside of the rim, within which what is done to the skin's colour fades out
# What hides behind the nose lies between the outlines of nose and cheek on the mean face (model units), and from this turn on.
_NOSE_SIDE, _CHEEK, _FAR, _LOW, _HIGH = 0.55, 1.7, 4.2, -2.6, 1.9
_NOSTRIL_X, _NOSTRIL_Y = 1.15, -0.4
LEAST_TURN = 6.0  # degrees to the side, from which on the nose hides part of the cheek
_COARSE, _BEHIND = 3.0, 0.006  # pixels per pixel of the coarse picture; depth as a share of the picture's side
_SPREAD_ROUNDS = 40


def chart_places(triangles: np.ndarray, mesh: RigMesh, count: int) -> np.ndarray:
    """float32 [count, 3], per vertex: where on the mean face its folds are looked up (x, y), and how much of them it shows.

    Args:
        triangles: int32 [T, 3], the skin that is drawn.
        count: of the vertices.
    """
    places = np.full((count, 3), _OFF_CHART, np.float32)
    places[SKIN, :2] = mesh.model.mean[SKIN, :2]
    places[SKIN, 2] = _rim_fade(triangles, mesh)
    return places


def _rim_fade(triangles: np.ndarray, mesh: RigMesh) -> np.ndarray:
    """float32 [9409], 0 where the drawn skin ends and the backdrop goes on, 1 well inside.

    Shadows and folds that ended there would show the edge of the mesh as a seam along jaw and cheek.

    Args:
        triangles: int32 [T, 3], the skin that is drawn.
    """
    ends = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).astype(np.int64)
    edge, count = np.unique(ends.min(axis=1) * SKIN.stop + ends.max(axis=1), return_counts=True)
    border = np.unique(np.concatenate(np.divmod(edge[count == 1], SKIN.stop)))
    x, y, z = mesh.model.mean[border].T
    # Lips, lids and nostrils are openings of the mesh, not its rim.
    above = y - mesh.model.mean[_EYE_CORNER, 1]
    at_eyes = (np.abs(np.abs(x) - 3.15) < 1.9) & (above > -1.0) & (above < 1.6)
    opening = mesh.lip_region[border] | at_eyes | ((np.abs(x) < 1.6) & (y < 1.0) & (y > -2.2) & (z > 6))
    reached = np.zeros(SKIN.stop, np.float32)
    reached[border[~opening]] = 1
    rings = np.full(SKIN.stop, _FADE_RINGS, np.float32)
    for ring in range(_FADE_RINGS):
        rings[(reached > 0) & (rings > ring)] = ring
        reached = reached + mesh.umbrella @ reached
    return mesh.smoothing @ smoothstep(rings / _FADE_RINGS)


def sideways(posed: PosedFace) -> float:
    """Degrees by which the photographed head is turned to the side, positive to the right of the picture."""
    return float(np.degrees(np.arctan2(posed.axes[0, 2], posed.axes[2, 2])))


def places_behind_nose(posed: PosedFace, mesh: RigMesh, triangles: np.ndarray, places: np.ndarray) -> np.ndarray:
    """float32 [V, 2]: `places`, where vertices take their colour, with what the nose hides taking that of the cheek beside it.

    Where it lies in the photograph the nose is seen: moved, it would show the nose's outline a second time.

    Args:
        triangles: int32 [T, 3], the skin that is drawn.
        places: float32 [V, 2] in the texture.
    """
    turn = sideways(posed)
    if abs(turn) < LEAST_TURN:
        return places
    far = np.sign(turn)
    hidden = _hidden(posed, triangles)
    x, y, z = mesh.model.mean[SKIN].T
    x = x * far
    region = (x > _NOSE_SIDE) & (x < _FAR) & (y > _LOW) & (y < _HIGH) & (z > 5) & ~mesh.lip_region[SKIN]
    region &= ~((x < _NOSTRIL_X) & (y < _NOSTRIL_Y))
    unknown = hidden & region
    known = (~hidden & region & (x > _CHEEK)).astype(np.float32)
    if not unknown.any() or not known.any():
        return places
    values = places[SKIN] * known[:, None]
    for _ in range(_SPREAD_ROUNDS):
        near = mesh.umbrella @ known
        reached = unknown & (near > 1e-6)
        values[reached] = (mesh.umbrella @ values)[reached] / near[reached, None]
        known[reached] = 1
    moved = places.copy()
    found = np.flatnonzero(unknown & (known > 0))
    moved[found] = values[found]
    return moved


def _hidden(posed: PosedFace, triangles: np.ndarray) -> np.ndarray:
    """bool [9409], skin that other skin hides in the photograph."""
    coarse = posed.photo[SKIN] / np.float32(_COARSE)
    side = int(np.ceil(posed.texture.shape[0] / _COARSE))
    raster = Raster.empty(side, side)
    raster.draw(coarse, triangles, 0, len(triangles))
    x, y = np.clip(np.round(coarse[:, :2]).astype(int), 0, side - 1).T
    return raster.depth[y, x] > coarse[:, 2] + _BEHIND * posed.side / _COARSE
