"""From a vector of controls to what moves: shape weights, painted folds, lid openings, turned eyeballs, lips that meet.

Shapes and folds come from `controls.toml`. Lids are aimed and not weighted, because hooded and
wide eyes need different weights for the same opening. Lips and lids that should meet are brought together to the pixel. No
weights would do that on every face.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import numpy as np

from ...controls import CONTROL_NAMES, CONTROLS
from ..face_model.mesh import RigMesh

MAX_GAZE = (25.0, 15.0)  # degrees sideways and up or down at 1
# What parts the lips; a jaw that shuts takes it back.
PARTING = ("jawOpen", "mouthUpperUp", "mouthLowerDown", "mouthFunnel")
_SIDES = {"_left": "_L", "_right": "_R"}
_LARGEST = {"jawOpen": 0.95}  # a recipe and a control together; beyond, the jaw leaves the face
_LARGEST_OTHER = 1.7
# Lid openings. Sizes are shares of the inter-ocular distance.
_WIDEST, _LEAST_WIDER, _ABOVE_IRIS = 0.085, 0.04, 0.016
_SQUINTED, _SQUINT_SHARE = 0.58, 0.7  # share of the opening that a full squint takes, and of that the lower lid's
_LEAST_OPEN = 0.12  # share of the neutral opening that a squint leaves of an eye that a recipe narrows already
_LOOKING_UP, _LOOKING_DOWN = 0.10, 0.30  # share of the opening that lids follow by when the eyes look up or down fully


@dataclass(frozen=True)
class Movement:
    """Everything that moves a face.

    Attributes:
        weights: float32 [E], of the expression shapes.
        recipe: float32 [E], weights of the recipe beneath, before lids are aimed.
        gaze: degrees by which the eyeballs turn, to the subject's left and up.
        lids: by side "R" and "L", the wanted opening as a share of the one that the weights give along the whole lid; 1 and
            more leaves it to the weights.
        parting: float32 [E], weights of what may part the lips: those of a recipe, and of controls that open the mouth.
        lips: share of that opening that is left.
        folds: strength of painted folds by kind, where a kind ends in "_left" or "_right" for one side of the face.
    """

    weights: np.ndarray
    parting: np.ndarray
    recipe: np.ndarray
    gaze: tuple[float, float] = (0.0, 0.0)
    lids: Mapping[str, float] = field(default_factory=dict)
    lips: float = 1.0
    folds: Mapping[str, float] = field(default_factory=dict)


@cache
def _table() -> dict[str, dict]:
    return tomllib.loads((files(str(__package__)) / "controls.toml").read_text(encoding="utf-8"))


@cache
def drives() -> tuple[tuple[str, dict[str, float], dict[str, float]], ...]:
    """For every control and end, in the order of the table: its name, shapes by full name and folds at that end.

    First the 1 of all controls, then the -1; a control that has no -1 has no shapes there.
    """
    rows = []
    for end in ("plus", "minus"):
        for control in CONTROLS:
            side = next((side for side in _SIDES if control.name.endswith(side)), "")
            entry = _table()[control.name.removesuffix(side)].get(end, {"shapes": {}, "folds": {}})
            shapes = {name + _SIDES.get(side, ""): weight for name, weight in entry["shapes"].items()}
            sides = (side,) if side else tuple(_SIDES)
            folds = {kind + each: strength for kind, strength in entry["folds"].items() for each in sides}
            rows.append((control.name, shapes, folds))
    return tuple(rows)


def strengths(controls: np.ndarray) -> np.ndarray:
    """float32 [2 K], how far each end of `drives` is reached by controls [K]: never below 0."""
    return np.concatenate([np.maximum(controls, 0), np.maximum(-controls, 0)])


@cache
def shape_matrix(mesh: RigMesh) -> np.ndarray:
    """float32 [2 K, E], shape weights of every end of `drives`."""
    matrix = np.zeros((2 * len(CONTROLS), len(mesh.shapes)), np.float32)
    for row, (_, shapes, _) in zip(matrix, drives(), strict=True):
        for name, weight in shapes.items():
            row[mesh.model.expression_indices(name)] += weight
    return matrix


def control(controls: np.ndarray, name: str) -> float:
    """The value of one control."""
    return float(controls[CONTROL_NAMES.index(name)])


def with_controls(weights: np.ndarray, controls: np.ndarray, mesh: RigMesh) -> tuple[np.ndarray, np.ndarray]:
    """Shape weights of a recipe with those of controls [K] on top, lids left as they are.

    Returns:
        float32 [E], all weights; float32 [E], those that may part the lips.
    """
    weights = weights.copy()
    rows = [row for name in PARTING for row in mesh.model.expression_indices(name)]
    weights[rows] *= 1 - max(0.0, -control(controls, "jaw_open"))
    added = strengths(controls) @ shape_matrix(mesh)
    parting = weights.copy()
    parting[rows] += np.maximum(added[rows], 0)
    limits = np.full(len(weights), _LARGEST_OTHER, np.float32)
    for name, largest in _LARGEST.items():
        limits[mesh.model.expression_indices(name)] = largest
    return np.clip(weights + added, -limits, limits), np.clip(parting, -limits, limits)


def control_folds(folds: Mapping[str, float], controls: np.ndarray) -> dict[str, float]:
    """Strength of folds by kind and side: those of a recipe, which has no sides, and those of controls [K] on top."""
    sided = {kind + side: strength for kind, strength in folds.items() for side in _SIDES}
    for reached, (_, _, own) in zip(strengths(controls), drives(), strict=True):
        for kind, strength in own.items():
            sided[kind] = sided.get(kind, 0.0) + float(reached) * strength
    return sided


def sided_charts(charts: Mapping[str, np.ndarray], x: np.ndarray) -> dict[str, np.ndarray]:
    """Charts of folds, each cut in two at the middle of the face, where it fades within half a unit.

    Args:
        charts: by kind, [H, W].
        x: [W], place of each column on the mean face, to the subject's left.
    """
    left = np.clip(0.5 + x, 0, 1).astype(np.float32)
    halves = {"_left": left, "_right": 1 - left}
    return {kind + side: chart * half for kind, chart in charts.items() for side, half in halves.items()}


def eye_wide(controls: np.ndarray, side: str) -> float:
    """The value of eye_wide_left or eye_wide_right for side "L" or "R"."""
    return control(controls, "eye_wide_left" if side == "L" else "eye_wide_right")


def wanted_opening(base: float, neutral: float, wide: float, value: float, controls: np.ndarray) -> float:
    """How far apart the lids of one side should be, in pixels.

    Args:
        base: what the recipe asks for.
        neutral: of the neutral face.
        wide: of a fully widened eye.
        value: of eye_wide on this side.
    """
    base = _narrowed(base, neutral, controls)
    return base * (1 + value) if value < 0 else base + value * max(wide - base, 0.0)


def opening_value(now: float, neutral: float, wide: float, controls: np.ndarray) -> float:
    """The value of eye_wide that brings the lids of a neutral face `now` pixels apart, -1 to 1: `wanted_opening` undone."""
    base = _narrowed(neutral, neutral, controls)
    return float(np.clip(now / base - 1 if now < base else (now - base) / max(wide - base, 1e-3), -1, 1))


def _narrowed(base: float, neutral: float, controls: np.ndarray) -> float:
    base = max(base - neutral * _SQUINTED * control(controls, "squint"), _LEAST_OPEN * neutral)
    up = control(controls, "gaze_y")
    return base * (1 + (_LOOKING_UP if up > 0 else _LOOKING_DOWN) * up)


def squint_share(recipe_share: float, controls: np.ndarray) -> float:
    """Share of a narrowing that the lower lid does."""
    return max(recipe_share, _SQUINT_SHARE * control(controls, "squint"))


def widest_opening(neutral: float, lid_above_iris: float, iod: float) -> float:
    """Opening of a fully widened eye in pixels: white shows above the iris, within limits.

    Args:
        neutral: of the neutral face.
        lid_above_iris: how far the upper lid stands above the iris' top, below 0 where it covers it.
        iod: inter-ocular distance.
    """
    return neutral + float(np.clip(_ABOVE_IRIS * iod - lid_above_iris, _LEAST_WIDER * iod, _WIDEST * iod))
