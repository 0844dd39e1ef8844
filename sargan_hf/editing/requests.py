"""Requests for edits and their results: arguments and checks."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, TypeGuard, cast

import numpy as np

from ..controls import ControlSpec, controls_vector, named_controls
from ..errors import ConfigurationError, ControlError
from ..expressions import MAX_INTENSITY, SUMS_TO_ONE, ExpressionSpec, expression_vector
from ..faces.choice import FaceChoice
from ..images import EditedImage
from ..images.warp import NormalizedFlow
from ..presets import Preset, PresetFile, load_preset
from .change import MODES
from .recipe import EditRecipe, RecipeEdit

Expressions = ExpressionSpec | Sequence[ExpressionSpec | None]
Controls = ControlSpec | Sequence[ControlSpec | None]
Presets = str | Preset | Sequence[str | Preset]
Intensities = float | Sequence[float]
AreaSpec = str | np.ndarray | None
Areas = AreaSpec | Sequence[AreaSpec]
Box = tuple[float, float, float, float]
Region = tuple[int, int, int, int]  # left, top, right, bottom in pixels of the image


@dataclass(frozen=True, eq=False)
class FaceRequest:
    """What is wanted of one face.

    Attributes:
        expression: float32 [n], the condition in the model's order of expressions, see `expression_vector`. All zeros ask for
            no expression.
        intensity: 0 leaves the face as it is, 1 is the edit as trained, up to 1.5 exaggerates.
        region: see `SARGANPipeline.__call__`.
        transfer: how the edit gets to full resolution, one of "motion", "residual" and "paste".
        controls: float32 [k], the second condition, see `controls_vector`; empty for a model without controls.

    Raises:
        ConfigurationError: an intensity out of range, or another transfer.
    """

    expression: np.ndarray
    intensity: float = 1.0
    region: str | np.ndarray | None = None
    transfer: str = "motion"
    controls: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    def __post_init__(self) -> None:
        check_settings(self.intensity, self.transfer)

    @property
    def conditions(self) -> Hashable:
        """All that the generator's output depends on."""
        return self.expression.tobytes(), self.controls.tobytes()

    @property
    def strength(self) -> float:
        """The intensity, or 0 if nothing is requested."""
        return self.intensity if self.expression.any() or self.controls.any() else 0.0

    @property
    def plan(self) -> Hashable:
        """All that the warp depends on, which is planned at intensity 1."""
        region = self.region
        if region is not None and not isinstance(region, str):
            array = np.asarray(region)
            region = (array.shape, array.dtype.str, array.tobytes())
        return self.conditions, region, self.transfer


@dataclass(frozen=True)
class FaceEdit:
    """What was done to one face.

    Attributes:
        picture: index of its picture in the call.
        box: left, top, right, bottom of the face in pixels of the upright picture.
        points: float32 [5, 2], right eye, left eye, nose tip, right and left corner of the mouth, in pixels.
        score: the detector's confidence in 0..1, 1 for a face given by hand.
        tried: what the detector looked at until it found the face.
        expression: float32 [n], the condition, in the model's order of expressions.
        controls: float32 [k], the second condition, in the model's order of controls; empty for a model without.
        attention: float32 [h, w] in 0..1, where the network looked, over the model's crop; None without attention.
        residual: float32 [S, S, 3] in -1..1, what the network painted at intensity 1, over the model's crop.
        motion: float32 [S, S, 2] in normalised crop coordinates (2.0 is its width), where each pixel came from, relative to
            itself, at intensity 1; None for a model without motion.
        region: left, top, right, bottom of the rectangle outside of which no pixel changed.
    """

    picture: int
    box: Box
    points: np.ndarray
    score: float
    tried: tuple[str, ...]
    expression: np.ndarray
    controls: np.ndarray
    attention: np.ndarray | None
    residual: np.ndarray
    motion: NormalizedFlow | None
    region: Region


