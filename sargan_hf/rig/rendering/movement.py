"""What moves a face under controls, alone or on top of a recipe."""

import numpy as np

from ..face_model.mesh import LID_MIDDLES, RigMesh
from .control_shapes import (
    MAX_GAZE,
    Movement,
    control,
    control_folds,
    eye_wide,
    squint_share,
    wanted_opening,
    with_controls,
)
from .lid_aim import SHUT_LIMITS, aim, opening, opening_effects, recipe_opening, widest
from .pose import PosedFace
from .recipes import Recipe


def control_movement(
    weights: np.ndarray,
    recipe: Recipe | None,
    intensity: float,
    controls: np.ndarray,
    posed: PosedFace,
    mesh: RigMesh,
) -> Movement:
    """What moves a face under controls.

    Args:
        weights: float32 [E], of the recipe, before lids are aimed; zeros without one.
        recipe: the recipe, or None.
        intensity: of the recipe.
        controls: float32 [K].
    """
    aperture = recipe.aperture if recipe is not None else None
    moved, parting = with_controls(weights, controls, mesh)
    lids = {}
    for side in LID_MIDDLES:
        neutral = opening(side, posed)
        if aperture is not None and weights.any():
            base = recipe_opening(side, aperture, posed, mesh, intensity)
        else:
            base = neutral + float(opening_effects(side, posed, mesh) @ weights)
        wanted = wanted_opening(base, neutral, widest(side, posed, mesh), eye_wide(controls, side), controls)
        share = squint_share(aperture.squint if aperture is not None else 0.0, controls)
        aim(moved, side, wanted - neutral, share, SHUT_LIMITS, posed, mesh)
        lids[side] = 1 + min(0.0, eye_wide(controls, side))
    folds = {kind: strength * intensity for kind, strength in recipe.wrinkles.items()} if recipe is not None else {}
    gaze = (MAX_GAZE[0] * control(controls, "gaze_x"), MAX_GAZE[1] * control(controls, "gaze_y"))
    lips = 1 + min(0.0, control(controls, "jaw_open"))
    return Movement(moved, parting, weights, gaze, lids, lips, control_folds(folds, controls))
