"""What facial controls name on a face, by FaceMesh's points, and how far it moves: for the benchmarks of rig and model."""

from collections.abc import Callable

import numpy as np

from sargan_hf.controls import Control
from sargan_hf.rig.landmarks.facemesh import CONTOUR_POINTS, IRIS_POINTS, MESH_POINTS

# A control follows its value by a rank correlation of at least the first, and moves all else by less than the second share.
FOLLOWS, FIFTH = 0.95, 0.2
_STILL = [33, 133, 362, 263, 168, 6, 197]  # eye corners and the bridge of the nose
RIGHT_IRIS = MESH_POINTS + CONTOUR_POINTS
LEFT_IRIS = RIGHT_IRIS + IRIS_POINTS + CONTOUR_POINTS
_CONTOURS = {"right": MESH_POINTS, "left": RIGHT_IRIS + IRIS_POINTS}
# The Iris network's contour of an eye: middles of the lower and of the upper lid.
_LOWER, _UPPER = [3, 4, 5], [11, 12, 13]
PARTS = {
    "right inner brow": [107, 66, 55, 65],
    "left inner brow": [336, 296, 285, 295],
    "right outer brow": [70, 63, 46, 53],
    "left outer brow": [300, 293, 276, 283],
    "right lids": [159, 158, 160, 145, 153, 144],
    "left lids": [386, 385, 387, 374, 380, 373],
    "right iris": [RIGHT_IRIS],
    "left iris": [LEFT_IRIS],
    "nose": [1, 2, 98, 327, 129, 358],
    "right corner": [61],
    "left corner": [291],
    "upper lip": [0, 37, 267, 13, 82, 312],
    "lower lip": [17, 84, 314, 14, 87, 317],
    "chin": [152, 148, 377, 175, 199],
}
_BROWS = ("right inner brow", "left inner brow", "right outer brow", "left outer brow")
_MOUTH = ("right corner", "left corner", "upper lip", "lower lip", "chin")
# What each control names, and what cannot but move with it: an eye that shuts hides its iris.
NAMED: dict[str, tuple[str, ...]] = {
    "brow_inner_up": _BROWS,
    **{f"brow_outer_up_{side}": (f"{side} outer brow", f"{side} inner brow") for side in ("left", "right")},
    **{f"eye_wide_{side}": (f"{side} lids", f"{side} iris") for side in ("left", "right")},
    "squint": ("right lids", "left lids", "right iris", "left iris"),
    "gaze_x": ("right iris", "left iris"),
    "gaze_y": ("right iris", "left iris", "right lids", "left lids"),
    "nose_sneer": ("nose", "upper lip", "right inner brow", "left inner brow"),
    "upper_lip_up": ("upper lip", "nose"),
    **{f"smile_{side}": (f"{side} corner", "upper lip", "lower lip", "chin") for side in ("left", "right")},
    "lower_lip_down": ("lower lip", "chin"),
    **dict.fromkeys(("mouth_stretch", "mouth_pucker", "jaw_open", "jaw_side", "chin_up"), _MOUTH),
}


def _height(*points: int) -> Callable[[np.ndarray], float]:
    return lambda dense: -float(dense[list(points), 1].mean())


def aperture(dense: np.ndarray, side: str) -> float:
    contour = dense[_CONTOURS[side] :]
    return float(contour[_LOWER, 1].mean() - contour[_UPPER, 1].mean())


def _gaze(dense: np.ndarray, axis: int) -> float:
    corners = dense[[33, 133, 362, 263]].mean(axis=0)
    return float((dense[[RIGHT_IRIS, LEFT_IRIS]].mean(axis=0) - corners)[axis])


def _lips(dense: np.ndarray) -> float:
    """Height of the red of both lips, less a share of the mouth's width."""
    red = (dense[17] - dense[14])[1] + (dense[13] - dense[0])[1]
    return float(red - 0.3 * np.linalg.norm(dense[291] - dense[61]))


# What follows each control, in units of the neutral face; larger at larger values.
MEASURES: dict[str, Callable[[np.ndarray], float]] = {
    "brow_inner_up": _height(*PARTS["right inner brow"], *PARTS["left inner brow"]),
    "brow_outer_up_left": _height(*PARTS["left outer brow"]),
    "brow_outer_up_right": _height(*PARTS["right outer brow"]),
    "eye_wide_left": lambda dense: aperture(dense, "left"),
    "eye_wide_right": lambda dense: aperture(dense, "right"),
    "squint": lambda dense: -aperture(dense, "left") - aperture(dense, "right"),
    "gaze_x": lambda dense: _gaze(dense, 0),
    "gaze_y": lambda dense: -_gaze(dense, 1),
    # The nose shortens between the brows and its wings.
    "nose_sneer": lambda dense: _height(98, 327, 129, 358)(dense) - _height(107, 336, 55, 285)(dense),
    "upper_lip_up": _height(13, 82, 312),
    "smile_left": _height(291),
    "smile_right": _height(61),
    "lower_lip_down": lambda dense: -_height(14, 87, 317)(dense),
    "mouth_stretch": lambda dense: float(np.linalg.norm(dense[291] - dense[61])),
    "mouth_pucker": _lips,
    "jaw_open": lambda dense: float((dense[14] - dense[13])[1] + 0.5 * (dense[152] - dense[2])[1] + 0.3 * _lips(dense)),
    "chin_up": _height(17, 18, 200),
    "jaw_side": lambda dense: float(dense[[152, 148, 377, 175, 199], 0].mean()),
}


def moved_parts(control: Control, neutral: np.ndarray, ends: list[np.ndarray]) -> dict:
    """How far what a control names moves at most, and what else moves furthest."""
    moved = dict.fromkeys(PARTS, 0.0)
    for points in ends:
        for name, part in PARTS.items():
            if name.endswith("lids"):
                move = abs(lid_gap(points, name.split()[0]) - lid_gap(neutral, name.split()[0]))
            else:
                move = np.linalg.norm((points[part] - neutral[part]).mean(axis=0))
            moved[name] = max(moved[name], float(move))
    other = max((name for name in PARTS if name not in NAMED[control.name]), key=moved.get)
    return {"named": max(moved[name] for name in NAMED[control.name]), "other": moved[other], "which": other}


def lid_gap(points: np.ndarray, side: str) -> float:
    part = PARTS[f"{side} lids"]
    return float(points[part[3:], 1].mean() - points[part[:3], 1].mean())


def aligned(dense: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """The points after the similarity that takes the still ones onto the neutral picture's."""
    a, b = (points[_STILL] @ [1, 1j] for points in (dense, onto))
    factor = np.vdot(a - a.mean(), b - b.mean()) / np.vdot(a - a.mean(), a - a.mean())
    moved = (dense @ [1, 1j] - a.mean()) * factor + b.mean()
    return np.column_stack([moved.real, moved.imag])
