"""Recipes: an edit as JSON, which Python, the command line, the app's API and the page replay on any picture.

```json
{
  "sargan_recipe": 1,
  "faces": "largest",
  "edits": [{"expression": {"happy": 0.6, "surprised": 0.4}, "controls": {"jaw_open": -0.5}, "region": "mouth"}]
}
```

One entry of `edits` is meant for every chosen face; several are one for each, in the order of `faces`. docs/recipes.md
describes each part. A saved edit holds its recipe in its metadata, so that a picture can be given where a recipe is wanted.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..errors import RecipeError, SARGANError
from ..expressions import expression_vector
from ..faces.choice import FaceChoice, check_faces
from ..file_errors import cause
from ..images.provenance import recipe_in
from ..presets import Preset, PresetFile, load_preset
from .change import MODES
from .masks import region_weight

VERSION = 1
KEY = "sargan_recipe"  # what tells a recipe from any other JSON; its value is the version of the format
LONGEST_FILE = 10_000_000  # bytes; a map of a region is text, too
_PARTS = (KEY, "faces", "edits", "transfer")
_EDIT_PARTS = ("expression", "controls", "preset", "intensity", "region")

AreaMap = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class RecipeEdit:
    """What is asked of a face.

    Attributes:
        expression: a name or a blend, as `expression_vector` takes it, kept as a mapping; weights in the model's order where
            they do not sum to 1; empty for no expression.
        controls: values of controls by name.
        intensity: 0 to 1.5.
        region: None for the whole face, "mouth", "eyes", or rows of a map with values from 0 to 1.

    Raises:
        RecipeError: a part that cannot be.
    """

    expression: str | Mapping[str, float] | tuple[float, ...] = field(default_factory=dict)
    controls: Mapping[str, float] = field(default_factory=dict)
    intensity: float = 1.0
    region: str | AreaMap | None = None

    def __post_init__(self) -> None:
        expression = {self.expression: 1.0} if isinstance(self.expression, str) else self.expression
        weights = isinstance(expression, list | tuple)
        try:
            if weights:
                expression = tuple(float(weight) for weight in cast("Sequence[float]", expression))
                expression_vector(expression, range(len(expression)))  # type: ignore[arg-type]  # their count is the model's
            checked = Preset({} if weights else cast("Mapping[str, float]", expression), self.controls, self.intensity)
            if self.region is not None:
                region_weight(cast("str", self.region), 8)
        except (SARGANError, TypeError, ValueError) as error:
            raise RecipeError(str(error)) from error
        object.__setattr__(self, "expression", expression if weights else checked.expression)
        object.__setattr__(self, "controls", checked.controls)
        if self.region is not None and not isinstance(self.region, str):
            object.__setattr__(self, "region", tuple(tuple(map(float, row)) for row in self.region))

    @classmethod
    def from_json(cls, content: object, presets: PresetFile | None = None) -> "RecipeEdit":
        """An edit of what `json.loads` gave; `preset` stands for an expression, controls and their intensity.

        Raises:
            RecipeError: it is no object, has other parts, or values that cannot be.
        """
        parts = _object(content, _EDIT_PARTS, "An edit")
        if "preset" not in parts:
            given: dict[str, Any] = {name: value for name, value in parts.items() if value is not None}
            return cls(**given)
        if "expression" in parts or "controls" in parts:
            raise RecipeError("A preset stands for an expression and controls: give it, or these.")
        try:
            preset, intensity = load_preset(parts["preset"], presets), float(parts.get("intensity", 1.0))
        except (SARGANError, TypeError, ValueError) as error:
            raise RecipeError(str(error)) from error
        return cls(preset.expression, preset.controls, preset.intensity * intensity, parts.get("region"))

    def to_json(self) -> dict[str, Any]:
        """What `json.dumps` takes and `from_json` reads again; parts that say nothing are left out."""
        weights = isinstance(self.expression, tuple)
        content: dict[str, Any] = {}
        if self.expression:
            content["expression"] = list(self.expression) if weights else dict(cast("Mapping", self.expression))
        if self.controls:
            content["controls"] = dict(self.controls)
        content["intensity"] = self.intensity
        if self.region is not None:
            content["region"] = self.region if isinstance(self.region, str) else [list(row) for row in self.region]
        return content


@dataclass(frozen=True)
class EditRecipe:
    """An edit of a picture that can be made again of any other.

    ```python
    recipe = EditRecipe.load("mine.json")  # or an edited picture
    pipe("portrait.jpg", **recipe.settings).images[0].save("edited.png")
    ```

    Attributes:
        edits: one for every chosen face, or one for each.
        faces: "largest", "all", or numbers of faces, counted from 1, the largest first.
        transfer: as in `SARGANPipeline.__call__`.

    Raises:
        RecipeError: parts that cannot be.
    """

    edits: tuple[RecipeEdit, ...]
    faces: str | tuple[int, ...] = "largest"
    transfer: str = "motion"

    def __post_init__(self) -> None:
        if not self.edits:
            raise RecipeError("A recipe needs at least one edit.")
        try:
            faces = check_faces(cast("FaceChoice", self.faces))
        except SARGANError as error:
            raise RecipeError(str(error)) from error
        if self.transfer not in MODES:
            raise RecipeError(f"transfer={self.transfer!r} is not known: use one of {', '.join(MODES)}.")
        object.__setattr__(self, "edits", tuple(self.edits))
        object.__setattr__(self, "faces", faces if isinstance(faces, str) else tuple(faces))

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments of `SARGANPipeline.__call__`, all but the picture."""
        asked = {
            "expression": [edit.expression or None for edit in self.edits],
            "controls": [edit.controls for edit in self.edits],
            "intensity": [edit.intensity for edit in self.edits],
            "region": [_area(edit.region) for edit in self.edits],
        }
        if len(self.edits) == 1:
            asked = {name: values[0] for name, values in asked.items()}
        return asked | {"faces": self.faces, "transfer": self.transfer}

    @classmethod
    def load(cls, path: str | os.PathLike, presets: PresetFile | None = None) -> "EditRecipe":
        """The recipe of a JSON file, or of an edited picture.

        Args:
            path: of the file.
            presets: your own presets, which the recipe may name.

        Raises:
            RecipeError: it cannot be read, or is no recipe.
        """
        text = recipe_text(path)
        try:
            return cls.from_text(text, presets)
        except RecipeError as error:
            raise RecipeError(f"{path} is no recipe. {error}") from error

    def save(self, path: str | os.PathLike) -> None:
        """Writes a JSON file that `load` reads.

        Raises:
            RecipeError: the file cannot be written.
        """
        try:
            Path(path).write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise RecipeError(f"{path} cannot be written ({cause(error)}).") from error

    @classmethod
    def from_text(cls, text: str, presets: PresetFile | None = None) -> "EditRecipe":
        """A recipe of JSON.

        Raises:
            RecipeError: it is not JSON, or no recipe.
        """
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RecipeError(f"It is not JSON ({error}).") from error
        return cls.from_json(content, presets)

    @classmethod
    def from_json(cls, content: object, presets: PresetFile | None = None) -> "EditRecipe":
        """A recipe of what `json.loads` gave.

        Raises:
            RecipeError: it is no recipe, or one of a later version.
        """
        parts = _object(content, _PARTS, "A recipe")
        version = parts.get(KEY)
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            raise RecipeError(f'A recipe begins with "{KEY}": {VERSION}, the version of its format; got {version!r}.')
        if version > VERSION:
            raise RecipeError(f"It is of version {version}; this program reads up to {VERSION}. Update sargan_hf.")
        edits = parts.get("edits")
        if not isinstance(edits, list):
            raise RecipeError(f"edits must be a list with an edit, or one for each face; got {edits!r}.")
        given = {name: parts[name] for name in ("faces", "transfer") if name in parts}
        return cls(tuple(RecipeEdit.from_json(edit, presets) for edit in edits), **given)

    def to_json(self) -> dict[str, Any]:
        """What `json.dumps` takes and `from_json` reads again."""
        faces = self.faces if isinstance(self.faces, str) else list(self.faces)
        content = {KEY: VERSION, "faces": faces, "edits": [edit.to_json() for edit in self.edits]}
        return content if self.transfer == "motion" else content | {"transfer": self.transfer}

    def to_text(self) -> str:
        """The recipe as JSON in one line."""
        return json.dumps(self.to_json())


def recipe_text(path: str | os.PathLike) -> str:
    """What a file holds in place of a recipe: the metadata of an edited picture, else all of it as text.

    Raises:
        RecipeError: it cannot be read as text, or is too long.
    """
    text = recipe_in(path)
    if text is not None:
        return text
    try:
        if os.path.getsize(path) > LONGEST_FILE:
            raise RecipeError(f"{path} is no recipe: it has more than {LONGEST_FILE // 1_000_000} MB.")
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"{path} holds no recipe ({cause(error)}): give a JSON file, or a picture that was edited with a recipe in it."
        ) from error


def _area(region: str | AreaMap | None) -> str | np.ndarray | None:
    return region if isinstance(region, str | None) else np.array(region, np.float32)


def _object(content: object, parts: Sequence[str], what: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise RecipeError(f"{what} is a JSON object with {', '.join(parts)}; got {type(content).__name__}.")
    odd = [name for name in content if name not in parts]
    if odd:
        raise RecipeError(f"{what} has {', '.join(parts)}; got {odd[0]!r}.")
    return content
