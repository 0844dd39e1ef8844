"""What happens when a visitor touches something: gradio's values in, gradio's updates out.

Errors of this package become toasts with their own sentence; anything else is a bug, which gradio logs and hides.
"""

import functools
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from ..errors import ConfigurationError, SARGANError
from ..pictures import ContentCredentials, EditedImage, save_picture
from ..pictures.content_credentials import sign_picture
from ..pipeline_sargan import SARGANPipeline
from . import explaining
from . import sitting as sittings
from .sentences import for_visitors
from .settings import Settings
from .shelf import Place, Shelf
from .sitting import Sitting
from .texts import BOX_INFO, FACES_MANY, FACES_NONE, FACES_ONE, LABELS, NO_PICTURE, VIEW_ATTENTION, VIEW_FACE

LONGEST_SHOWN = 1400  # pixels; the download is always at full resolution
FORMATS = {"PNG": ("png", {"compress_level": 1}), "JPEG": ("jpg", {"quality": 95, "subsampling": 0})}
ANIMATIONS = ("MP4", "GIF")  # in the order of the two components that show them


def friendly(handler: Callable) -> Callable:
    """Turns an expected error into a toast that says what to do."""

    @functools.wraps(handler)
    def guarded(*arguments, **keywords):
        try:
            return handler(*arguments, **keywords)
        except SARGANError as error:
            raise gr.Error(
                for_visitors(str(error)), title="That did not work", print_exception=False, duration=12
            ) from None

    return guarded


def visited(handler: Callable) -> Callable:
    """Gives a handler the picture itself for the place that the visitor's session keeps."""

    @friendly
    @functools.wraps(handler)
    def guarded(self: "Handlers", *arguments, **keywords):
        taken = [self.shelf.take(value) if isinstance(value, Place) else value for value in arguments]
        return handler(self, *taken, **keywords)

    return guarded


