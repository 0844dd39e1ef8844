"""One picture of a visitor: what was computed for it, so that a touch only pays for what it changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import NoFaceError
from ..faces.detection import Face
from ..images import EditedImage, LoadedImage, load_image
from ..inference import GeneratorOutput
from .change import FaceWarp
from .pipeline_sargan import SARGANPipeline
from .requests import Box, StraightenedFaces

# A visitor who drags the blend pad about asks for a new blend each time; the oldest ones are forgotten.
KEPT_BLENDS = 16
KEPT_CHANGES = 80  # more than seven expressions of eight faces
KEPT_FACES = 16

Key = int | Box  # of a face: its index among those found, or the box that was drawn around it


@dataclass
class Sitting:
    """A picture on the page. Nothing here depends on what the visitor wants of it: that is in each `Wish`.

    Attributes:
        picture: the picture as it was opened.
        source: path of the upload, which gradio derives from its content, or name of the example.
        faces: faces that can be chosen, the largest first; empty when none was found.
        found: how many faces were found, those included that cannot be chosen.
        drawn: faces in boxes drawn by hand.
        last_chosen: faces that the last answer edited.
        last_boxes: boxes by hand that the last answer had.
        last_blend: expressions that the last answer wore.
        befores: files of what the page showed of the picture itself, by the box that was cut out.
        thumbnails: files of a face in every expression, by face and region.
    """

    picture: LoadedImage
    source: str
    faces: list[Face]
    found: int = 0
    last_chosen: tuple[str, ...] = ()
    last_boxes: tuple[Box, ...] = ()
    last_blend: Mapping[str, float] = field(default_factory=dict)
    drawn: dict[Box, Face] = field(default_factory=dict, repr=False)
    befores: dict[tuple[int, int, int, int], str] = field(default_factory=dict, repr=False)
    thumbnails: dict[tuple, list[str]] = field(default_factory=dict, repr=False)
    straightened: dict[Key, StraightenedFaces] = field(default_factory=dict, repr=False)
    edits: dict[Key, GeneratorOutput] = field(default_factory=dict, repr=False)
    blends: dict[tuple, GeneratorOutput] = field(default_factory=dict, repr=False)
    changes: dict[tuple, FaceWarp] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """Name of the picture without its suffix, for the files made of it."""
        return Path(self.picture.name).stem[:60] or "picture"

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

    def face(self, key: Key) -> Face:
        """The face of a key."""
        return self.faces[key] if isinstance(key, int) else self.drawn[key]


def open_sitting(pipeline: SARGANPipeline, path: str, max_pixels: int, max_faces: int) -> Sitting:
    """Opens an uploaded picture and finds its faces; a picture without one is kept, for a box drawn by hand.

    Raises:
        ImageError: the file is not a picture that can be edited.
    """
    picture = load_image(path, max_pixels=max_pixels)
    try:
        faces = pipeline.find_faces(picture, "all")
    except NoFaceError:
        faces = []
    return Sitting(picture, path, faces[:max_faces], len(faces))


def align(pipeline: SARGANPipeline, sitting: Sitting, key: Key) -> StraightenedFaces:
    """One face of the picture, cut out; kept."""

    def make() -> StraightenedFaces:
        return pipeline.align(sitting.picture, [sitting.face(key)])

    return kept(sitting.straightened, key, make, KEPT_FACES)


def edit_all(pipeline: SARGANPipeline, sitting: Sitting, key: Key) -> GeneratorOutput:
    """The generator's answer to every expression for one face, in the model's order; kept."""

    def make() -> GeneratorOutput:
        conditions = np.eye(len(pipeline.generator.expressions), dtype=np.float32)
        straight = align(pipeline, sitting, key)
        repeated = replace(straight, crops=np.repeat(straight.crops, len(conditions), axis=0))
        return pipeline.generate(repeated, conditions)

    return kept(sitting.edits, key, make, KEPT_FACES)


def edit_for(pipeline: SARGANPipeline, sitting: Sitting, key: Key, blend: Mapping[str, float]) -> GeneratorOutput:
    """The generator's answer to a blend of expressions for one face; the newest are kept."""
    [vector] = pipeline.conditions(dict(blend), 1)
    if vector.max() == 1:
        return edit_all(pipeline, sitting, key).one(int(vector.argmax()))
    straight = align(pipeline, sitting, key)
    name = (key, *sorted(blend.items()))
    return kept(sitting.blends, name, lambda: pipeline.generate(straight, vector[None]), KEPT_BLENDS)


def change_for(
    pipeline: SARGANPipeline, sitting: Sitting, key: Key, blend: Mapping[str, float], region: str | None = None
) -> FaceWarp:
    """The change at intensity 1 that a blend of expressions makes to one face; the newest are kept."""

    def make() -> FaceWarp:
        edit = edit_for(pipeline, sitting, key, blend)
        [change] = pipeline.plan(align(pipeline, sitting, key), edit, region=region)
        return change

    return kept(sitting.changes, (key, region, *sorted(blend.items())), make, KEPT_CHANGES)


def edited(
    pipeline: SARGANPipeline,
    sitting: Sitting,
    keys: Sequence[Key],
    blend: Mapping[str, float],
    intensity: float,
    region: str | None = None,
) -> EditedImage:
    """The picture with the faces of `keys` edited, at full resolution: what the pipeline makes of it, to the last bit."""
    straights = [align(pipeline, sitting, key) for key in keys]
    joined = StraightenedFaces(
        sitting.picture,
        [face for straight in straights for face in straight.faces],
        [transform for straight in straights for transform in straight.transforms],
        np.concatenate([straight.crops for straight in straights]),
    )
    changes = [change_for(pipeline, sitting, key, blend, region) for key in keys]
    return pipeline.draw(joined, changes, intensity)[0]


class KnownFaces(SARGANPipeline):
    """A pipeline that is told where the faces of one picture are, found or drawn, and looks for none."""

    def __init__(self, pipeline: SARGANPipeline, sitting: Sitting, keys: Sequence[Key]):
        self.__dict__.update(pipeline.__dict__)
        self.known, self.size = [sitting.face(key) for key in keys], sitting.picture.size

    def find_faces(self, picture: LoadedImage, *_: object, **__: object) -> list[Face]:
        """The known faces in the pixels of `picture`, which is the sitting's at this or another size."""
        across, down = (new / old for new, old in zip(picture.size, self.size, strict=True))
        scale = np.array([across, down, across, down])
        return [
            replace(face, box=tuple(scale * face.box), points=(face.points * scale[:2]).astype(np.float32))
            for face in self.known
        ]


def kept(cache: dict, key: object, make: Callable[[], object], most: int):
    """The cache's value, made when it is not there; two events of one visitor may come here at once."""
    value = cache.get(key)
    if value is None:
        value = cache[key] = make()
        while len(cache) > most:
            cache.pop(next(iter(cache)), None)
    return value
