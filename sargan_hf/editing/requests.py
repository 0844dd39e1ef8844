"""What an edit is asked for and what comes of it: arguments, their checks, and results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..errors import ConfigurationError
from ..expressions import ExpressionSpec
from ..faces.choice import FaceChoice
from ..faces.detection import Face
from ..images import EditedImage, LoadedImage
from ..inference import GeneratorOutput
from .change import MODES, FaceWarp

Box = tuple[float, float, float, float]
MAX_INTENSITY = 1.5


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
    attention: np.ndarray | None
    residual: np.ndarray
    motion: np.ndarray | None
    region: tuple[int, int, int, int]


@dataclass(frozen=True)
class SARGANPipelineOutput:
    """Edited pictures, in the order given, with one `FaceEdit` for each edited face of each picture.

    `notes` has sentences about what had to change when a picture was opened, such as "only the first frame is used".
    """

    images: list[EditedImage]
    faces: list[FaceEdit]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class StraightenedFaces:
    """A picture with the chosen faces cut out as the generator wants them: crops uint8 [N, S, S, 3]."""

    picture: LoadedImage
    faces: list[Face]
    transforms: list[np.ndarray]
    crops: np.ndarray


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


def _is_list_of_specs(expression: object) -> bool:
    if isinstance(expression, str | Mapping):
        return False
    return any(not isinstance(weight, int | float | np.number) for weight in expression)


class Editor(Protocol):
    """The steps of an edit, as `SARGANPipeline` has them; what films are made with."""

    def find_faces(
        self, picture: LoadedImage, faces: FaceChoice = ..., *, box: Box | None = ..., points: np.ndarray | None = ...
    ) -> list[Face]: ...

    def align(self, picture: LoadedImage, faces: Sequence[Face]) -> StraightenedFaces: ...

    def conditions(self, expression: ExpressionSpec | Sequence[ExpressionSpec], count: int) -> np.ndarray: ...

    def generate(self, straight: StraightenedFaces, conditions: np.ndarray) -> GeneratorOutput: ...

    def plan(
        self,
        straight: StraightenedFaces,
        edit: GeneratorOutput,
        transfer: str = ...,
        region: str | np.ndarray | None = ...,
    ) -> list[FaceWarp]: ...

    def compose(
        self, straight: StraightenedFaces, changes: Sequence[FaceWarp]
    ) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]: ...
