"""What a caller of the API may write for what is asked of a face: region, points, controls, preset, recipe and the like.

As in `arguments`, values come as JSON from anyone, as text or as JSON's own lists and mappings.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..controls import parse_controls as parse_control_texts
from ..editing.masks import REGIONS
from ..editing.recipe import EditRecipe
from ..errors import ConfigurationError, ControlError, PresetError, RecipeError
from ..presets import Preset, load_preset, shipped_presets
from .api_texts import MOST_SECONDS, MOST_STOPS
from .arguments import parse_blend, shown

LONGEST_TEXT = 100_000  # characters; a recipe or a region may be long, but no book
LONGEST_MAP = 256  # numbers a side of a map of a region
SIDES = (64, 1024)


def is_empty(value: object) -> bool:
    """Whether a parameter was left out."""
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def parse_stops(value: object) -> list[str | dict[str, float]] | None:
    """The expressions of an animation, in order; None where it was left empty.

    Raises:
        ExpressionError, ConfigurationError: these are none, or too many.
    """
    if is_empty(value):
        return None
    parts: Sequence[object] = value if isinstance(value, list) else [value]
    if isinstance(value, str) and ";" in value:
        parts = [part for part in value.split(";") if part.strip()]
    _check_stops(parts, "expressions")
    return [stop for part in parts if (stop := parse_blend(part)) is not None]


def parse_region(value: object) -> str | np.ndarray | None:
    """A region's name, or a map float32 [h, w] of it; None where it was left empty.

    Raises:
        ConfigurationError: it is neither.
    """
    if is_empty(value):
        return None
    if isinstance(value, str) and value.strip().lower() in REGIONS:
        return value.strip().lower()
    rows = _json(value, "region") if isinstance(value, str) and value.lstrip().startswith("[") else value
    try:
        weights = np.array(rows, np.float32) if isinstance(rows, list) else np.zeros(0)
    except (TypeError, ValueError):
        weights = np.zeros(0)
    if weights.ndim != 2 or not 0 < max(weights.shape) <= LONGEST_MAP:
        raise ConfigurationError(
            f"region must be {' or '.join(REGIONS)}, or a map: rows of at most {LONGEST_MAP} numbers from 0 to 1, all of one "
            f"length; got {shown(value)}."
        )
    return weights


def parse_points(value: object) -> np.ndarray | None:
    """float32 [5, 2] of ten numbers, or of five pairs; None where it was left empty.

    Raises:
        ConfigurationError: it is something else.
    """
    if is_empty(value):
        return None
    parts = re.findall(r"[^\s,;()\[\]]+", value[:LONGEST_TEXT]) if isinstance(value, str) else value
    try:
        points = np.array(parts, np.float32).reshape(-1)
    except (TypeError, ValueError):
        points = np.zeros(0)
    if points.shape != (10,) or not np.isfinite(points).all():
        raise ConfigurationError(
            f"points must be x and y of right eye, left eye, nose tip, right and left corner of the mouth, ten numbers in "
            f"pixels; got {shown(value)}."
        )
    return points.reshape(5, 2)


def parse_controls(value: object) -> dict[str, Any] | None:
    """Values of controls by name, from text such as "jaw_open=0.4, smile=0.3" or a mapping; None where it was left empty.

    Raises:
        ControlError: it is neither.
    """
    if is_empty(value):
        return None
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        return parse_control_texts([value[:LONGEST_TEXT]])
    found = _json(value, "controls") if isinstance(value, str) else value
    if not isinstance(found, Mapping):
        raise ControlError(f"controls must be a mapping, or text such as jaw_open=0.4, smile=0.3; got {shown(value)}.")
    return {str(name): number for name, number in found.items()}


def parse_preset(value: object) -> Preset | None:
    """A shipped preset by its name, or one written as JSON; None where it was left empty. No file is opened.

    Raises:
        PresetError: there is no such preset, or it cannot be.
    """
    if is_empty(value):
        return None
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        name = value.strip().lower().replace("_", " ").replace("-", " ")
        if name in shipped_presets() or not name.endswith(".json"):
            return load_preset(name[:100])
        raise PresetError("Files of this server are not opened: give the preset itself, as JSON.")
    return Preset.from_json(_json(value, "preset") if isinstance(value, str) else value)


def parse_recipe(value: object) -> EditRecipe | None:
    """A recipe, as JSON's mapping or as text; None where it was left empty. No file is opened, whatever preset it names.

    Raises:
        RecipeError, PresetError: it is none.
    """
    if is_empty(value):
        return None
    try:
        content = _json(value, "recipe") if isinstance(value, str) else value
        edits = content.get("edits") if isinstance(content, Mapping) else None
        for edit in edits if isinstance(edits, list) else []:
            if isinstance(edit, Mapping) and isinstance(edit.get("preset"), str):
                parse_preset(edit["preset"])  # refuses the name of a file
        return EditRecipe.from_json(content)
    except ConfigurationError as error:
        raise RecipeError(str(error)) from error


def parse_choice(value: object, name: str, choices: Sequence[str]) -> str:
    """One of a few words.

    Raises:
        ConfigurationError: another one.
    """
    wanted = value.strip().lower().removeprefix(".") if isinstance(value, str) else ""
    if wanted not in choices:
        raise ConfigurationError(f"{name}={shown(value)} is not known: use {', '.join(choices)}.")
    return wanted


def parse_number(value: object, name: str, least: float, most: float) -> float:
    """A number of a range, also as text.

    Raises:
        ConfigurationError: anything else.
    """
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else float("nan")
    except (ValueError, OverflowError):
        number = float("nan")
    if not least <= number <= most:
        raise ConfigurationError(f"{name} must be a number from {least:g} to {most:g}; got {shown(value)}.")
    return number


def parse_seconds(value: object) -> float:
    """How long a stage of an animation takes.

    Raises:
        ConfigurationError: it is longer than a host allows, or no number.
    """
    return parse_number(value, "seconds", 0.1, MOST_SECONDS)


def parse_side(value: object) -> int:
    """The side of a sprite in whole pixels.

    Raises:
        ConfigurationError: it is out of range, or no number.
    """
    return round(parse_number(value, "side", *SIDES))


def _check_stops(stops: Sequence[object], what: str) -> None:
    if not 0 < len(stops) <= MOST_STOPS:
        raise ConfigurationError(f"An animation here has 1 to {MOST_STOPS} {what}; got {len(stops)}.")


def _json(text: str, name: str) -> object:
    if len(text) > LONGEST_TEXT:
        raise ConfigurationError(f"{name} has {len(text):,} characters: at most {LONGEST_TEXT:,} are read.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigurationError(f"{name} is not JSON: {shown(text)}.") from None
