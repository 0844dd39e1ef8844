"""One visitor with one picture: what was computed for it, so that a slider only pays for what it changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from PIL import Image

from ..errors import NoFaceError
from ..faces.detection import Face
from ..faces.transfer import Change, apply_change
from ..generators import GeneratorEdit
from ..pictures import EditedImage, Picture, open_picture
from ..pipeline_sargan import SARGANPipeline, StraightenedFaces

THUMBNAIL = 176  # pixels
# A visitor who drags the blend pad about asks for a new blend each time; the oldest ones are forgotten.
KEPT_BLENDS = 16
KEPT_CHANGES = 80  # more than seven expressions of eight faces


@dataclass
class Sitting:
    """A picture on the page.

    Attributes:
        picture: the picture as it was opened.
        source: path of the upload, which gradio derives from its content.
        faces: all faces found, the largest first; one when a box was given; empty when none was found.
        chosen: indices of the faces to edit.
        first_corner: the first of the two clicks that draw a box by hand.
        befores: files of what the page showed of the picture itself, by the box that was cut out.
    """

    picture: Picture
    source: str
    faces: list[Face]
    chosen: tuple[int, ...] = (0,)
    first_corner: tuple[int, int] | None = None
    befores: dict[tuple[int, int, int, int], str] = field(default_factory=dict, repr=False)
    straightened: dict[int, StraightenedFaces] = field(default_factory=dict, repr=False)
    edits: dict[int, GeneratorEdit] = field(default_factory=dict, repr=False)
    blends: dict[tuple, GeneratorEdit] = field(default_factory=dict, repr=False)
    changes: dict[tuple, Change] = field(default_factory=dict, repr=False)

    @property
    def nbytes(self) -> int:
        """Memory that the picture and what was computed for it take up."""
        # Copies of the values, since another event of the same visitor may add to them meanwhile.
        parts = [self.picture.pixels, *(straight.crops for straight in list(self.straightened.values()))]
        for edit in [*self.edits.values(), *self.blends.values()]:
            parts += edit
        for change in list(self.changes.values()):
            parts += [change.motion, change.residual, change.crop, change.weight]
        return sum(part.nbytes for part in parts if part is not None)


def open_sitting(pipeline: SARGANPipeline, path: str, max_pixels: int, max_faces: int) -> Sitting:
    """Opens an uploaded picture and finds its faces; a picture without one is kept, for a box drawn by hand.

    Raises:
        PictureError: the file is not a picture that can be edited.
    """
    picture = open_picture(path, max_pixels=max_pixels)
    try:
        faces = pipeline.find_faces(picture, "all")[:max_faces]
    except NoFaceError:
        faces = []
    return Sitting(picture, path, faces)


def straighten(pipeline: SARGANPipeline, sitting: Sitting, face: int) -> StraightenedFaces:
    """One face of the picture, cut out; kept."""
    if face not in sitting.straightened:
        sitting.straightened[face] = pipeline.straighten(sitting.picture, [sitting.faces[face]])
    return sitting.straightened[face]


def edit_all(pipeline: SARGANPipeline, sitting: Sitting, face: int) -> GeneratorEdit:
    """The generator's answer to every expression for one face, in the model's order; kept."""
    if face not in sitting.edits:
        straight = straighten(pipeline, sitting, face)
        conditions = np.eye(len(pipeline.generator.expressions), dtype=np.float32)
        sitting.edits[face] = pipeline.generate(_repeated(straight, len(conditions)), conditions)
    return sitting.edits[face]


def edit_for(pipeline: SARGANPipeline, sitting: Sitting, face: int, blend: Mapping[str, float]) -> GeneratorEdit:
    """The generator's answer to a blend of expressions for one face; the newest are kept."""
    [vector] = pipeline.conditions(dict(blend), 1)
    if vector.max() == 1:
        return edit_all(pipeline, sitting, face).one(int(vector.argmax()))
    straight = straighten(pipeline, sitting, face)
    return _kept(sitting.blends, _key(face, blend), lambda: pipeline.generate(straight, vector[None]), KEPT_BLENDS)


def change_for(pipeline: SARGANPipeline, sitting: Sitting, face: int, blend: Mapping[str, float]) -> Change:
    """The change at intensity 1 that a blend of expressions makes to one face; the newest are kept."""

    def make() -> Change:
        [change] = pipeline.plan(straighten(pipeline, sitting, face), edit_for(pipeline, sitting, face, blend))
        return change

    return _kept(sitting.changes, _key(face, blend), make, KEPT_CHANGES)


def previews(pipeline: SARGANPipeline, sitting: Sitting) -> list[Image.Image]:
    """The first chosen face in every expression of the model, straightened, `THUMBNAIL` pixels square."""
    face = sitting.faces[sitting.chosen[0]]
    # The thumbnails are cut from a picture made small enough that an edit of it costs next to nothing.
    height, width = sitting.picture.pixels.shape[:2]
    scale = min(1.0, THUMBNAIL * 1.2 / max(face.box[2] - face.box[0], 1.0))
    small_size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small_pixels = cv2.resize(sitting.picture.rgb8(), small_size, interpolation=cv2.INTER_AREA)
    small_face = replace(face, box=tuple(scale * side for side in face.box), points=face.points * np.float32(scale))
    small = open_picture(small_pixels)
    straight = pipeline.straighten(small, [small_face])
    left, top, right, bottom = _square_around(small_face, small_pixels.shape)
    pictures = []
    for name in pipeline.generator.expressions:
        change = change_for(pipeline, sitting, sitting.chosen[0], {name: 1.0})
        pixels = small.pixels.copy()
        apply_change(pixels, straight.transforms[0], straight.crops.shape[1], change)
        pictures.append(Image.fromarray(pixels[top:bottom, left:right, :3]).resize((THUMBNAIL, THUMBNAIL)))
    return pictures


