"""Sprite packs: the 28 pictures of a character that role-play front ends show, one for each emotion, all cut out alike.

Every emotion is a preset. Most presets need facial controls. For a model without controls a blend of its expressions stands for
them (`REPLACEMENTS`); the pack says which ones.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ..errors import ConfigurationError, ControlError
from ..expressions import MAX_INTENSITY
from ..faces.choice import FaceChoice
from ..faces.detection import Face
from ..images import EditedImage, load_image
from ..images.framing import cut, shrink
from ..images.load_image import ImageSource
from ..images.picture_packs import zip_of
from ..images.whole_files import write_whole
from ..inference.protocol import controls_of
from ..presets import SPRITE_NAMES, Preset, PresetFile, load_preset
from .animation import HasModels
from .requests import FaceRequest, check_settings, combined, face_requests
from .session import EditSession

FORMATS = ("png", "webp")  # both hold transparency
CROPS = ("portrait", "whole")
PORTRAIT = 2.4  # side of the square round a face, in units of the longer side of its box
ABOVE = 0.46  # where the middle of the face is in it, as a share of its height
LEAST_SIDE, MOST_SIDE = 64, 4096
MANIFEST = "sprites.json"


def _blend(intensity: float = 1.0, **expression: float) -> Preset:
    return Preset(expression, {}, intensity)


# What stands for presets that need controls, for a model that knows expressions only. No two are the same.
REPLACEMENTS: Mapping[str, Preset] = MappingProxyType(
    {
        "admiration": _blend(happy=0.5, surprised=0.25, neutral=0.25),
        "amusement": _blend(happy=0.85, neutral=0.15),
        "annoyance": _blend(angry=0.45, neutral=0.55),
        "approval": _blend(happy=0.35, neutral=0.65),
        "caring": _blend(happy=0.4, sad=0.2, neutral=0.4),
        "confusion": _blend(surprised=0.25, disgusted=0.25, neutral=0.5),
        "curiosity": _blend(surprised=0.35, neutral=0.65),
        "desire": _blend(happy=0.25, surprised=0.15, neutral=0.6),
        "disappointment": _blend(sad=0.6, neutral=0.4),
        "disapproval": _blend(angry=0.3, disgusted=0.25, neutral=0.45),
        "embarrassment": _blend(happy=0.3, afraid=0.2, neutral=0.5),
        "excitement": _blend(1.2, happy=0.7, surprised=0.3),
        "gratitude": _blend(happy=0.6, sad=0.1, neutral=0.3),
        "grief": _blend(1.3, sad=1.0),
        "love": _blend(happy=0.7, neutral=0.3),
        "nervousness": _blend(afraid=0.45, neutral=0.55),
        "optimism": _blend(happy=0.55, neutral=0.45),
        "pride": _blend(happy=0.3, angry=0.15, neutral=0.55),
        "realization": _blend(surprised=0.6, neutral=0.4),
        "relief": _blend(happy=0.45, surprised=0.1, neutral=0.45),
        "remorse": _blend(sad=0.8, disgusted=0.1, neutral=0.1),
    }
)


@dataclass(frozen=True)
class SpritePack:
    """The pictures of a character.

    Attributes:
        images: by the name of their emotion, all of one size, in the mode of the picture they were made of.
        presets: what each shows.
        replaced: names whose preset needs controls that the model does not have, and that are a blend instead.
        notes: sentences about what had to change when the picture was opened.
    """

    images: Mapping[str, EditedImage]
    presets: Mapping[str, Preset]
    replaced: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def to_zip(self, format: str = "png") -> bytes:
        """A ZIP file with `joy.png` and the like, and `sprites.json`, which says what each shows.

        Raises:
            ConfigurationError: another format than png and webp.
            ImageError: pixels that the format cannot hold.
        """
        if format not in FORMATS:
            raise ConfigurationError(f"format={format!r} is not known: a sprite pack holds {' or '.join(FORMATS)}.")
        shown = {name: preset.to_json() | {"replaced": name in self.replaced} for name, preset in self.presets.items()}
        return zip_of(self.images, format, {MANIFEST: json.dumps(shown, indent=2) + "\n"})

    def save(self, path: str | os.PathLike, format: str = "png") -> Path:
        """Writes the file of `to_zip`, whole or not at all.

        Raises:
            ConfigurationError: another format, or a name that does not end in .zip.
            ImageError: the file cannot be written.
        """
        if Path(path).suffix.lower() != ".zip":
            raise ConfigurationError(f"A sprite pack is a ZIP file: {path} must end in .zip.")
        return write_whole(path, self.to_zip(format))


def make_sprites(
    pipe: HasModels,
    image: ImageSource,
    *,
    names: Sequence[str] = SPRITE_NAMES,
    presets: PresetFile | None = None,
    crop: str = "portrait",
    side: int = 512,
    faces: FaceChoice = "largest",
    intensity: float = 1.0,
) -> SpritePack:
    """One picture for each emotion, of one face.

    Args:
        pipe: the pipeline.
        image: see `load_image`; transparent parts stay transparent.
        names: of presets, those of GoEmotions by default.
        presets: your own, which come before the shipped ones of the same name; see `load_presets`.
        crop: "portrait", a square round head and shoulders, or "whole".
        side: of the pictures, the longer one at most, in pixels; nothing is enlarged.
        faces: which face, "largest" or its number; just one.
        intensity: of all of them, a factor from 0 to 1.5; none gets stronger than 1.5.

    Raises:
        ImageError, NoFaceError: the picture cannot be opened, or has no such face.
        PresetError: an unknown name.
        ConfigurationError: any other setting that cannot work.
    """
    if crop not in CROPS:
        raise ConfigurationError(f"crop={crop!r} is not known: use {' or '.join(CROPS)}.")
    if isinstance(side, bool) or not isinstance(side, int) or not LEAST_SIDE <= side <= MOST_SIDE:
        raise ConfigurationError(f"side is a number of pixels from {LEAST_SIDE} to {MOST_SIDE}; got {side!r}.")
    session = EditSession(load_image(image), pipe.models)
    found = session.find_faces(faces)
    if len(found) != 1:
        raise ConfigurationError(f"A sprite pack is of one face; faces={faces!r} means {len(found)}.")
    return sprites_of(session, found[0], names, presets, crop, side, intensity)


def sprites_of(
    session: EditSession,
    face: Face,
    names: Sequence[str] = SPRITE_NAMES,
    presets: PresetFile | None = None,
    crop: str = "portrait",
    side: int = 512,
    intensity: float = 1.0,
) -> SpritePack:
    """As `make_sprites`, for a face of an open image that is known."""
    asked = {name: _request(session, name, presets, intensity) for name in names}
    picture = session.image
    if crop == "portrait":
        box = portrait_box(face, picture.size)
        picture, face = cut(picture, box), _moved(face, box)
    smaller = shrink(picture, side)
    across, down = (new / old for new, old in zip(smaller.size, picture.size, strict=True))
    work = EditSession(smaller, session.models)
    where = face.scaled(across, down)
    work.outputs([where] * len(asked), [request for _, request, _ in asked.values()])  # one call of the generator
    images = {name: work.edit([where], [request])[0] for name, (_, request, _) in asked.items()}
    return SpritePack(
        images=MappingProxyType(images),
        presets=MappingProxyType({name: preset for name, (preset, _, _) in asked.items()}),
        replaced=tuple(name for name, (_, _, replaced) in asked.items() if replaced),
        notes=picture.notes,
    )


def portrait_box(face: Face, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the square round head and shoulders in a picture of this size, in whole pixels."""
    left, top, right, bottom = face.box
    width, height = size
    side = min(round(PORTRAIT * max(right - left, bottom - top)), width, height)
    x = min(max(0, round((left + right - side) / 2)), width - side)
    y = min(max(0, round((top + bottom) / 2 - ABOVE * side)), height - side)
    return x, y, x + side, y + side


def _request(
    session: EditSession, name: str, presets: PresetFile | None, intensity: float
) -> tuple[Preset, FaceRequest, bool]:
    """A preset as far as the model can show it, what it asks, and whether it is a replacement."""
    generator = session.models.generator
    names = (generator.expressions, controls_of(generator))
    preset = load_preset(name, presets)
    check_settings(intensity, "motion")

    def asked(shown: Preset) -> FaceRequest:
        together = replace(shown, intensity=min(intensity * shown.intensity, MAX_INTENSITY))
        return face_requests(combined(None, None, together, 1.0), 1, *names)[0]

    try:
        return preset, asked(preset), False
    except ControlError:
        instead = REPLACEMENTS.get(name.strip().lower()) or Preset(preset.expression, {}, preset.intensity)
        return instead, asked(instead), True


def _moved(face: Face, box: tuple[int, int, int, int]) -> Face:
    """The face in the part of the picture in the box."""
    left, top = box[:2]
    x0, y0, x1, y1 = face.box
    points = (face.points - np.array([left, top])).astype(np.float32)
    return replace(face, box=(x0 - left, y0 - top, x1 - left, y1 - top), points=points)
