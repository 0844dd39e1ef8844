"""Which controls the further pictures of a set show."""

from dataclasses import dataclass

import numpy as np

from ...controls import CONTROLS, controls_vector
from ...expressions import EXPRESSIONS
from .recipes import Recipe, draw_recipes
from .variation import RenderOptions

_FULL = 0.25  # share of values that are the end of the range: a shut eye is not a nearly shut one
_LEAST = 0.2  # smallest value that is drawn
_CHANGE = (0.15, 0.6)  # of a recipe, which is to stay what it is
_LIPS_SHUT = 0.2  # share of changes of a recipe that shut its mouth: an anger with the lips closed
# Shares of the pictures with other eyes that look elsewhere, and whose eyes are shut, both or one; the others have other lids.
# Drawn like any other value, one picture in ninety had an eye shut: a network that saw so few never shut any.
_GAZE, _SHUT = 0.4, 0.35
_EYES = ("eye_wide", "squint")
_SIDES = ("", "", "_left", "_right")  # of what has sides, half of the time both
# Controls without their sides.
PARTS = tuple(dict.fromkeys(control.name.removesuffix("_left").removesuffix("_right") for control in CONTROLS))
_SIDED = {control.name.removesuffix("_left") for control in CONTROLS if control.name.endswith("_left")}
_LEASTS = {control.name.removesuffix("_left"): control.least for control in CONTROLS}


@dataclass(frozen=True)
class ControlDraw:
    """One picture: float32 [K] controls on top of a recipe at an intensity, or of the neutral face where it is None."""

    controls: np.ndarray
    recipe: Recipe | None = None
    intensity: float = 0.0


def draw_controls(options: RenderOptions, rng: np.random.Generator) -> list[ControlDraw]:
    """The `options.controls` pictures of one set, of the kinds in `options.control_shares`.

    Pictures with one control alone come in twos, at two values of the same control.
    """
    shares = np.array(options.control_shares.as_tuple())
    kinds = rng.choice(len(shares), size=options.controls, p=shares / shares.sum())
    draws, waiting = [], ""
    for kind in kinds:
        if kind == 0:
            part = waiting or _part(PARTS, rng)
            waiting = "" if waiting else part
            draws.append(ControlDraw(controls_vector({part: _value(part, (_LEAST, 1.0), rng)})))
        elif kind == 1:
            draws.append(ControlDraw(_several(int(rng.integers(2, 4)), (_LEAST, 1.0), rng)))
        elif kind == 2:
            draws.append(_changed_recipe(options, rng))
        else:
            draws.append(ControlDraw(_other_eyes(rng)))
    return draws


def _part(parts: tuple[str, ...], rng: np.random.Generator) -> str:
    """The name of a control, or of both sides of it."""
    part = parts[rng.integers(len(parts))]
    return part + _SIDES[rng.integers(len(_SIDES))] if part in _SIDED else part


def _value(part: str, sizes: tuple[float, float], rng: np.random.Generator) -> float:
    size = sizes[1] if rng.random() < _FULL else rng.uniform(*sizes)
    least = _LEASTS[part.removesuffix("_left").removesuffix("_right")]
    return float(-size if least < 0 and rng.random() < 0.5 else size)


def _several(count: int, sizes: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    parts = [PARTS[i] for i in rng.choice(len(PARTS), size=count, replace=False)]
    names = [_part((part,), rng) for part in parts]
    return controls_vector({name: _value(name, sizes, rng) for name in names})


def _changed_recipe(options: RenderOptions, rng: np.random.Generator) -> ControlDraw:
    expression = str(rng.choice([name for name in EXPRESSIONS if name != "neutral"]))
    recipe = draw_recipes(expression, 1, rng, options.recipes)[0]
    intensity = float(rng.uniform(*options.intensity))
    if rng.random() < _LIPS_SHUT:
        return ControlDraw(controls_vector({"jaw_open": -rng.uniform(0.6, 1.0)}), recipe, intensity)
    return ControlDraw(_several(int(rng.integers(1, 3)), _CHANGE, rng), recipe, intensity)


def _other_eyes(rng: np.random.Generator) -> np.ndarray:
    kind = rng.random()
    if kind < _GAZE:
        return controls_vector({"gaze_x": rng.uniform(-1, 1), "gaze_y": rng.uniform(-1, 1)})
    if kind < _GAZE + _SHUT:
        return controls_vector({_part(("eye_wide",), rng): -1.0})
    part = _part(_EYES, rng)
    return controls_vector({part: _value(part, (_LEAST, 1.0), rng)})