class Handlers:
    """The app's reactions; one for all visitors, whose own things are in their `Sitting`, which stands on the shelf."""

    def __init__(self, pipeline: SARGANPipeline, settings: Settings, cache: str):
        self.pipeline = pipeline
        self.settings = settings
        self.cache = Path(cache)
        self.shelf = Shelf(settings.max_memory_mb * 1_000_000)
        self.credentials = settings.credentials()
        self.expressions = pipeline.generator.expressions

    @friendly
    def open(
        self, path: str | None, now: Place | None, blend: dict[str, float], intensity: float, view: str
    ) -> list[Any]:
        """A picture came in, or went: everything on the page follows."""
        if path is None:
            return self.page(None, blend, intensity, view)
        before = None if now is None else now.sitting
        if before is not None and before.source == path:  # an example's click arrives twice; equal files, equal paths
            return [gr.skip()] * (7 + len(self.expressions))
        sitting = sittings.open_sitting(self.pipeline, path, self.settings.max_pixels, self.settings.max_faces)
        for note in sitting.picture.notes:
            gr.Info(note)
        return self.page(sitting, blend, intensity, view)

    def page(self, sitting: Sitting | None, blend: Mapping[str, float], intensity: float, view: str) -> list[Any]:
        """Updates of: sitting, result, face picture, notice, face panel, faces to tick, typed box, one per expression."""
        if sitting is None:
            buttons = [gr.update(icon=None) for _ in self.expressions]
            return [None, None, None, NO_PICTURE, gr.update(open=False), face_choice(None), face_box(None), *buttons]
        if not sitting.faces:
            gr.Warning(
                "No face was found. Click two opposite corners around the face, under “Choose faces”, or type its box there.",
                duration=12,
            )
            buttons = [gr.update(icon=None) for _ in self.expressions]
            place, faces, opened = self.shelf.put(sitting), sittings.numbered(sitting), gr.update(open=True)
            return [place, None, faces, FACES_NONE, opened, face_choice(sitting), face_box(sitting), *buttons]
        many = len(sitting.faces) > 1
        notice = FACES_MANY.format(count=len(sitting.faces)) if many else FACES_ONE
        return [
            self.shelf.put(sitting),
            self.shown(sitting, blend, intensity, view),
            sittings.numbered(sitting),
            notice,
            gr.update(open=many),
            face_choice(sitting),
            face_box(sitting),
            *self.preview_icons(sitting),
        ]

    def preview_icons(self, sitting: Sitting) -> list[Any]:
        """One update for each expression's button: this face, wearing it."""
        pictures = sittings.previews(self.pipeline, sitting)
        return [gr.update(icon=self.save(picture, "preview")) for picture in pictures]

    @visited
    def render(self, sitting: Sitting | None, blend: dict[str, float], intensity: float, view: str) -> Any:
        """The before and after pictures for the slider; leaves the slider alone while there is no face."""
        if sitting is None or not sitting.faces:
            return gr.skip()
        return self.shown(sitting, blend, intensity, view)

    def shown(self, sitting: Sitting, blend: Mapping[str, float], intensity: float, view: str) -> tuple[str, str]:
        """Files with the picture before and after, or, as the view asks, of a close-up or of the network's attention."""
        whole = sitting.picture.to_image()
        box = sittings.window(sitting) if view == VIEW_FACE else (0, 0, *whole.size)
        if view == VIEW_ATTENTION:
            after = explaining.attention_overlay(self.pipeline, sitting, blend, _fitting(whole))
            if after is None:
                raise gr.Error("This model has no attention map to show.", print_exception=False)
        else:
            edit, _ = sittings.edited(self.pipeline, sitting, blend, intensity)
            after = _fitting(EditedImage.from_image(edit.crop(box), edit.provenance))
        before = sitting.befores.get(box)
        if before is None or not Path(before).exists():  # it may have been deleted in time
            before = sitting.befores[box] = self.save(_fitting(whole.crop(box)), "before")
        return before, self.save(after, "after")

    @visited
    def choose(self, name: str, sitting: Sitting | None, intensity: float, view: str) -> list[Any]:
        """An expression's button: it becomes the whole blend. Updates as of `blended`."""
        if sitting is None:
            gr.Info(f"{LABELS.get(name, name)} it is. Now add a picture, or click an example.")
        return self.blended({name: 1.0}, sitting, intensity, view)

    @visited
    def mix(self, sitting: Sitting | None, intensity: float, view: str, *weights: float) -> list[Any]:
        """The sliders of exact shares. Updates as of `blended`."""
        return self.blended(dict(zip(self.expressions, weights, strict=True)), sitting, intensity, view)

    @visited
    def mix_on_pad(
        self, sitting: Sitting | None, intensity: float, view: str, pad: dict[str, float] | None
    ) -> list[Any]:
        """The blend pad. Updates as of `blended`."""
        return self.blended(pad if isinstance(pad, dict) else {}, sitting, intensity, view)

    def blended(self, asked: Mapping[str, float], sitting: Sitting | None, intensity: float, view: str) -> list[Any]:
        """A new blend. Updates of: blend, result, pad, one per expression's button, one per expression's slider."""
        blend = {name: _share(asked.get(name)) for name in self.expressions}
        blend = {name: weight for name, weight in blend.items() if weight > 0}
        if not blend:
            gr.Warning("A blend needs at least one expression above zero.")
            return [gr.skip()] * (3 + 2 * len(self.expressions))
        buttons = [gr.update(variant="primary" if name in blend else "secondary") for name in self.expressions]
        weights = [blend.get(name, 0.0) for name in self.expressions]
        return [blend, self.render(sitting, blend, intensity, view), blend, *buttons, *weights]

    @visited
    def click_face(
        self, sitting: Sitting | None, blend: dict, intensity: float, view: str, event: gr.SelectData
    ) -> list[Any]:
        """A click into the picture of faces: choose a face, or draw a box where none was found."""
        if sitting is None:
            return self.page(None, blend, intensity, view)
        scale = sittings.numbered_scale(sitting)
        x, y = (round(scale * value) for value in event.index)
        if sitting.faces:
            sitting.chosen = sittings.choose_at(sitting, x, y)
            return self.page(sitting, blend, intensity, view)
        if sitting.first_corner is None:
            sitting.first_corner = (x, y)
            skipped = [gr.skip()] * (3 + len(self.expressions))
            return [self.shelf.put(sitting), gr.skip(), sittings.numbered(sitting), FACES_NONE, *skipped]
        corner, sitting.first_corner = sitting.first_corner, None
        return self.page(sittings.with_box(self.pipeline, sitting, [corner, (x, y)]), blend, intensity, view)

    @visited
    def type_box(self, sitting: Sitting | None, blend: dict, intensity: float, view: str, typed: str) -> list[Any]:
        """The same box as drawn by two clicks, for those who use no pointer."""
        if sitting is None:
            return self.page(None, blend, intensity, view)
        typed = typed or ""
        numbers = re.findall(r"-?\d+", typed)
        if len(numbers) != 4:
            raise ConfigurationError(
                f"A box is four numbers, left, top, right and bottom, such as 120, 80, 420, 460; got {typed[:60]!r}."
            )
        left, top, right, bottom = (int(number[:9]) for number in numbers)
        boxed = sittings.with_box(self.pipeline, sitting, [(left, top), (right, bottom)])
        return self.page(boxed, blend, intensity, view)

    @visited
    def tick_faces(
        self, sitting: Sitting | None, blend: dict, intensity: float, view: str, ticked: list[int]
    ) -> list[Any]:
        """The boxes beside the names of the faces, which need no pointer; the last one stays ticked."""
        if sitting is not None:
            known = set(range(len(sitting.faces)))
            sitting.chosen = tuple(sorted(known.intersection(ticked))) or sitting.chosen
        return self.page(sitting, blend, intensity, view)

    @visited
    def download(self, sitting: Sitting | None, blend: dict[str, float], intensity: float, kind: str) -> Any:
        """The edited picture at full resolution, with the note that it was edited, as a file."""
        require_face(sitting)
        after, _ = sittings.edited(self.pipeline, sitting, blend, intensity)
        path = self.save(after, "-".join(["sargan", *blend]), kind, self.credentials)
        return gr.update(value=path, visible=True)

    @visited
    def reveal(self, sitting: Sitting | None, kind: str) -> list[Any]:
        """An empty player, where the progress of the animation is shown."""
        ready = sitting is not None and bool(sitting.faces)
        return [gr.update(value=None, visible=ready and kind == shown) for shown in ANIMATIONS]

    @visited
    def animate(
        self,
        sitting: Sitting | None,
        blend: dict[str, float],
        intensity: float,
        kind: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008, gradio finds it by its default
    ) -> list[Any]:
        """A loop from the picture to the expression and back. Updates of the video and of the moving picture."""
        require_face(sitting)
        faces = [sitting.faces[index] for index in sitting.chosen]
        # The five points of one face also work for a box drawn by hand; several faces are found again by number.
        which = {"points": faces[0].points} if len(faces) == 1 else {"faces": list(sitting.chosen)}
        animation = self.pipeline.animate(
            sitting.picture.to_image(),
            dict(blend),
            intensity=intensity,
            progress=lambda done, of: progress((done, of), desc="Drawing", unit="frames"),
            **which,
        )
        progress(1.0, desc=f"Writing the {kind}")
        path = animation.save(self.new_file(f"animation.{kind.lower()}"))
        if self.credentials is not None:
            sign_picture(path, self.credentials)
        path = str(path)
        return [gr.update(value=path if kind == shown else None, visible=kind == shown) for shown in ANIMATIONS]

    @visited
    def explain(self, sitting: Sitting | None, blend: dict[str, float]) -> Any:
        """Pictures of what the network did to the first chosen face."""
        require_face(sitting)
        return gr.update(value=explaining.explanation(self.pipeline, sitting, blend), visible=True)

    def save(
        self, picture: Image.Image, name: str, kind: str = "PNG", credentials: ContentCredentials | None = None
    ) -> str:
        """Writes a picture for the visitor, signed where credentials are given, and returns the file's path."""
        suffix, parameters = FORMATS[kind]
        path = self.new_file(f"{name}.{suffix}")
        if suffix == "jpg" and picture.mode not in ("L", "RGB"):
            note = getattr(picture, "provenance", None)
            picture = EditedImage.from_image(picture.convert("RGB"), note)
        return str(save_picture(picture, path, credentials, **parameters))

    def new_file(self, name: str) -> Path:
        """A file in a folder of its own, which nobody can guess, inside gradio's folder, which it empties in time."""
        folder = self.cache / secrets.token_hex(24)
        folder.mkdir(parents=True)
        return folder / name


