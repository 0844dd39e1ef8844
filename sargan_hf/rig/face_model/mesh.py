"""The mesh as the renderer uses it: the shapes of the face model plus our own, and the regions that need care.

Everything here depends on the face model alone, so it is made once per process.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_matrix, diags

from .model import MOUTH_CORNERS, MULTI_PIE, PART_ENDS, FaceModel, Part

# Vertices of the drawn parts: all up to the eyeballs.
DRAWN_VERTICES = PART_ENDS[Part.RIGHT_EYEBALL]
SKIN = slice(0, PART_ENDS[Part.FACE])
INSIDE_MOUTH = (Part.MOUTH_SOCKET, Part.GUMS_AND_TONGUE, Part.TEETH)
_LOWER_LIP = 6470
LID_MIDDLES = {"R": ((1542, 1537), (1518, 1511)), "L": ((3751, 3756), (3725, 3732))}  # upper, lower


@dataclass(frozen=True, eq=False)
class RigMesh:
    """Attributes (V = 24591 drawn vertices, SKIN the first 9409 of them):

    model: with our own shapes appended.
    shapes: float32 [E, V * 3], deltas of the expression shapes, flat for one matrix product.
    triangles: int32 [T, 3] of the drawn parts, skin without the back of the head, sorted: skin, eyes, inside of the mouth.
    part: int [T], `Part` of each of them.
    smoothing: sparse [9409, 9409], half-step averaging over the skin.
    umbrella: sparse [9409, 9409], mean of the neighbours.
    mean_squared_edge: float32 [9409].
    upper_lip, lower_lip: int, skin and socket vertices near the lips that follow the upper lip or the jaw.
    lip_region: bool [V], their union.
    lid_folds: by side, skin vertices within 1.8 units above the edge of the upper lid.
    """

    model: FaceModel
    shapes: np.ndarray
    triangles: np.ndarray
    part: np.ndarray
    smoothing: csr_matrix
    umbrella: csr_matrix
    mean_squared_edge: np.ndarray
    upper_lip: np.ndarray
    lower_lip: np.ndarray
    lip_region: np.ndarray
    lid_folds: dict[str, np.ndarray]

    def upper_lid(self, points: np.ndarray, side: str) -> np.ndarray:
        """Those of `points` [V or more, n] that are the edge of an upper lid, from left to right; side is "R" or "L"."""
        edge = points[self.model.upper_lid_paths[side]]
        return edge[np.argsort(edge[:, 0])]


@lru_cache(maxsize=2)
def rig_mesh(model: FaceModel) -> RigMesh:
    """Prepares a face model for rendering; the result is kept for the next call with the same model."""
    model = model.with_expressions(
        ["corrugator_L", "corrugator_R"], np.stack([_corrugator(model, 1), _corrugator(model, -1)])
    )
    part = model.triangle_part
    keep = (part <= Part.RIGHT_EYEBALL) & (part != Part.HEAD_AND_NECK)
    keep &= (part != Part.FACE) | _above_jaw(model.mean)[model.faces].all(axis=1)
    triangles, part = model.faces[keep], part[keep]
    order = np.argsort((part != Part.FACE) + np.isin(part, INSIDE_MOUTH).astype(int), kind="stable")
    umbrella, mean_squared_edge = _neighbourhood(model)
    upper, lower = _lips(model)
    lip_region = np.zeros(DRAWN_VERTICES, bool)
    lip_region[upper] = lip_region[lower] = True
    return RigMesh(
        model=model,
        shapes=np.ascontiguousarray(model.expressions[:, :DRAWN_VERTICES].reshape(len(model.expressions), -1)),
        triangles=np.ascontiguousarray(triangles[order]),
        part=part[order],
        smoothing=(0.5 * umbrella + diags(np.full(SKIN.stop, 0.5, np.float32))).tocsr(),
        umbrella=umbrella,
        mean_squared_edge=mean_squared_edge,
        upper_lip=upper,
        lower_lip=lower,
        lip_region=lip_region,
        lid_folds={side: _lid_fold(model, path) for side, path in model.upper_lid_paths.items()},
    )


def _corrugator(model: FaceModel, side: int) -> np.ndarray:
    """Brow head down, inward and a little forward, which ICT's browDown does too weakly for anger; side 1 is "L"."""
    x, y, z = model.mean.T
    # The lower edge is soft, else a black fold appears at the root of the nose.
    reach = np.exp(-0.5 * (((x - side * 1.35) / 1.15) ** 2 + ((y - 5.75) / 0.85) ** 2))
    reach *= (model.vertex_part == Part.FACE) & (z > 5)
    reach /= 1 + np.exp(-np.clip((y - 4.75) / 0.42, -30, 30))
    # Less in the middle, else the brows merge into one bar.
    down = -0.42 * (1 - 0.5 * np.exp(-((x / 0.65) ** 2)))
    inward = -side * 0.32 * np.clip(np.abs(x) / 0.8, 0, 1)
    return reach[:, None] * np.stack([inward, down, np.full(len(x), 0.10)], axis=1)


def _above_jaw(mean: np.ndarray) -> np.ndarray:
    """bool [all vertices]: above the jaw line, with a margin; the rest is neck and moves with the background."""
    jaw = mean[MULTI_PIE[:17]]
    jaw = jaw[np.argsort(jaw[:, 0])]
    return mean[:, 1] > np.interp(mean[:, 0], jaw[:, 0], jaw[:, 1]) - 1.3


def _neighbourhood(model: FaceModel) -> tuple[csr_matrix, np.ndarray]:
    edges = model.skin_edges[SKIN, SKIN].astype(np.float32)
    degree = np.maximum(np.diff(edges.indptr), 1)
    links = edges.copy()
    links.data[:] = 1.0
    edges.data **= 2
    mean_squared = np.asarray(edges.sum(axis=1)).ravel() / degree
    return (diags((1.0 / degree).astype(np.float32)) @ links).tocsr(), np.maximum(mean_squared, 1e-4).astype(np.float32)


def _lips(model: FaceModel) -> tuple[np.ndarray, np.ndarray]:
    corner = model.mean[MOUTH_CORNERS[0]]
    x, y, z = model.mean[:DRAWN_VERTICES].T
    near = np.isin(model.vertex_part[:DRAWN_VERTICES], [Part.FACE, Part.MOUTH_SOCKET])
    near &= (np.abs(x) < 2.8) & (y < corner[1] + 1.6) & (y > corner[1] - 1.9) & (z > corner[2] - 1.2)
    jaw = np.linalg.norm(model.expressions[model.expression_index("jawOpen")][:DRAWN_VERTICES], axis=1)
    follows_jaw = jaw >= 0.45 * jaw[_LOWER_LIP]
    return np.flatnonzero(near & ~follows_jaw), np.flatnonzero(near & follows_jaw)


def _lid_fold(model: FaceModel, path: np.ndarray) -> np.ndarray:
    edge = path[np.argsort(model.mean[path, 0])]
    edge_x, edge_y = model.mean[edge, 0], model.mean[edge, 1]
    x, y, z = model.mean.T
    above = y - np.interp(x, edge_x, edge_y)
    inside = (x > edge_x[0] + 0.1) & (x < edge_x[-1] - 0.1) & (z > 6)
    return np.flatnonzero((model.vertex_part == Part.FACE) & inside & (above > 1e-3) & (above < 1.8))