def edited(
    pipeline: SARGANPipeline, sitting: Sitting, blend: Mapping[str, float], intensity: float
) -> tuple[EditedImage, list[tuple[int, int, int, int]]]:
    """The picture with all chosen faces edited, at full resolution; also the rectangles that may have changed."""
    straights = [straighten(pipeline, sitting, face) for face in sitting.chosen]
    joined = StraightenedFaces(
        sitting.picture,
        [face for straight in straights for face in straight.faces],
        [transform for straight in straights for transform in straight.transforms],
        np.concatenate([straight.crops for straight in straights]),
    )
    changes = [change_for(pipeline, sitting, face, blend).scaled(intensity) for face in sitting.chosen]
    pixels, regions = pipeline.compose(joined, changes)
    total = sum(blend.values())
    wanted = " and ".join(f"{name} {weight / total:.0%}" for name, weight in blend.items() if weight > 0)
    note = f"Facial expression edited with SARGAN: {wanted} at intensity {intensity:g}."
    return EditedImage.from_image(sitting.picture.to_image(pixels), note), regions


def window(sitting: Sitting) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in pixels of a close-up that has all chosen faces and their hair in it."""
    boxes = np.array([sitting.faces[face].box for face in sitting.chosen])
    left, top, right, bottom = (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))
    room = 0.45 * (boxes[:, 3] - boxes[:, 1]).max()
    width, height = sitting.picture.size
    return (
        max(0, int(left - room)),
        max(0, int(top - room)),
        min(width, round(right + room)),
        min(height, round(bottom + room)),
    )


def choose_at(sitting: Sitting, x: int, y: int) -> tuple[int, ...]:
    """The choice of faces after a click: the face under it is added or taken away, at least one stays."""
    under = [i for i, face in enumerate(sitting.faces) if _inside(face.box, x, y)]
    if not under:
        return sitting.chosen
    chosen = set(sitting.chosen) ^ {under[-1]}
    return tuple(sorted(chosen)) or sitting.chosen


def with_box(pipeline: SARGANPipeline, sitting: Sitting, corners: Sequence[tuple[int, int]]) -> Sitting:
    """The sitting with one face given by two opposite corners of a box, in pixels.

    Raises:
        ConfigurationError, NoFaceError: the box is too small or outside of the picture.
    """
    (x0, y0), (x1, y1) = corners
    box = (float(min(x0, x1)), float(min(y0, y1)), float(max(x0, x1)), float(max(y0, y1)))
    return Sitting(sitting.picture, sitting.source, pipeline.find_faces(sitting.picture, box=box))


def numbered(sitting: Sitting, longest: int = 900) -> Image.Image:
    """The picture with its faces boxed and numbered, chosen ones in colour, and the first corner of a box begun."""
    picture = sitting.picture.rgb8()
    scale = min(1.0, longest / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    drawn = np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    for index, face in enumerate(sitting.faces):
        colour = (124, 92, 255) if index in sitting.chosen else (150, 150, 150)
        left, top, right, bottom = (round(scale * side) for side in face.box)
        cv2.rectangle(drawn, (left, top), (right, bottom), (255, 255, 255), 5, cv2.LINE_AA)
        cv2.rectangle(drawn, (left, top), (right, bottom), colour, 3, cv2.LINE_AA)
        cv2.circle(drawn, (left, top), 17, colour, -1, cv2.LINE_AA)
        cv2.putText(
            drawn, str(index + 1), (left - 8, top + 8), cv2.FONT_HERSHEY_SIMPLEX, 0.75, (255,) * 3, 2, cv2.LINE_AA
        )
    if sitting.first_corner is not None:
        corner = tuple(round(scale * value) for value in sitting.first_corner)
        cv2.drawMarker(drawn, corner, (255, 255, 255), cv2.MARKER_CROSS, 34, 7)
        cv2.drawMarker(drawn, corner, (124, 92, 255), cv2.MARKER_CROSS, 30, 3)
    return Image.fromarray(drawn)


def numbered_scale(sitting: Sitting, longest: int = 900) -> float:
    """Pixels of the picture for one pixel of `numbered`."""
    return max(1.0, max(sitting.picture.pixels.shape[:2]) / longest)


def _key(face: int, blend: Mapping[str, float]) -> tuple:
    return (face, *sorted((name, weight) for name, weight in blend.items() if weight > 0))


def _kept(cache: dict, key: tuple, make: Callable, most: int):
    """The cache's value, made when it is not there; two events of one visitor may come here at once."""
    value = cache.get(key)
    if value is None:
        value = cache[key] = make()
        while len(cache) > most:
            cache.pop(next(iter(cache)), None)
    return value


def _repeated(straight: StraightenedFaces, count: int) -> StraightenedFaces:
    return replace(straight, crops=np.repeat(straight.crops, count, axis=0))


def _inside(box: tuple[float, ...], x: float, y: float) -> bool:
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _square_around(face: Face, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    left, top, right, bottom = face.box
    side = min(1.25 * max(right - left, bottom - top), shape[0], shape[1])
    x = np.clip((left + right - side) / 2, 0, shape[1] - side)
    y = np.clip((top + bottom - side) / 2, 0, shape[0] - side)
    return round(x), round(y), round(x + side), round(y + side)
