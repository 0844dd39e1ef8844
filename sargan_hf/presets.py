"""Presets: named points in the space of expressions and controls, such as a subtle smile, a wink or a quiet anger.

A preset is JSON: `{"expression": {"happy": 0.6, "neutral": 0.4}, "controls": {"eye_wide_left": -1}, "intensity": 1.0}`. Each
part may be left out. A file of presets maps names to these; the shipped one is `assets/presets.json`. `SPRITE_NAMES` are those
that character cards ask for, the 28 emotions of GoEmotions (D. Demszky et al., arXiv 2005.00547).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .controls import controls_vector, named_controls
from .errors import PresetError, SARGANError
from .expressions import EXPRESSIONS, MAX_INTENSITY, expression_vector
from .file_errors import cause

# The names of the pictures of a character that role-play front ends look for.
SPRITE_NAMES = tuple(
    "admiration amusement anger annoyance approval caring confusion curiosity desire disappointment disapproval disgust "
    "embarrassment excitement fear gratitude grief joy love nervousness neutral optimism pride realization relief remorse "
    "sadness surprise".split()
)


@dataclass(frozen=True)
class Preset:
    """What is asked of a face.

    Attributes:
        expression: a blend, as `expression_vector` takes it; empty asks for no expression, so controls alone move the face.
        controls: values of controls by name, as `controls_vector` takes them, relative to what the face shows.
        intensity: how strong all of it is; 1 is as it stands, 0 changes nothing, at most 1.5.

    Raises:
        PresetError: an unknown name, or a value out of its range.
    """

    expression: Mapping[str, float] = field(default_factory=dict)
    controls: Mapping[str, float] = field(default_factory=dict)
    intensity: float = 1.0

    def __post_init__(self) -> None:
        for name in ("expression", "controls"):
            if not isinstance(getattr(self, name), Mapping):
                raise PresetError(f"{name} must map names to numbers; got {getattr(self, name)!r}.")
        strength = self.intensity
        if isinstance(strength, bool) or not isinstance(strength, int | float) or not 0 <= strength <= MAX_INTENSITY:
            raise PresetError(f"intensity is a number from 0 to {MAX_INTENSITY:g}; got {self.intensity!r}.")
        try:
            if self.expression:
                # Only a model knows what classes it has beside the seven, so other names are left to it.
                expression_vector(self.expression, (*EXPRESSIONS, *self.expression))
            controls = named_controls(controls_vector(self.controls))
        except SARGANError as error:
            raise PresetError(str(error)) from error
        object.__setattr__(self, "expression", MappingProxyType(dict(self.expression)))
        object.__setattr__(self, "controls", MappingProxyType(controls))

    @classmethod
    def from_json(cls, content: object) -> "Preset":
        """A preset of what `json.loads` gave.

        Raises:
            PresetError: it is no object, has other parts, or values that cannot be.
        """
        parts = ("expression", "controls", "intensity")
        if not isinstance(content, dict):
            raise PresetError(f"A preset is a JSON object with {', '.join(parts)}; got {type(content).__name__}.")
        odd = [name for name in content if name not in parts]
        if odd:
            raise PresetError(f"A preset has {', '.join(parts)}; got {odd[0]!r}.")
        return cls(**content)

    def to_json(self) -> dict[str, Any]:
        """What `json.dumps` takes and `from_json` reads again."""
        return {"expression": dict(self.expression), "controls": dict(self.controls), "intensity": self.intensity}


PresetFile = str | Path | Mapping[str, Preset]


@cache
def shipped_presets() -> Mapping[str, Preset]:
    """The presets of the package, by name."""
    text = (files("sargan_hf") / "assets" / "presets.json").read_text(encoding="utf-8")
    return MappingProxyType({name: Preset.from_json(content) for name, content in json.loads(text).items()})


def load_presets(source: PresetFile) -> Mapping[str, Preset]:
    """The presets of a file `{"tired": {"controls": {"eye_wide": -0.5}}, ...}`, by name in lower case.

    Args:
        source: path of the file, or presets by name.

    Raises:
        PresetError: it cannot be read, holds none, or one of them cannot be.
    """
    if isinstance(source, Mapping):
        return MappingProxyType({_spelt(name): preset for name, preset in source.items()})
    content = _read(source)
    if not isinstance(content, dict) or not content or not all(isinstance(one, dict) for one in content.values()):
        raise PresetError(f'{source} holds no presets: a file of them maps names to objects, {{"tired": {{...}}}}.')
    presets = {}
    for name, one in content.items():
        try:
            presets[_spelt(name)] = Preset.from_json(one)
        except PresetError as error:
            raise PresetError(f"{source} has a wrong preset {name!r}. {error}") from error
    return MappingProxyType(presets)


def load_preset(name_or_path: str | Path, presets: PresetFile | None = None) -> Preset:
    """A preset by its name, ignoring case, or one of a JSON file.

    Args:
        name_or_path: of your own presets, else of the shipped ones; or a file that holds one preset and ends in .json.
        presets: your own, see `load_presets`.

    Raises:
        PresetError: no such preset, or a file that cannot be read as one.
    """
    text = str(name_or_path)
    known = dict(shipped_presets()) | ({} if presets is None else dict(load_presets(presets)))
    wanted = _spelt(text)
    if wanted in known:
        return known[wanted]
    if not text.lower().endswith(".json"):
        near = get_close_matches(wanted, known, n=3, cutoff=0.6)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(known)}."
        raise PresetError(f"There is no preset {text!r}. {hint} A preset of your own is a file that ends in .json.")
    try:
        return Preset.from_json(_read(text))
    except PresetError as error:
        raise PresetError(f"{text} is no preset. {error}") from error


def _spelt(name: str) -> str:
    return name.strip().lower().replace("_", " ").replace("-", " ")


def _read(path: str | Path) -> object:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PresetError(f"{path} cannot be read as JSON ({cause(error)}).") from error


def save_preset(preset: Preset, path: str | Path) -> None:
    """Writes a preset that `load_preset` reads.

    Raises:
        PresetError: the file cannot be written.
    """
    try:
        Path(path).write_text(json.dumps(preset.to_json(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise PresetError(f"{path} cannot be written ({cause(error)}).") from error
