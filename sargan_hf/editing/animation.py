"""Moves a face from the picture as it is to an expression, or along several, as a looping GIF, WebP or MP4."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import numpy as np
from PIL import Image

from ..controls import ControlSpec
from ..errors import ConfigurationError, ExpressionError, ImageError
from ..expressions import ExpressionSpec
from ..faces.choice import FaceChoice
from ..faces.detection import Face
from ..images import MIN_SIDE, EditedImage, LoadedImage, load_image
from ..images.animated_files import WRITERS
from ..images.color_modes import is_transparent
from ..images.framing import shrink, shrink_marks
from ..images.load_image import ImageSource
from ..images.whole_files import write_whole
from ..inference.protocol import controls_of
from ..presets import PresetFile
from .requests import Box, Controls, FaceRequest, Presets, Wish, check_settings, combined, face_requests
from .session import EditModels, EditSession

Stops = ExpressionSpec | Sequence[ExpressionSpec]

MAX_FRAMES = 600
MAX_PIXELS_DRAWN = 1 << 30  # of all frames together, 3 GiB of RGB
LEAST_MAX_SIDE = 64
DESCRIPTION = "Facial expression animated with SARGAN."


class Moment(NamedTuple):
    """What the still of a frame is made with: `pipe(frames[0], list(expression), intensity=intensity, ...)`.

    Attributes:
        expression: float32 [faces, n], the condition of each face, in the model's order of expressions; all zeros where
            controls alone move it, and the still has `expression=None`.
        intensity: 0 is the picture as it is.
        controls: float32 [faces, k], the second condition, in the model's order of controls; k is 0 for a model without.
    """

    expression: np.ndarray
    intensity: float
    controls: np.ndarray


@dataclass(frozen=True)
class Animation:
    """Frames of one size that loop without a jump. Nothing but the edited faces differs between them.

    Attributes:
        frames: each the very still that the pipeline makes of the first one, in the picture's own mode and with its ICC
            profile; what comes several times, as on the way back, is the same image.
        fps: frames per second.
        notes: sentences about what had to change, as of a still.
        moments: expression and intensity of each frame.
    """

    frames: Sequence[Image.Image]
    fps: float
    notes: list[str] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)

    def save(self, path: str | os.PathLike) -> Path:
        """Saves as .gif, .webp or .mp4 (H.264, through PyAV), whole or not at all, with a note that a model made it.

        WebP keeps the ICC profile and transparency, GIF is sRGB and keeps full transparency, MP4 is sRGB and shows
        transparent parts on mid grey.

        Raises:
            ImageError: another suffix, frames larger than the format allows, or a file that cannot be written.
            ConfigurationError: .mp4 without PyAV.
        """
        path = Path(path)
        writer = WRITERS.get(path.suffix.lower())
        if writer is None:
            raise ImageError(f"Cannot save an animation as {path.name}: use .gif, .webp or .mp4.")
        return write_whole(path, writer(self.frames, self.fps, DESCRIPTION, path.name))


class HasModels(Protocol):
    """What a film is made with: a `SARGANPipeline`."""

    @property
    def models(self) -> EditModels: ...


def animate(
    pipe: HasModels,
    image: ImageSource,
    expression: Stops | None = None,
    *,
    controls: Controls | None = None,
    preset: Presets | None = None,
    presets: PresetFile | None = None,
    intensity: float = 1.0,
    seconds: float = 1.2,
    fps: float = 20.0,
    max_side: int = 960,
    faces: FaceChoice = "largest",
    box: Box | None = None,
    points: np.ndarray | None = None,
    region: str | np.ndarray | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Animation:
    """From the picture as it is through every expression of a list, and back to the picture.

    The way from the picture to an expression runs over intensities, the way between two expressions over their blends.

    Args:
        pipe: the pipeline.
        image: see `load_image`.
        expression: one expression or a list of them; every chosen face makes the same journey. "happy" by default.
        controls: values of facial controls on top, or alone; one for every stage, or a list with one for each.
        preset: one or a list of them, instead of both; `presets`: your own, as in `SARGANPipeline.__call__`.
        intensity: of every expression, 0 to 1.5.
        seconds: of each stage of the journey, up to 60; n expressions have n + 1 stages.
        fps: frames per second, 1 to 60; a GIF shows at most 50.
        max_side: larger pictures are shrunk first, an animation of twelve megapixels helps nobody; at least 64 pixels.
        faces, box, points, region: as in `SARGANPipeline.__call__`.
        progress: called after each frame with how many are drawn and how many there will be.

    Raises:
        ConfigurationError: settings out of range, more than 600 frames, or more pixels than memory holds.
        ImageError, NoFaceError, ExpressionError: as in `SARGANPipeline.__call__`.
    """
    stops = _stops(expression, controls, preset, presets, intensity)
    course = _course(stops, seconds, fps, max_side)
    opened = load_image(image)
    picture = shrink(opened, max_side)
    _check_pixels(picture, course.frames)
    box, points = shrink_marks(box, points, np.array(picture.size) / opened.size)
    found = EditSession(picture, pipe.models).find_faces(faces, box=box, points=points)
    return _film(picture, pipe.models, found, course, region, progress)


def animate_faces(
    session: EditSession,
    faces: Sequence[Face],
    expression: Stops | None = None,
    *,
    controls: Controls | None = None,
    preset: Presets | None = None,
    presets: PresetFile | None = None,
    intensity: float = 1.0,
    seconds: float = 1.2,
    fps: float = 20.0,
    max_side: int = 960,
    region: str | np.ndarray | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Animation:
    """As `animate`, for faces of an open image that are known.

    Args:
        session: of the image; what it keeps stays as it is.
        faces: where they are in the image.
        expression, controls, preset, presets, intensity, seconds, fps, max_side, region, progress: as for `animate`.

    Raises:
        ConfigurationError, ImageError, ExpressionError: as in `animate`.
    """
    stops = _stops(expression, controls, preset, presets, intensity)
    course = _course(stops, seconds, fps, max_side)
    picture = shrink(session.image, max_side)
    _check_pixels(picture, course.frames)
    across, down = (new / old for new, old in zip(picture.size, session.image.size, strict=True))
    return _film(picture, session.models, [face.scaled(across, down) for face in faces], course, region, progress)


class _Course(NamedTuple):
    """What a film shows and how fast.

    Attributes:
        stops: what is asked of every face, in order.
        steps: frames from one to the next.
        fps: frames per second.
    """

    stops: list[Wish]
    steps: int
    fps: float

    @property
    def frames(self) -> int:
        """How many there will be."""
        return self.steps * (len(self.stops) + 1)


def _course(stops: list[Wish], seconds: float, fps: float, max_side: int) -> _Course:
    return _Course(stops, _steps(seconds, fps, len(stops) + 1, max_side), float(fps))


def _film(
    picture: LoadedImage,
    models: EditModels,
    faces: Sequence[Face],
    course: _Course,
    region: str | np.ndarray | None,
    progress: Callable[[int, int], None] | None,
) -> Animation:
    # Blends do not come again: one result for each face is enough.
    session = EditSession(picture, models, max_kept=len(faces))
    names = (models.generator.expressions, controls_of(models.generator))
    journey = _journey([_moment(stop, len(faces), *names) for stop in course.stops], course.steps)
    return Animation(_frames(session, faces, journey, region, progress), course.fps, _notes(picture), journey)


def _moment(stop: Wish, count: int, expressions: Sequence[str], controls: Sequence[str]) -> Moment:
    asked = face_requests(stop, count, expressions, controls)
    vectors, parts = [one.expression for one in asked], [one.controls for one in asked]
    return Moment(np.stack(vectors), asked[0].intensity, np.stack(parts))


def _journey(stops: Sequence[Moment], steps: int) -> list[Moment]:
    """What every frame shows; faces start and stop softly, and the way back is the way out."""
    shares = [(1 - math.cos(math.pi * step / steps)) / 2 for step in range(steps + 1)]
    first, last = stops[0], stops[-1]
    out = [first._replace(intensity=share * first.intensity) for share in shares[:-1]]
    between = [_between(start, end, share) for start, end in pairwise(stops) for share in shares[:-1]]
    back = [last._replace(intensity=share * last.intensity) for share in shares[:0:-1]]
    return [*out, *between, *back]


def _between(start: Moment, end: Moment, share: float) -> Moment:
    """What is shown part of the way between two stops."""
    intensity = start.intensity + share * (end.intensity - start.intensity)
    controls = ((1 - share) * start.controls + share * end.controls).astype(np.float32)
    return Moment(_blend(start.expression, end.expression, share), intensity, controls)


def _blend(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """The condition part of the way between two, [faces, n]; as `expression_vector` makes it of names and their weights."""
    mixed = (1 - share) * start + share * end
    # Other vectors than weights are taken as they are, as everywhere.
    are_weights = np.isclose(start.sum(axis=1), 1) & np.isclose(end.sum(axis=1), 1)
    totals = np.where(are_weights, mixed.sum(axis=1), 1)
    return mixed / totals[:, None]


def _frames(
    session: EditSession,
    faces: Sequence[Face],
    journey: Sequence[Moment],
    region: str | np.ndarray | None,
    progress: Callable[[int, int], None] | None,
) -> list[EditedImage]:
    frames: list[EditedImage] = []
    drawn: dict[tuple[bytes, bytes, float], EditedImage] = {}
    for moment in journey:
        key = moment.expression.tobytes(), moment.controls.tobytes(), moment.intensity
        if key not in drawn:
            each = zip(moment.expression, moment.controls, strict=True)
            wanted = [FaceRequest(vector, moment.intensity, region, controls=controls) for vector, controls in each]
            pixels, _ = session.compose(faces, wanted)
            drawn[key] = EditedImage.from_image(session.image.to_image(pixels), DESCRIPTION)
        frames.append(drawn[key])
        if progress is not None:
            progress(len(frames), len(journey))
    return frames


def _stops(
    expression: Stops | None,
    controls: Controls | None,
    preset: Presets | None,
    presets: PresetFile | None,
    intensity: float,
) -> list[Wish]:
    """What is asked of every face at each stop of the journey."""
    check_settings(intensity, "motion")
    if preset is not None or presets is not None:
        named = list(preset) if isinstance(preset, list | tuple) else [preset]
        return [combined(expression, controls, one, intensity, presets) for one in _some(named)]
    several = not isinstance(controls, Mapping | None) and any(
        one is None or isinstance(one, Mapping | Sequence | np.ndarray) for one in controls
    )
    parts = list(cast("Sequence[ControlSpec | None]", controls)) if several else [controls]
    nothing = expression is None and controls is not None
    stops = [None] * len(parts) if nothing else _expressions("happy" if expression is None else expression)
    if not several:
        parts = parts * len(stops)
    if len(parts) != len(stops):
        raise ConfigurationError(
            f"{len(parts)} settings of controls were given for {len(stops)} expressions: give one, or one for each."
        )
    return [
        Wish(expression=stop, controls=one, intensity=intensity) for stop, one in zip(stops, _some(parts), strict=True)
    ]


def _some(stops: list) -> list:
    if not stops:
        raise ConfigurationError("An animation needs at least one expression; got an empty list.")
    return stops


def _expressions(expression: Stops) -> list[ExpressionSpec]:
    if isinstance(expression, str | Mapping):
        return [expression]
    if not isinstance(expression, Sequence | np.ndarray):
        raise ExpressionError(f"An expression is a name, a blend or a vector, or a list of these; got {expression!r}.")
    _some(list(expression))
    is_vector = all(isinstance(part, int | float | np.number) for part in expression)
    return [cast("ExpressionSpec", expression)] if is_vector else list(cast("Sequence[ExpressionSpec]", expression))


def _steps(seconds: float, fps: float, stages: int, max_side: int) -> int:
    numbers = all(_is_number(value) for value in (seconds, fps, max_side))
    if not numbers or not 0 < seconds <= 60 or not 1 <= fps <= 60 or not max_side >= LEAST_MAX_SIDE:
        raise ConfigurationError(
            f"An animation needs 0 < seconds <= 60, 1 <= fps <= 60 and max_side >= {LEAST_MAX_SIDE}; "
            f"got seconds={seconds!r}, fps={fps!r}, max_side={max_side!r}."
        )
    steps = max(2, round(seconds * fps))
    if steps * stages > MAX_FRAMES:
        raise ConfigurationError(
            f"{steps * stages} frames are more than the {MAX_FRAMES} allowed: lower seconds, fps or the number of expressions."
        )
    return steps


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _check_pixels(picture: LoadedImage, frames: int) -> None:
    width, height = picture.size
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"An animation of {picture.name} would have {width} x {height} pixels, and a picture needs {MIN_SIDE} a side: "
            f"raise max_side."
        )
    if width * height * frames > MAX_PIXELS_DRAWN:
        raise ConfigurationError(
            f"{frames} frames of {width} x {height} pixels are more than fit into memory: lower max_side, seconds or fps."
        )


def _notes(picture: LoadedImage) -> list[str]:
    if not is_transparent(picture.to_image()):
        return list(picture.notes)
    return [*picture.notes, f"{picture.name} is transparent: an .mp4 shows it on mid grey, .webp and .gif as it is."]