def _share(weight: object) -> float:
    """A weight as it came from a browser, which may send anything, as a number from 0 to 1."""
    known = isinstance(weight, int | float) and 0 <= weight <= 1  # false for what is not a number
    return round(float(weight), 2) if known else 0.0


def face_choice(sitting: Sitting | None) -> Any:
    """An update of the boxes to tick: one for each face where there is a choice."""
    if sitting is None or len(sitting.faces) < 2:
        return gr.update(choices=[], value=[], visible=False)
    names = [(f"Face {index + 1}", index) for index in range(len(sitting.faces))]
    return gr.update(choices=names, value=list(sitting.chosen), visible=True)


def face_box(sitting: Sitting | None) -> Any:
    """An update of the field for a typed box: there while a picture has no face."""
    if sitting is None or sitting.faces:
        return gr.update(value="", visible=False)
    width, height = sitting.picture.size
    return gr.update(info=BOX_INFO.format(width=width, height=height), visible=True)


def require_face(sitting: Sitting | None) -> None:
    """Says what to do first when there is nothing to work on."""
    if sitting is None or not sitting.faces:
        raise gr.Error("Add a picture with a face first.", print_exception=False)


def _fitting(picture: Image.Image) -> Image.Image:
    """The picture for the screen: at most LONGEST_SHOWN pixels on its longer side, 8 bits."""
    scale = LONGEST_SHOWN / max(picture.size)
    if scale >= 1:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture.resize(size, Image.Resampling.BOX, reducing_gap=None)
    return EditedImage.from_image(small, getattr(picture, "provenance", None))
