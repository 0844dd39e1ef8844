"""Which triangles of the mesh a portrait can texture, and where in the portrait each vertex takes its colour."""

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ...images.warp import smoothstep
from ..face_model.mesh import INSIDE_MOUTH, SKIN, RigMesh
from ..face_model.model import Part
from .pose import PosedFace

# z of a triangle's normal from which the photograph shows it well enough; a turned head would show it stretched.
_LEAST_FACING, _LEAST_FACING_TURNED = 0.03, 0.2
_BESIDE_FEATURES = 0.15  # of the inter-ocular distance, skin at least beside eyes and mouth
_AT_CORNERS = 0.08  # of the mouth's width, within which the lips' textures run together
_LIP_MARGIN, _PARTED_MARGIN = 0.006, 0.01  # of the picture's side; keeps each lip's texture off the other lip


def drawn_triangles(posed: PosedFace, mesh: RigMesh) -> tuple[np.ndarray, np.ndarray, int, int]:
    """The mesh's triangles that are drawn: skin inside the jaw line and facing the camera, and all inner parts.

    Returns:
        triangles [T, 3], their parts [T], the first row of the eyes and the first of those inside the mouth.
    """
    skin = mesh.part == Part.FACE
    corners = mesh.triangles
    inside = np.zeros(len(posed.photo), bool)
    inside[SKIN] = _inside_jaw(posed)
    facing = np.zeros(len(posed.photo), np.float32)
    facing[SKIN] = posed.normals[:, 2]
    turned = not np.allclose(posed.turn, np.eye(3))
    facing = facing[corners].mean(axis=1) > (_LEAST_FACING_TURNED if turned else _LEAST_FACING)
    # Folded skin in the lips and lids, and what is behind the nose, faces away but opens.
    facing |= mesh.lip_region[corners].all(axis=1) | _at_eyes(mesh) | _beside_nose(mesh)
    keep = inside[corners].all(axis=1) & facing & skin
    keep[keep] = _in_one_piece(corners[keep], len(posed.photo))
    keep |= ~skin
    part = mesh.part[keep]
    skins, mouths = int((part == Part.FACE).sum()), int(np.isin(part, INSIDE_MOUTH).sum())
    return np.ascontiguousarray(corners[keep]), part, skins, len(part) - mouths


def _in_one_piece(triangles: np.ndarray, vertices: int) -> np.ndarray:
    """bool [T], triangles of the largest connected piece: scraps of ears and jaw would float when the head turns."""
    links = (np.concatenate([triangles[:, 0], triangles[:, 1]]), np.concatenate([triangles[:, 1], triangles[:, 2]]))
    graph = coo_matrix((np.ones(len(links[0]), np.int8), links), shape=(vertices, vertices))
    piece = connected_components(graph, directed=False)[1][triangles[:, 0]]
    return piece == np.bincount(piece).argmax()


def _at_eyes(mesh: RigMesh) -> np.ndarray:
    x, y, _ = mesh.model.mean[mesh.triangles].mean(axis=1).T
    above = y - mesh.model.mean[1507, 1]  # of the corner of an eye
    return (np.abs(np.abs(x) - 3.15) < 2.2) & (above > -1.3) & (above < 2.4)


def _beside_nose(mesh: RigMesh) -> np.ndarray:
    x, y, z = mesh.model.mean[mesh.triangles].mean(axis=1).T
    return (np.abs(x) > 0.5) & (np.abs(x) < 3.2) & (y > -1.8) & (y < 2.0) & (z > 6)


def _inside_jaw(posed: PosedFace) -> np.ndarray:
    """bool [9409], inside the face's own outline in the photograph: outside the backdrop takes over."""
    jaw = posed.landmarks.jaw
    step, top = 0.06 * posed.side, -float(posed.side)
    right, left = jaw[0], jaw[-1]
    outline = [
        *jaw,
        (left[0] + step, left[1] - step / 3),
        (left[0] + step, top),
        (right[0] - step, top),
        (right[0] - step, right[1] - step / 3),
    ]
    pad, extent = posed.side, posed.texture.shape[0] + 2 * posed.side
    mask = np.zeros((extent, extent), np.uint8)
    cv2.fillPoly(mask, [np.round(np.array(outline) + pad).astype(np.int32)], 1)
    mask = np.maximum(cv2.erode(mask, np.ones((3, 3), np.uint8)), _round_features(posed, pad, extent))
    x, y = np.clip(np.round(posed.photo[SKIN, :2]).astype(int) + pad, 0, extent - 1).T
    return mask[y, x] > 0


def _round_features(posed: PosedFace, pad: int, extent: int) -> np.ndarray:
    """uint8 [extent, extent], 1 round lids, nose and lips.

    On three-quarter heads a guessed outline cuts through the far corner of the mouth. The face does not end there.
    """
    marks = posed.landmarks
    names = ("right_lower_lid", "left_lower_lid", "nose_base", "upper_lip_top", "lower_lip_bottom")
    hull = cv2.convexHull(np.concatenate([getattr(marks, name) for name in names]).astype(np.float32) + pad)
    mask = np.zeros((extent, extent), np.uint8)
    cv2.fillPoly(mask, [np.round(hull).astype(np.int32)], 1)
    cv2.polylines(mask, [np.round(hull).astype(np.int32)], True, 1, max(1, round(2 * _BESIDE_FEATURES * posed.iod)))
    return mask


def texture_places(posed: PosedFace, mesh: RigMesh, parted: bool = False) -> np.ndarray:
    """float32 [V, 2], where in the texture each vertex takes its colour.

    That is where it lies in the photograph, except next to the line between the lips. There each lip keeps to its own side of
    the line. Otherwise an opening mouth would show the other lip a second time.

    Args:
        parted: keep clear of the dark between the lips, and of teeth that lips which are parted a little already show: they
            would hang from the lips of an opened mouth.
    """
    places = posed.photo[:, :2].copy()
    marks, margin = posed.landmarks, (_PARTED_MARGIN if parted else _LIP_MARGIN) * posed.side
    for vertices, line, keep in (
        (mesh.upper_lip, marks.upper_lip_bottom, lambda y, edge, apart: np.minimum(y, edge - apart)),
        (mesh.lower_lip, marks.lower_lip_top, lambda y, edge, apart: np.maximum(y, edge + apart)),
    ):
        x = places[vertices, 0]
        near = vertices[(x > line[0, 0] - 0.02 * posed.side) & (x < line[-1, 0] + 0.02 * posed.side)]
        x = places[near, 0]
        edge = np.interp(x, line[:, 0], line[:, 1])
        # Towards the corners the lips meet: kept apart there too, their texture would tear into a jagged slit.
        to_corner = np.minimum(x - line[0, 0], line[-1, 0] - x) / max(float(np.ptp(line[:, 0])), 1.0)
        share = smoothstep(to_corner / _AT_CORNERS)
        places[near, 1] += share * (keep(places[near, 1], edge, share * margin) - places[near, 1])
    return places