@dataclass(frozen=True)
class SARGANPipelineOutput:
    """Edited pictures, in the order given, with one `FaceEdit` for each edited face of each picture.

    `notes` has sentences about what had to change when a picture was opened, such as "only the first frame is used".
    `recipes` has the recipe of each picture's edit.
    """

    images: list[EditedImage]
    faces: list[FaceEdit]
    notes: list[str] = field(default_factory=list)
    recipes: list[EditRecipe] = field(default_factory=list)


def check_settings(intensity: float, transfer: str) -> None:
    """Raises `ConfigurationError` for an intensity outside 0..1.5 or an unknown way of transfer."""
    if (
        isinstance(intensity, bool)
        or not isinstance(intensity, int | float | np.number)
        or not 0 <= intensity <= MAX_INTENSITY
    ):
        raise ConfigurationError(f"intensity must be a number from 0 to {MAX_INTENSITY}; got {intensity!r}.")
    if transfer not in MODES:
        raise ConfigurationError(f"transfer={transfer!r} is not known: use one of {', '.join(MODES)}.")


class Wish(TypedDict):
    """What a call asks of all faces, or of each: see `SARGANPipeline.__call__`."""

    expression: Expressions | None
    controls: Controls | None
    intensity: Intensities


def combined(
    expression: Expressions | None,
    controls: Controls | None,
    preset: Presets | None,
    intensity: Intensities,
    presets: PresetFile | None = None,
) -> Wish:
    """What the arguments of a call mean together.

    Raises:
        PresetError: an unknown preset.
        ConfigurationError: a preset beside an expression or controls, a file of presets without one, or an intensity out of
            range.
    """
    for strength in intensity if _is_list(intensity) else [intensity]:
        check_settings(cast("float", strength), "motion")
    if preset is None:
        if presets is not None:
            raise ConfigurationError(
                "presets is a file of presets: say by preset which of them is meant, or leave it out."
            )
        nothing = expression is None and controls is None
        return Wish(expression="happy" if nothing else expression, controls=controls, intensity=intensity)
    if expression is not None or controls is not None:
        raise ConfigurationError("A preset stands for an expression and controls: give it, or these.")
    if not _is_list(preset):
        named = _loaded(cast("str | Preset", preset), presets)
        return Wish(
            expression=named.expression or None,
            controls=named.controls or None,
            intensity=_times(intensity, named.intensity),
        )
    several = [_loaded(one, presets) for one in preset]
    strengths = per_face(intensity, len(several), "intensities")
    return Wish(
        expression=[one.expression or None for one in several],
        controls=[one.controls or None for one in several],
        intensity=[strength * one.intensity for strength, one in zip(strengths, several, strict=True)],
    )


def face_requests(
    wish: Wish,
    count: int,
    expressions: Sequence[str],
    controls: Sequence[str],
    region: Areas = None,
    transfer: str = "motion",
) -> list[FaceRequest]:
    """What is wanted of each of `count` faces, of a model that knows these expressions and controls.

    Raises:
        ExpressionError, ControlError, ConfigurationError: as in `SARGANPipeline.__call__`.
    """
    vectors = condition_vectors(wish["expression"], count, expressions)
    parts = control_vectors(wish["controls"], count, controls)
    strengths, regions = per_face(wish["intensity"], count, "intensities"), regions_per_face(region, count)
    return [
        FaceRequest(vector, strength, area, transfer, values)
        for vector, strength, area, values in zip(vectors, strengths, regions, parts, strict=True)
    ]


def per_face(setting: Any, count: int, what: str) -> list[Any]:
    """A setting for each of `count` faces: that of all, or the list with one for each.

    Raises:
        ConfigurationError: a list of another length; `what` names its entries.
    """
    return _one_for_each(setting, count, what) if _is_list(setting) else [setting] * count


def regions_per_face(region: Areas, count: int) -> list[AreaSpec]:
    """The region of each of `count` faces; lists of numbers are the rows of one map.

    Raises:
        ConfigurationError: a list of another length.
    """
    several = _is_list(region) and any(one is None or isinstance(one, str) or np.ndim(one) == 2 for one in region)
    return _one_for_each(region, count, "regions") if several else [cast("AreaSpec", region)] * count


