"""What happens when a visitor touches something: gradio's values in, gradio's values out.

Errors of this package become toasts with their own sentence; anything else is a bug, which gradio logs and hides.
"""

import functools
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import FileData
from PIL import Image

from ..editing.animation import animate_faces
from ..editing.pipeline_sargan import SARGANPipeline
from ..errors import ConfigurationError, SARGANError
from ..images import ContentCredentials, EditedImage, save_image
from ..images.content_credentials import sign_image
from . import explanations, face_views
from . import strings as texts
from .example_pictures import example_pictures
from .face_selection import Selection, select_faces
from .page_session import Key, PageSession, open_page_session
from .sentences import for_visitors
from .session_cache import SessionCache, SessionHandle
from .settings import Settings
from .wishes import EXAMPLE, Wish, read_wish, state_of

FORMATS = {"PNG": ("png", {"compress_level": 1}), "JPEG": ("jpg", {})}
ANIMATIONS = ("MP4", "GIF")  # in the order of the two components that show them
TOAST = {"title": "That did not work", "duration": 12}


def sentence_of(error: SARGANError) -> str:
    """An error's sentence for those who see the page, who cannot do what a programmer could."""
    return for_visitors(str(error))


def friendly(handler: Callable) -> Callable:
    """Turns an expected error into a toast that says what to do."""

    @functools.wraps(handler)
    def guarded(*arguments, **keywords):
        try:
            return handler(*arguments, **keywords)
        except SARGANError as error:
            raise gr.Error(sentence_of(error), print_exception=False, **TOAST) from None

    return guarded


