"""How far lids are apart, and the weights that bring them there.

Fixed weights would shut hooded eyes that barely open, so lids are aimed.
"""

import numpy as np

from ..face_model.mesh import DRAWN_VERTICES, LID_MIDDLES, RigMesh
from .control_shapes import widest_opening
from .pose import PosedFace
from .recipes import Aperture

_LARGEST_SQUINT, _LARGEST_WIDENING = 1.2, 1.1
_MORE_WHITE = 0.008  # inter-ocular distances of white above an iris that a recipe may show more than a control
BLINK_LIMITS, SHUT_LIMITS = (-0.35, 0.8), (-0.35, 1.6)


def opening(side: str, posed: PosedFace) -> float:
    """Pixels between the middles of the lids of the neutral face; side is "R" or "L"."""
    upper, lower = LID_MIDDLES[side]
    return posed.photo[list(lower), 1].mean() - posed.photo[list(upper), 1].mean()


def recipe_opening(side: str, aperture: Aperture, posed: PosedFace, mesh: RigMesh, intensity: float) -> float:
    """Pixels between the lids of an eye that a recipe asks for, with no more than a thin strip of white above the iris.

    A broad one is all invented, and eyes look like balls of glass.
    """
    neutral = opening(side, posed)
    if aperture.times is not None:
        return neutral * (1 - (1 - aperture.times) * intensity)
    return min(neutral + aperture.wider * posed.iod * intensity, widest(side, posed, mesh, _MORE_WHITE))


def widest(side: str, posed: PosedFace, mesh: RigMesh, more_white: float = 0.0) -> float:
    """Pixels between the lids of an eye that controls open fully.

    Args:
        more_white: inter-ocular distances by which the white above the iris may be higher.
    """
    iris = posed.landmarks.left_iris if side == "L" else posed.landmarks.right_iris
    edge = mesh.upper_lid(posed.photo, side)
    top = iris[:, 1].mean() - np.ptp(iris[:, 0]) / 2
    above_iris = float(top - np.interp(iris[:, 0].mean(), edge[:, 0], edge[:, 1]))
    return widest_opening(opening(side, posed), above_iris - more_white * posed.iod, posed.iod)


def aim(
    weights: np.ndarray,
    side: str,
    change: float,
    squint_share: float,
    limits: tuple[float, float],
    posed: PosedFace,
    mesh: RigMesh,
) -> None:
    """Sets squint, blink and wide of one side so that its lids come apart by `change` pixels; in place.

    Args:
        weights: float32 [E].
        squint_share: of a narrowing, what the lower lid does.
        limits: of what is added to the blink.
    """
    effect = opening_effects(side, posed, mesh)
    need = change - float(effect @ weights)
    squint, blink, wide = (mesh.model.expression_index(f"eye{name}_{side}") for name in ("Squint", "Blink", "Wide"))
    if need < 0:
        if effect[squint] < -0.1:
            weights[squint] += min(_LARGEST_SQUINT, squint_share * need / effect[squint])
    else:
        weights[wide] += min(_LARGEST_WIDENING, need / effect[wide])
    need = change - float(effect @ weights)
    weights[blink] += np.clip(need / effect[blink], *limits)


def opening_effects(side: str, posed: PosedFace, mesh: RigMesh) -> np.ndarray:
    """float32 [E], pixels by which weight 1 of each shape opens the eye of this side."""
    shapes = mesh.shapes.reshape(len(mesh.shapes), DRAWN_VERTICES, 3)
    down = [
        -(shapes[:, list(vertices)] @ posed.axes[1]) @ posed.pixels_per_unit[list(vertices)] / 2
        for vertices in LID_MIDDLES[side]
    ]
    return down[1] - down[0]
