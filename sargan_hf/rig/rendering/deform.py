"""Turns a recipe into moved vertices: sampled weights, aimed lids, and the guard that keeps lid folds off the eye."""

from dataclasses import dataclass

import numpy as np

from ..face_model.mesh import LID_MIDDLES, RigMesh
from .contact import bring_together
from .control_shapes import Movement
from .eyeballs import turn_eyeballs
from .lid_aim import BLINK_LIMITS, aim, opening, recipe_opening
from .pose import PosedFace
from .recipes import Aperture, Recipe
from .round_lips import round_lips

# Shares of the picture's side.
_LID_THICKNESS = 0.004
_LASHES = 0.020  # what stands on the edge of an upper lid and moves with it
_CORNERS = 0.2  # of the lid's width: towards the corners less and less of this is done
_UNFOLDED = 0.003  # skin that has moved so far from the edge counts as stretched


@dataclass(frozen=True)
class Deformation:
    """A face under an expression.

    Attributes:
        model: float32 [V, 3], vertices in model space.
        photo: float32 [V, 3], vertices in the texture's frame, before the head turn.
        screen: float32 [V, 3], vertices in the picture's frame.
    """

    model: np.ndarray
    photo: np.ndarray
    screen: np.ndarray


def sample_weights(
    recipe: Recipe, mesh: RigMesh, intensity: float, rng: np.random.Generator | None, carved: bool = False
) -> np.ndarray:
    """float32 [E], the recipe's weights times `intensity`, each varied and a little lopsided; exact when `rng` is None.

    Args:
        carved: the face is of stone, which shows some expressions another way.

    Raises:
        RigError: the recipe names a shape that the face model does not have.
    """
    weights = np.zeros(len(mesh.shapes), np.float32)
    lopsided = rng.uniform(-0.1, 0.1) if rng else 0.0
    for name, weight in ((carved and recipe.carved) or recipe.shapes).items():
        own = rng.uniform(0.88, 1.12) if rng else 1.0
        for index in mesh.model.expression_indices(name):
            full_name = mesh.model.expression_names[index]
            side = {"_L": 1, "_R": -1}.get(full_name[-2:], 0)
            weights[index] += weight * intensity * own * (1 + lopsided * side)
    return weights


def aim_lids(
    weights: np.ndarray, aperture: Aperture | None, posed: PosedFace, mesh: RigMesh, intensity: float = 1.0
) -> np.ndarray:
    """The weights with squint, blink and wide set so that both lid openings have the size the recipe asks for."""
    if aperture is None or not weights.any():
        return weights
    weights = weights.copy()
    for side in LID_MIDDLES:
        wanted = recipe_opening(side, aperture, posed, mesh, intensity)
        aim(weights, side, wanted - opening(side, posed), aperture.squint, BLINK_LIMITS, posed, mesh)
    return weights


def deform(posed: PosedFace, weights: np.ndarray, mesh: RigMesh) -> Deformation:
    """Moves the face by the weighted shapes. With all weights 0 nothing moves, exactly."""
    return displace(posed, (weights @ mesh.shapes).reshape(-1, 3), mesh)


def deform_by_controls(posed: PosedFace, movement: Movement, mesh: RigMesh) -> Deformation:
    """Moves the face as `movement.control_movement` says."""
    delta = (movement.weights @ mesh.shapes).reshape(-1, 3)
    if movement.gaze != (0.0, 0.0):
        turn_eyeballs(delta, posed.model, movement.gaze)
    return displace(posed, delta, mesh, movement)


def displace(
    posed: PosedFace, delta: np.ndarray, mesh: RigMesh, movement: Movement | None = None, *, photographed: bool = False
) -> Deformation:
    """Moves the face by `delta` [V, 3], in model space; lids and lips that `movement` wants to meet are brought together.

    Lips that part are rounded, unless `delta` is `photographed`: then they have their shape.
    """
    seen = delta @ posed.axes.T
    photo = posed.photo.copy()
    photo[:, 0] += seen[:, 0] * posed.pixels_per_unit
    photo[:, 1] -= seen[:, 1] * posed.pixels_per_unit
    photo[:, 2] += seen[:, 2] * posed.unit
    if movement is not None:
        bring_together(photo, posed, movement, mesh)
    if not photographed:
        round_lips(photo, posed, mesh)
    _keep_folds_above_lids(photo, posed, mesh)
    return Deformation(posed.model + delta, photo, posed.turned(photo))


def _keep_folds_above_lids(photo: np.ndarray, posed: PosedFace, mesh: RigMesh) -> None:
    """Moves fold vertices of the upper lids up where a widening would push them over the lid's edge; in place."""
    for side, folds in mesh.lid_folds.items():
        before = _above_lid(posed.photo, side, mesh)
        edge = photo[folds, 1] + _above_lid(photo, side, mesh)
        closest = np.where(before > 0, np.minimum(0.55 * before, 0.02 * posed.side + 0.25 * before), before)
        photo[folds, 1] = np.minimum(photo[folds, 1], edge - closest)


def with_rigid_lashes(places: np.ndarray, posed: PosedFace, photo: np.ndarray, mesh: RigMesh) -> np.ndarray:
    """float32 [V, 2]: `places`, where vertices take their colour, so changed that the lashes move with the lids' edges.

    The skin above a lid stretches as the eye widens, and would draw the lashes out with it. What hooded eyes fold away
    behind the edge lies, in the photograph, on the eye itself, and would show lashes and iris a second time.

    Args:
        places: float32 [V, 2], in the photograph.
        photo: float32 [V, 3], the deformed vertices in its frame.
    """
    places, lashes = places.copy(), _LASHES * posed.side
    for side, folds in mesh.lid_folds.items():
        before, after = _above_lid(posed.photo, side, mesh), _above_lid(photo, side, mesh)
        # Up to the lashes' ends as far from the edge as on the screen, then on to the vertex's own place; folded skin, which
        # has none in the photograph, mirrors what lies above the lashes.
        own = np.where(before < lashes, lashes + 0.1 * np.minimum(lashes - before, lashes), before)
        beyond = np.clip((after - lashes) / (1.5 * lashes), 0, 1)
        height = np.where(after < lashes, after, (1 - beyond) * lashes + beyond * np.maximum(own, lashes))
        stretched = np.clip((after - before) / (_UNFOLDED * posed.side), 0, 1)
        lid = posed.photo[mesh.model.upper_lid_paths[side], 0]
        along = (posed.photo[folds, 0] - lid.min()) / np.ptp(lid)
        stretched *= np.clip(np.minimum(along, 1 - along) / _CORNERS, 0, 1)
        places[folds, 1] += stretched * (before - np.maximum(height, 0))
    return places


def _above_lid(photo: np.ndarray, side: str, mesh: RigMesh) -> np.ndarray:
    """Pixels by which each fold vertex of this side stands above the upper lid's edge."""
    path, folds = mesh.model.upper_lid_paths[side], mesh.lid_folds[side]
    path = path[np.argsort(photo[path, 0])]
    return np.interp(photo[folds, 0], photo[path, 0], photo[path, 1]) - photo[folds, 1]


def lids_moved(posed: PosedFace, deformation: Deformation, mesh: RigMesh, side: str | None = None) -> float:
    """0 when the upper lids, or that of one side, are where they were, 1 from about their thickness on."""
    paths = mesh.model.upper_lid_paths
    edges = np.concatenate(list(paths.values())) if side is None else paths[side]
    distance = np.abs(deformation.photo[edges, 1] - posed.photo[edges, 1]).mean()
    return float(min(1.0, distance / (_LID_THICKNESS * posed.side)))