class Handlers:
    """The app's reactions; one for all visitors, whose own things are in their `PageSession`, held by the cache."""

    def __init__(self, pipeline: SARGANPipeline, settings: Settings, cache: str):
        self.pipeline = pipeline
        self.settings = settings
        self.cache = Path(cache)
        self.sessions = SessionCache(settings.max_memory_mb * 1_000_000)
        self.credentials = settings.credentials()
        self.expressions = pipeline.generator.expressions
        self.examples = settings.find(settings.examples)

    def answer(self, handle: SessionHandle | None, sent: object) -> tuple[SessionHandle | None, dict[str, Any]]:
        """What the page shows for a wish. The answer is always whole, even if parts of the wish are impossible."""
        wish = read_wish(sent, self.expressions)
        before = None if handle is None else handle.session
        problem = ""
        if wish.picture is None:
            return None, self.nothing(wish)
        try:
            session = self.session_of(handle, wish.picture)
        except SARGANError as error:
            problem = sentence_of(error)
            gr.Warning(problem, **TOAST)
            if before is None:
                return None, self.nothing(wish) | {"problem": problem}
            session = before  # a file that is no picture does not cost the visitor the one that was there
            wish = replace(wish, picture=before.source, boxes=before.last_boxes, chosen=before.last_chosen)
        selection, wish = self.settled(session, wish)
        for sentence in selection.problems:
            gr.Warning(sentence, **TOAST)
        if session is not before:
            self.greet(session)
        handle = self.sessions.put(session)
        return handle, self.page(session, selection, wish) | {"problem": problem}

    def session_of(self, handle: SessionHandle | None, picture: str) -> PageSession:
        """The opened picture of that name, from the visitor's handle where it holds it.

        Raises:
            ImageError: it cannot be opened.
            ConfigurationError: it is not on the server any more.
        """
        held = None if handle is None else handle.session
        if handle is not None and held is not None and held.source == picture:
            return self.sessions.take(handle)
        path = picture
        if picture.startswith(EXAMPLE):
            name = picture.removeprefix(EXAMPLE)
            if not any(name in names for names in example_pictures(self.examples).values()):
                raise ConfigurationError(texts.NO_EXAMPLE)
            path = str(self.examples / name)
        elif not Path(path).is_file():
            raise ConfigurationError(texts.GONE.format(hours=texts.hours(self.settings.keep_hours)))
        return open_page_session(self.pipeline, path, self.settings.max_pixels, self.settings.max_faces, source=picture)

    def settled(self, session: PageSession, wish: Wish) -> tuple[Selection, Wish]:
        """The wish as far as it can be had: boxes that are none, and a blend of nothing, give way to what was before."""
        selection = select_faces(session, wish, self.settings.max_faces)
        if not wish.blend:
            gr.Warning(texts.NO_BLEND)
            wish = replace(wish, blend=session.last_blend or {self.expressions[0]: 1.0})
        if wish.chosen == () and selection.chosen:
            gr.Info(texts.LAST_FACE)
        session.last_blend, session.last_chosen, session.last_boxes = wish.blend, selection.chosen, selection.boxes
        return selection, replace(wish, boxes=selection.boxes, chosen=selection.chosen or None)

    def greet(self, session: PageSession) -> None:
        """Toasts about a picture that has just been opened."""
        for note in session.edits.image.notes:
            gr.Info(note)
        if not session.faces:
            gr.Warning(texts.NO_FACE, duration=12)

    def nothing(self, wish: Wish) -> dict[str, Any]:
        """The answer to a wish without a picture."""
        if wish.touched == "expression":
            names = " and ".join(texts.LABELS.get(name, name) for name in wish.blend)
            gr.Info(texts.EXPRESSION_FIRST.format(expression=names))
        blend = wish.blend or {self.expressions[0]: 1.0}
        state = state_of(replace(wish, picture=None, blend=blend, boxes=(), chosen=None))
        return {"number": wish.number, "state": state, "result": None, "previews": None, "faces": None, "problem": ""}

    def page(self, session: PageSession, selection: Selection, wish: Wish) -> dict[str, Any]:
        """The answer to a wish with a picture."""
        answer = {"number": wish.number, "state": state_of(wish), "result": None, "previews": None, "problem": ""}
        whole = self.before(session, (0, 0, *session.size))
        if selection.chosen:
            session.prepare(selection.keys, wish.blend)
            answer["result"] = self.result(session, selection, wish)
            answer["previews"] = self.previews(session, selection.keys[0], wish.area)
        faces = [
            {
                "id": name,
                "box": [round(float(side)) for side in session.face(key).box],
                "drawn": not isinstance(key, int),
            }
            for name, key in selection.faces
        ]
        width, height = session.size
        answer["faces"] = {
            "picture": shown_file(whole),
            "width": width,
            "height": height,
            "list": faces,
            "notice": texts.face_notice(session.found, len(session.faces), len(faces)),
            "info": texts.BOX_INFO.format(width=width, height=height),
            "open": len(faces) != 1 or bool(selection.boxes),
        }
        return answer

    def before(self, session: PageSession, box: tuple[int, int, int, int]) -> str:
        """The file of a part of the picture itself; kept."""

        def make() -> str:
            return self.save(face_views.fitting(session.edits.image.to_image().crop(box)), "before")

        path = session.befores.get(box, make)
        if not Path(path).is_file():  # it was deleted in time
            session.befores.forget(box)
            path = session.befores.get(box, make)
        return path

    def result(self, session: PageSession, selection: Selection, wish: Wish) -> list[dict[str, Any]]:
        """Files with the picture before and after, or, as the view asks, of a close-up or of the network's attention."""
        whole = (0, 0, *session.size)
        box = face_views.close_up(session, selection.keys) if wish.view == texts.VIEW_FACE else whole
        if wish.view == texts.VIEW_ATTENTION:
            shrunk = face_views.fitting(session.edits.image.to_image())
            after = explanations.attention_overlay(session, selection.keys, wish.blend, shrunk)
            if after is None:
                gr.Warning(texts.NO_ATTENTION)
                after = shrunk
        else:
            edit = self.edited(session, selection, wish)
            after = face_views.fitting(EditedImage.from_image(edit.crop(box), edit.provenance))
        return [shown_file(self.before(session, box)), shown_file(self.save(after, "after"))]

    def previews(self, session: PageSession, key: Key, area: str | None) -> dict[str, dict[str, Any]]:
        """For each expression the file of this face wearing it; kept."""

        def make() -> list[str]:
            return [self.save(picture, "preview") for picture in face_views.thumbnails(session, key, area)]

        files = session.previews.get((key, area), make)
        if not all(Path(path).is_file() for path in files):  # they were deleted in time
            session.previews.forget((key, area))
            files = session.previews.get((key, area), make)
        return {name: shown_file(path) for name, path in zip(self.expressions, files, strict=True)}

    def edited(self, session: PageSession, selection: Selection, wish: Wish) -> EditedImage:
        """The picture at full resolution as it is wished."""
        request = session.request(wish.blend, wish.intensity, wish.area)
        faces = [session.face(key) for key in selection.keys]
        return session.edits.edit(faces, [request] * len(faces))[0]

    def ordered(self, handle: SessionHandle | None, sent: object) -> tuple[PageSession, Selection, Wish]:
        """What an order is about: the picture that the visitor's handle holds, and the wish that came with the order.

        Raises:
            ConfigurationError: there is no picture, or it was evicted.
        """
        session = None if handle is None else self.sessions.take(handle)
        if session is None:
            raise ConfigurationError(texts.NO_FACE_YET)
        selection, wish = self.settled(session, read_wish(sent, self.expressions))
        if not selection.chosen:
            raise ConfigurationError(texts.NO_FACE_YET)
        return session, selection, wish

    @friendly
    def download(self, handle: SessionHandle | None, sent: object, kind: str) -> dict[str, Any]:
        """The edited picture at full resolution, with the note that it was edited, as a file with the picture's own name."""
        session, selection, wish = self.ordered(handle, sent)
        after = self.edited(session, selection, wish)
        return shown_file(self.save(after, file_name(session, wish), kind, self.credentials))

    @friendly
    def animate(
        self,
        handle: SessionHandle | None,
        sent: object,
        kind: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008, gradio finds it by its default
    ) -> list[Any]:
        """A loop from the picture to the expression and back. Updates of the video and of the moving picture."""

        def drawn(done: int, of: int) -> None:
            progress((done, of), desc="Drawing", unit="frames")

        session, selection, wish = self.ordered(handle, sent)
        animation = animate_faces(
            session.edits,
            [session.face(key) for key in selection.keys],
            dict(wish.blend),
            intensity=wish.intensity,
            region=wish.area,
            progress=drawn,
        )
        progress(1.0, desc=f"Writing the {kind}")
        path = animation.save(self.new_file(f"{file_name(session, wish)}.{kind.lower()}"))
        if self.credentials is not None:
            sign_image(path, self.credentials)
        return [gr.update(value=str(path) if kind == shown else None, visible=kind == shown) for shown in ANIMATIONS]

    @friendly
    def explain(self, handle: SessionHandle | None, sent: object) -> Any:
        """Pictures of what the network did to the first chosen face."""
        session, selection, wish = self.ordered(handle, sent)
        panels = explanations.explanation(session, selection.keys[0], wish.blend)
        return gr.update(value=panels, visible=True)

    def save(
        self, picture: Image.Image, name: str, kind: str = "PNG", credentials: ContentCredentials | None = None
    ) -> str:
        """Writes a picture for the visitor, signed where credentials are given, and returns the file's path."""
        suffix, parameters = FORMATS[kind]
        path = self.new_file(f"{name}.{suffix}")
        if suffix == "jpg" and picture.mode not in ("L", "RGB"):
            note = getattr(picture, "provenance", None)
            picture = EditedImage.from_image(picture.convert("RGB"), note)
        return str(save_image(picture, path, credentials, **parameters))

    def new_file(self, name: str) -> Path:
        """A file in a folder of its own, which nobody can guess, inside gradio's folder, which it empties in time."""
        folder = self.cache / secrets.token_hex(24)
        folder.mkdir(parents=True)
        return folder / name


def shown_file(path: str) -> dict[str, Any]:
    """A file as gradio's components want it; gradio adds its address."""
    return FileData(path=path, orig_name=Path(path).name).model_dump()


def file_name(session: PageSession, wish: Wish) -> str:
    """What a file made for a wish is called, without its suffix: "portrait-happy", "portrait-happy-surprised"."""
    return "-".join([session.name, *wish.blend])
