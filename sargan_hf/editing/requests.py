"""Requests for edits and their results: arguments and checks."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, cast

import numpy as np

from ..controls import ControlSpec, controls_vector
from ..errors import ConfigurationError, ControlError
from ..expressions import MAX_INTENSITY, ExpressionSpec, expression_vector
from ..images import EditedImage
from ..images.warp import NormalizedFlow
from ..presets import Preset, load_preset
from .change import MODES

Expressions = ExpressionSpec | Sequence[ExpressionSpec]
Controls = ControlSpec | Sequence[ControlSpec]
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
    """

    images: list[EditedImage]
    faces: list[FaceEdit]
    notes: list[str] = field(default_factory=list)


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
    intensity: float


def combined(
    expression: Expressions | None, controls: Controls | None, preset: str | Preset | None, intensity: float
) -> Wish:
    """What the arguments of a call mean together.

    Raises:
        PresetError: an unknown preset.
        ConfigurationError: a preset beside an expression or controls, or an intensity out of range.
    """
    check_settings(intensity, "motion")
    if preset is None:
        nothing = expression is None and controls is None
        return Wish(expression="happy" if nothing else expression, controls=controls, intensity=intensity)
    if expression is not None or controls is not None:
        raise ConfigurationError("A preset stands for an expression and controls: give it, or these.")
    named = preset if isinstance(preset, Preset) else load_preset(preset)
    return Wish(
        expression=named.expression or None, controls=named.controls or None, intensity=intensity * named.intensity
    )


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
    if controls is None:
        return [np.zeros(len(names), np.float32)] * count
    if not names:
        raise ControlError(
            "This model has no facial controls, only expressions: leave controls out, or load a model that was trained with "
            "--controls."
        )
    if isinstance(controls, Mapping) or not any(isinstance(one, Mapping | Sequence | np.ndarray) for one in controls):
        return [controls_vector(cast("ControlSpec", controls), names)] * count
    if len(controls) != count:
        raise ConfigurationError(
            f"{len(controls)} settings of controls were given for {count} faces: give one, or one for each."
        )
    return [controls_vector(cast("ControlSpec", spec), names) for spec in controls]


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
    if expression is None:
        return [np.zeros(len(expressions), np.float32)] * count
    if not _is_list_of_specs(expression):
        return [expression_vector(cast("ExpressionSpec", expression), expressions)] * count
    specs = cast("Sequence[ExpressionSpec]", expression)
    if len(specs) != count:
        raise ConfigurationError(f"{len(specs)} expressions were given for {count} faces: give one, or one for each.")
    return [expression_vector(spec, expressions) for spec in specs]


def _is_list_of_specs(expression: Any) -> bool:
    if isinstance(expression, str | Mapping):
        return False
    return any(not isinstance(weight, int | float | np.number) for weight in expression)
