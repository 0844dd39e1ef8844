"""Light on the skin: what changing folds do to it, and a new light from one side."""

import numpy as np

from ..face_model.mesh import SKIN, RigMesh
from ..face_model.model import Part
from .pose import PosedFace
from .rasterizer import vertex_normals
from .variation import Light

# The portraits' own light: from above and a little to the right, mostly frontal (picture axes, y up).
_STUDIO_LIGHT = np.array([0.12, 0.5, 0.86], np.float32) / np.linalg.norm([0.12, 0.5, 0.86])
# A new light shades the head as the model knows it: of a turned one, not where its outline lies in the picture.
_LIT_TURN, _LIT_LUMINANCE = 18.0, 220.0
_FLESH_SHADOW = np.array([-0.2, 0.06, 0.14], np.float32)  # more or less darkening by channel; none of the luminance
_HOLLOW_DARKENING = 0.33  # per unit of added curvature
# Darker and lighter than before, and how much of each is kept: a strong lightening looks like yellow patches.
_DARKEST, _LIGHTEST = 0.62, 1.16
_KEEP_DARKER, _KEEP_LIGHTER = 0.85, 0.6


def brightness(normals: np.ndarray, light: np.ndarray = _STUDIO_LIGHT) -> np.ndarray:
    """float32 [N], wrapped diffuse light on surfaces with these unit normals, 0.45 (away) to 1 (facing)."""
    return 0.45 + 0.55 * np.clip((normals @ light + 0.25) / 1.25, 0, 1)


def curvature(vertices: np.ndarray, normals: np.ndarray, mesh: RigMesh) -> np.ndarray:
    """float32 [9409], mean curvature of the skin: how far the neighbours lie on the outer side, per squared edge."""
    towards_neighbours = mesh.umbrella @ vertices - vertices
    return (towards_neighbours * normals).sum(axis=1) / mesh.mean_squared_edge


def skin_shading(posed: PosedFace, moved: np.ndarray, mesh: RigMesh, share: np.ndarray) -> np.ndarray:
    """float32 [9409], factor on the skin's colour when the skin moves.

    Args:
        moved: float32 [V, 3], the vertices in model space under the expression.
        share: float32 [9409], how much of it each vertex shows.
    """
    skin_triangles = mesh.model.faces[mesh.model.triangle_part == Part.FACE]
    axes = posed.axes.T
    still, moved = posed.model[SKIN], moved[SKIN]
    still_normals, moved_normals = posed.normals, vertex_normals(moved, skin_triangles) @ axes
    hollow = curvature(moved @ axes, moved_normals, mesh) - curvature(still @ axes, still_normals, mesh)
    hollow = np.clip(_smooth(hollow, mesh, 3), -0.4, 0.6)
    ratio = brightness(moved_normals) / brightness(still_normals) * np.exp(-_HOLLOW_DARKENING * hollow)
    # Less smoothing gives dirty smudges on the cheeks.
    change = _smooth(ratio, mesh, 10) - 1
    change *= np.where(change > 0, _KEEP_LIGHTER, _KEEP_DARKER)
    # Nearly edge-on skin has unreliable normals.
    facing = np.clip((still_normals[:, 2] - 0.05) / 0.25, 0, 1)
    return 1 + np.clip(change, _DARKEST - 1, _LIGHTEST - 1) * facing * share


def light_refusal(posed: PosedFace, face_luminance: float) -> str:
    """Why this picture gets no new light, or "".

    Args:
        face_luminance: median over the face, 0 to 255.
    """
    turn = float(np.degrees(np.arccos(np.clip(posed.axes[2, 2], -1, 1))))
    if turn > _LIT_TURN:
        return f"The head is turned {turn:.0f} degrees; a new light needs it within {_LIT_TURN:.0f}."
    if face_luminance > _LIT_LUMINANCE:
        return f"The face is nearly white ({face_luminance:.0f} of 255); a new light would show on one side only."
    return ""


def relighting(posed: PosedFace, light: Light, mesh: RigMesh) -> np.ndarray:
    """float32 [9409], factor on the skin's colour under an additional light; its mean over the front of the face is 1."""
    normals = posed.normals
    shade = (1 - light.strength) + light.strength * 1.6 * np.clip((normals @ light.direction + 0.35) / 1.35, 0, 1)
    shade = _smooth(shade.astype(np.float32), mesh, 12)
    front = normals[:, 2] > 0.3
    return np.clip(shade / shade[front].mean(), 0.3, 1.5)


def darkened(colour: np.ndarray, factor: np.ndarray, flesh: float) -> np.ndarray:
    """float32 [H, W, 3], RGB times `factor` [H, W] of folds and hollows.

    Args:
        flesh: 1 for skin, in whose shadows red stays longest (evenly darkened, rosy cheeks show grey smears); 0 for stone.
    """
    darker = np.minimum(factor - 1, 0)[..., None]
    return colour * (factor[..., None] + flesh * darker * _FLESH_SHADOW)


def lit(colour: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """float32 [H, W, 3], RGB 0-255 under `factor` [H, W] times the light; lights are compressed, so that nothing burns out."""
    brightest = np.maximum(colour.max(axis=2), 1.0)
    lighter = 255 * (1 - (1 - np.minimum(brightest / 255, 1)) ** np.maximum(factor, 1))
    return colour * np.where(factor > 1, lighter / brightest, factor)[..., None]


def _smooth(values: np.ndarray, mesh: RigMesh, steps: int) -> np.ndarray:
    for _ in range(steps):
        values = mesh.smoothing @ values
    return values
