"""Moves a face from the picture as it is to an expression, or along several, as a looping GIF, WebP or MP4."""

import math
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from .errors import ConfigurationError, PictureError
from .expressions import ExpressionSpec
from .faces.transfer import Change
from .pictures import Picture, open_picture
from .pictures.provenance import xmp_packet

if TYPE_CHECKING:
    from .pipeline_sargan import SARGANPipeline, StraightenedFaces

MAX_FRAMES = 600
DESCRIPTION = "Facial expression animated with SARGAN."


@dataclass(frozen=True)
class Animation:
    """Frames of one size, all RGB, that loop without a jump. Nothing but the edited faces differs between them."""

    frames: list[Image.Image]
    fps: float

    def save(self, path: str | os.PathLike) -> Path:
        """Saves as .gif, .webp or .mp4 (H.264, through PyAV), whole or not at all, with a note that a model made it.

        Raises:
            PictureError: another suffix, or a file that cannot be written.
            ConfigurationError: .mp4 without PyAV.
        """
        path = Path(path)
        writers = {".gif": _write_gif, ".webp": _write_webp, ".mp4": _write_mp4}
        if path.suffix.lower() not in writers:
            raise PictureError(f"Cannot save an animation as {path.name}: use .gif, .webp or .mp4.")
        draft = path.parent / f".{uuid.uuid4().hex}{path.suffix}"
        try:
            writers[path.suffix.lower()](self, draft)
            os.replace(draft, path)
        except OSError as error:
            raise PictureError(f"Cannot save {path}: {error.strerror or error}.") from error
        finally:
            draft.unlink(missing_ok=True)
        return path


def animate(
    pipe: "SARGANPipeline",
    image: object,
    expression: ExpressionSpec | Sequence[ExpressionSpec] = "happy",
    *,
    intensity: float = 1.0,
    seconds: float = 1.2,
    fps: float = 20.0,
    max_side: int = 960,
    faces: str | int | Sequence[int] = "largest",
    box: tuple[float, float, float, float] | None = None,
    points: np.ndarray | None = None,
    region: str | np.ndarray | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Animation:
    """From the picture as it is through every expression of a list, and back to the picture.

    Args:
        pipe: the pipeline.
        image: see `open_picture`.
        expression: one expression or a list of them; every chosen face makes the same journey.
        intensity: of every expression, 0 to 1.5.
        seconds: of each stage of the journey; n expressions have n + 1 stages.
        fps: frames per second. GIF rounds it to hundredths of a second per frame.
        max_side: larger pictures are shrunk first, an animation of twelve megapixels helps nobody.
        faces, box, points, region: as in `SARGANPipeline.__call__`.
        progress: called after each frame with how many are drawn and how many there will be.

    Raises:
        ConfigurationError: settings out of range, or more than 600 frames.
    """
    from .pipeline_sargan import check_settings

    check_settings(intensity, "motion")
    stops = _stops(expression)
    steps = _steps(seconds, fps, len(stops) + 1, max_side)
    opened = open_picture(image)
    picture = _shrunk(opened, max_side)
    box, points = _shrunk_marks(box, points, np.array(picture.size) / opened.size)
    straight = pipe.straighten(picture, pipe.find_faces(picture, faces, box=box, points=points))
    stations = []  # for each stop the change of every face
    for stop in stops:
        edit = pipe.generate(straight, pipe.conditions(stop, len(straight.faces)))
        stations.append([change.scaled(intensity) for change in pipe.plan(straight, edit, "motion", region)])
    still = [change.scaled(0.0) for change in stations[0]]
    return Animation(_frames(pipe, straight, [still, *stations, still], steps, progress), fps)


def _frames(
    pipe: "SARGANPipeline",
    straight: "StraightenedFaces",
    stations: list[list[Change]],
    steps: int,
    progress: Callable[[int, int], None] | None,
) -> list[Image.Image]:
    frames = []
    for start, end in pairwise(stations):
        for step in range(steps):
            share = (1 - math.cos(math.pi * step / steps)) / 2  # faces start and stop softly
            changes = [a.mixed(b, share) for a, b in zip(start, end, strict=True)]
            frames.append(Image.fromarray(pipe.compose(straight, changes)[0]))
            if progress is not None:
                progress(len(frames), steps * (len(stations) - 1))
    return frames


def _stops(expression: ExpressionSpec | Sequence[ExpressionSpec]) -> list[ExpressionSpec]:
    if isinstance(expression, str | Mapping) or all(isinstance(part, int | float | np.number) for part in expression):
        return [expression]
    return list(expression)


def _steps(seconds: float, fps: float, stages: int, max_side: int) -> int:
    if not 0 < seconds <= 60 or not 1 <= fps <= 60 or max_side < 64:
        raise ConfigurationError(
            f"An animation needs 0 < seconds <= 60, 1 <= fps <= 60 and max_side >= 64; "
            f"got seconds={seconds}, fps={fps}, max_side={max_side}."
        )
    steps = max(2, round(seconds * fps))
    if steps * stages > MAX_FRAMES:
        raise ConfigurationError(
            f"{steps * stages} frames are more than the {MAX_FRAMES} allowed: lower seconds, fps or the number of expressions."
        )
    return steps


def _shrunk(picture: Picture, max_side: int) -> Picture:
    """The picture as 8-bit RGB, no longer than `max_side`."""
    pixels = picture.rgb8()
    scale = max_side / max(picture.size)
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in picture.size)
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return Picture(pixels, "RGB", picture.name)


def _shrunk_marks(box, points, scale: np.ndarray):
    """A box and points given in the pixels of the whole picture, in those of the shrunk one."""
    if box is not None and np.shape(box) == (4,):
        box = tuple((np.reshape(box, (2, 2)) * scale).ravel().tolist())
    if points is not None and np.shape(points) == (5, 2):
        points = np.asarray(points) * scale
    return box, points  # anything of another shape is refused where faces are looked for


def _write_gif(animation: Animation, path: Path) -> None:
    # One palette for all frames and no dithering: dithering flickers, and a palette for each frame makes the wall shimmer.
    sample = animation.frames[:: max(1, len(animation.frames) // 4)]
    sheet = Image.fromarray(np.concatenate([np.asarray(frame) for frame in sample]))
    palette = sheet.quantize(256, method=Image.Quantize.MEDIANCUT)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in animation.frames]
    duration = max(20, round(100 / animation.fps) * 10)
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=duration, loop=0, comment=DESCRIPTION, optimize=False
    )


def _write_webp(animation: Animation, path: Path) -> None:
    duration = round(1000 / animation.fps)
    first, *rest = animation.frames
    packet = xmp_packet(DESCRIPTION)
    first.save(path, save_all=True, append_images=rest, duration=duration, loop=0, quality=85, method=2, xmp=packet)


def _write_mp4(animation: Animation, path: Path) -> None:
    try:
        import av
    except ImportError as error:
        raise ConfigurationError("An .mp4 needs PyAV: pip install 'sargan_hf[video]', or save as .webp.") from error
    width, height = (side // 2 * 2 for side in animation.frames[0].size)  # players want even sides (4:2:0 chroma)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = DESCRIPTION
        stream = container.add_stream("libx264", rate=Fraction(animation.fps).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "18"}
        for frame in animation.frames:
            container.mux(stream.encode(av.VideoFrame.from_image(frame.crop((0, 0, width, height)))))
        container.mux(stream.encode())
