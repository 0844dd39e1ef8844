"""The facial controls: parts of a face that move by themselves, alone or on top of the seven expressions.

A control is relative: 0 leaves a part as it is, so all zeros change nothing. The names follow ARKit's blend shapes; "left" and
"right" are the subject's, and so is the sign of `gaze_x` and `jaw_side`. This table is
the only one. The rig draws by it, and data sets store a number for each row. Models, pipeline, page and command line take
the names of their controls from it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from .errors import ControlError


@dataclass(frozen=True)
class Control:
    """One control.

    Attributes:
        name: as in `controls_vector({"jaw_open": 0.4})`.
        least: smallest value, -1 or 0; the largest is 1.
        plus: what 1 does.
        minus: what -1 does; "" where `least` is 0.
        facs: action units of the Facial Action Coding System, plus and minus.
    """

    name: str
    least: float
    plus: str
    minus: str
    facs: str

    @property
    def mirrored(self) -> str:
        """The control that does the same in a picture flipped left to right."""
        for side, other in (("_left", "_right"), ("_right", "_left")):
            if self.name.endswith(side):
                return self.name.removesuffix(side) + other
        return self.name

    @property
    def sideways(self) -> bool:
        """Whether the sign changes in a picture flipped left to right."""
        return self.name in ("gaze_x", "jaw_side")


def _both(name: str, plus: str, minus: str, facs: str) -> tuple[Control, ...]:
    return tuple(Control(f"{name}_{side}", -1.0, plus, minus, facs) for side in ("left", "right"))


CONTROLS: tuple[Control, ...] = (
    Control("brow_inner_up", -1.0, "inner brows up", "brows down and together", "AU1 / AU4"),
    *_both("brow_outer_up", "outer brow up", "outer brow down", "AU2 / AU4"),
    *_both("eye_wide", "eye wide open", "eye shut", "AU5 / AU43"),
    Control("squint", 0.0, "eyes narrowed from below, cheeks up", "", "AU6+7"),
    Control("gaze_x", -1.0, "eyes turned 25 degrees to the subject's left", "to the subject's right", "AU61 / AU62"),
    Control("gaze_y", -1.0, "eyes turned 15 degrees up", "eyes turned down", "AU63 / AU64"),
    Control("nose_sneer", 0.0, "nose wrinkled", "", "AU9"),
    Control("upper_lip_up", 0.0, "upper lip raised", "", "AU10"),
    *_both("smile", "corner of the mouth up", "corner of the mouth down", "AU12 / AU15"),
    Control("lower_lip_down", 0.0, "lower lip drawn down", "", "AU16"),
    Control("mouth_stretch", 0.0, "mouth drawn wide", "", "AU20"),
    Control("mouth_pucker", -1.0, "lips pushed forward and rounded", "lips pressed and rolled in", "AU18+22 / AU24+28"),
    Control("jaw_open", -1.0, "mouth open", "an open mouth shut, a shut one pressed", "AU26+27 / AU24"),
    Control("chin_up", 0.0, "chin and lower lip pushed up", "", "AU17"),
    Control("jaw_side", -1.0, "jaw to the subject's left", "jaw to the subject's right", "AU30"),
)
CONTROL_NAMES = tuple(control.name for control in CONTROLS)
# Where a slider stands, on every page.
CONTROL_GROUPS: dict[str, tuple[str, ...]] = {
    "Brows": ("brow_outer_up_left", "brow_outer_up_right", "brow_inner_up"),
    "Eyes": ("eye_wide_left", "eye_wide_right", "squint"),
    "Gaze": ("gaze_x", "gaze_y"),
    "Mouth and nose": (
        "smile_left", "smile_right", "upper_lip_up", "lower_lip_down", "mouth_stretch", "mouth_pucker", "nose_sneer",
    ),
    "Jaw": ("jaw_open", "jaw_side", "chin_up"),
}  # fmt: skip
# What a slider is called, on every page.
CONTROL_LABELS: dict[str, str] = {
    "brow_inner_up": "Inner brows",
    "brow_outer_up_left": "Left outer brow",
    "brow_outer_up_right": "Right outer brow",
    "eye_wide_left": "Left eye open",
    "eye_wide_right": "Right eye open",
    "squint": "Squint",
    "gaze_x": "Look left or right",
    "gaze_y": "Look up or down",
    "nose_sneer": "Wrinkled nose",
    "upper_lip_up": "Upper lip up",
    "smile_left": "Left mouth corner",
    "smile_right": "Right mouth corner",
    "lower_lip_down": "Lower lip down",
    "mouth_stretch": "Wide mouth",
    "mouth_pucker": "Puckered lips",
    "jaw_open": "Open mouth",
    "chin_up": "Chin up",
    "jaw_side": "Jaw to the side",
}
# Columns of a data set: what a picture shows relative to the neutral one of its pair, and what of that is no recipe's.
CONTROLS_COLUMN, ADDED_COLUMN = "controls", "controls_added"
_BY_NAME = {control.name: control for control in CONTROLS}
_SIDES = ("_left", "_right")

ControlSpec = Mapping[str, float] | Sequence[float] | np.ndarray


def resolve_control(name: str, controls: Sequence[str] = CONTROL_NAMES) -> tuple[str, ...]:
    """The controls that `name` means, ignoring case: its own, or both sides of it: "smile" -> smile_left, smile_right.

    Raises:
        ControlError: there is no such control; the message names those that are spelt like it.
    """
    if isinstance(name, str):
        wanted = name.strip().lower().replace("-", "_").replace(" ", "_")
        found = tuple(known for known in controls if known in (wanted, *(wanted + side for side in _SIDES)))
        if found:
            return found
        both = [known.removesuffix(side) for side in _SIDES for known in controls if known.endswith(side)]
        near = get_close_matches(wanted, dict.fromkeys([*controls, *both]), n=3, cutoff=0.5)
        if near:
            raise ControlError(f"There is no control {name!r}. Did you mean {' or '.join(near)}?")
    raise ControlError(f"There is no control {name!r}. There are {', '.join(controls)}.")


def controls_vector(spec: ControlSpec, controls: Sequence[str] = CONTROL_NAMES) -> np.ndarray:
    """Turns named values, or a ready vector, into the vector of the controls.

    Args:
        spec: values by name, where a name without a side stands for both: `{"jaw_open": 0.4, "smile": 0.3}`; controls that are
            not named are 0. Or one value for each of `controls`.
        controls: the order, as a model's config has it.

    Returns:
        float32 array [len(controls)].

    Raises:
        ControlError: an unknown name, a control that is set twice, a value that is no number or out of its range, or a
            vector of another length.
    """
    if isinstance(spec, Mapping):
        values: dict[str, object] = {}
        for name, value in spec.items():
            for control in resolve_control(name, controls):
                if control in values:
                    raise ControlError(f"{control} is set twice: {name!r} means it too. Name it once.")
                values[control] = value
        return np.array([_checked(name, values.get(name, 0.0)) for name in controls], np.float32)
    if np.shape(spec) != (len(controls),):
        raise ControlError(
            f"A vector of controls needs {len(controls)} numbers, one for each of {', '.join(controls)}; "
            f"got shape {np.shape(spec)}."
        )
    return np.array([_checked(name, value) for name, value in zip(controls, spec, strict=True)], np.float32)


def parse_controls(texts: Sequence[str]) -> dict[str, float]:
    """Reads controls as people type them: `["jaw_open=0.4", "smile=0.3"]`, or several in one text with commas between.

    Names and ranges are not looked at here; `controls_vector` does that with the controls a model has.

    Raises:
        ControlError: a part is not a name, "=" and a number, or names a control a second time.
    """
    found: dict[str, float] = {}
    for part in (piece.strip() for text in texts for piece in text.split(",")):
        name, _, value = (piece.strip() for piece in part.partition("="))
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not name or name in found or not math.isfinite(number):
            raise ControlError(f"{part!r} is no control: write each once, with a number, as in jaw_open=0.4.")
        found[name] = number
    return found


def named_controls(vector: Sequence[float] | np.ndarray, controls: Sequence[str] = CONTROL_NAMES) -> dict[str, float]:
    """The values that are not 0, by name: what `controls_vector` turns into `vector` again."""
    return {name: float(value) for name, value in zip(controls, vector, strict=True) if value != 0}


def mirrored_controls(vector: np.ndarray, controls: Sequence[str] = CONTROL_NAMES) -> np.ndarray:
    """float32 [..., K], what a picture shows that is flipped left to right, of the controls [..., K] of the one that is not."""
    order = [list(controls).index(_BY_NAME[name].mirrored) for name in controls]
    signs = np.array([-1.0 if _BY_NAME[name].sideways else 1.0 for name in controls], np.float32)
    return np.asarray(vector, np.float32)[..., order] * signs + 0.0  # no -0


def _checked(name: str, value: Any) -> float:
    least = _BY_NAME[name].least if name in _BY_NAME else -1.0
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ControlError(f"{name} takes a number from {least:g} to 1; got {value!r}.") from None
    if not least <= number <= 1.0:
        raise ControlError(f"{name} is {value!r}; it goes from {least:g} to 1, and 0 leaves it as it is.")
    return number