def control_vectors(controls: Controls | None, count: int, names: Sequence[str]) -> list[np.ndarray]:
    """The second condition, float32 [k], of each of `count` faces.

    Args:
        controls: one for all faces, or a list with one for each; None for none.
        count: of faces.
        names: of the model's controls, in its order.

    Raises:
        ControlError: an unknown control or a value out of its range, or the model has no controls.
        ConfigurationError: a list of another length.
    """
    several = not isinstance(controls, Mapping | None) and any(
        one is None or isinstance(one, Mapping | Sequence | np.ndarray) for one in cast("Sequence[Any]", controls)
    )
    specs = _one_for_each(controls, count, "settings of controls") if several else [controls] * count
    if not names and any(spec is not None and not _is_empty(spec) for spec in specs):
        raise ControlError(
            "This model has no facial controls, only expressions: leave controls out, or load a model that was trained with "
            "--controls."
        )
    return [controls_vector({} if spec is None else cast("ControlSpec", spec), names) for spec in specs]


def condition_vectors(expression: Expressions | None, count: int, expressions: Sequence[str]) -> list[np.ndarray]:
    """The condition, float32 [n], of each of `count` faces.

    Args:
        expression: one for all faces, or a list with one for each; None for no expression, all zeros.
        count: of faces.
        expressions: those that the model knows, in its order.

    Raises:
        ExpressionError: an unknown expression.
        ConfigurationError: a list of another length.
    """
    several = _is_list_of_specs(expression)
    specs = _one_for_each(expression, count, "expressions") if several else [expression] * count
    nothing = np.zeros(len(expressions), np.float32)
    return [nothing if spec is None else expression_vector(cast("ExpressionSpec", spec), expressions) for spec in specs]


def recipe_of(
    requests: Sequence[FaceRequest], expressions: Sequence[str], controls: Sequence[str], faces: FaceChoice
) -> EditRecipe:
    """The recipe of what was asked of the faces of a picture.

    Args:
        requests: one for each face.
        expressions, controls: those of the model, in its order.
        faces: how the faces were chosen.
    """
    edits = [
        RecipeEdit(
            _named_weights(request.expression, expressions),
            named_controls(request.controls, controls),
            float(request.intensity),
            _drawn(request.region),
        )
        for request in requests
    ]
    together = edits[:1] if all(edit == edits[0] for edit in edits) else edits
    return EditRecipe(tuple(together), cast("Any", faces), requests[0].transfer)


def _named_weights(vector: np.ndarray, expressions: Sequence[str]) -> Mapping[str, float] | tuple[float, ...]:
    """Weights by name; the vector itself where names would normalise it to something else."""
    if vector.any() and abs(vector.sum() - 1) >= SUMS_TO_ONE:
        return tuple(vector.tolist())
    return {name: float(weight) for name, weight in zip(expressions, vector, strict=True) if weight > 0}


def _drawn(region: AreaSpec) -> Any:
    return region if isinstance(region, str | None) else np.asarray(region).tolist()


def _is_list_of_specs(expression: Any) -> bool:
    if expression is None or isinstance(expression, str | Mapping):
        return False
    return any(not isinstance(weight, int | float | np.number) for weight in expression)


def _one_for_each(settings: Any, count: int, what: str) -> list[Any]:
    if len(settings) != count:
        raise ConfigurationError(f"{len(settings)} {what} were given for {count} faces: give one, or one for each.")
    return list(settings)


def _is_list(setting: Any) -> TypeGuard[list | tuple]:
    return isinstance(setting, list | tuple)


def _is_empty(spec: Any) -> bool:
    return isinstance(spec, Mapping) and not spec


def _loaded(preset: str | Preset, presets: PresetFile | None) -> Preset:
    return preset if isinstance(preset, Preset) else load_preset(preset, presets)


def _times(intensity: Intensities, factor: float) -> Intensities:
    return [strength * factor for strength in intensity] if isinstance(intensity, Sequence) else intensity * factor
