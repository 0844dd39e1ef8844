"""What happens when a visitor touches something: gradio's values in, gradio's values out.

Errors of this package become toasts with their own sentence; anything else is a bug, which gradio logs and hides.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from ..editing.animation import animate_faces
from ..editing.pipeline_sargan import SARGANPipeline
from ..editing.requests import FaceRequest
from ..errors import ConfigurationError, SARGANError
from ..images import EditedImage
from ..images.content_credentials import sign_image
from ..inference.protocol import controls_of
from . import explanations, face_views
from . import strings as texts
from .error_wording import for_visitors
from .example_pictures import example_pictures
from .face_selection import Selection, select_faces
from .page_request import EXAMPLE, Wish, known_presets, read_wish, state_of
from .page_session import Key, PageSession, open_page_session
from .session_cache import SessionCache, SessionHandle
from .settings import Settings
from .takeaway import AS_IT_CAME, Files, contact_sheet, file_format, shown_file, write_zip

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


class Handlers(Files):
    """The app's reactions; one for all visitors, whose own things are in their `PageSession`, held by the cache."""

    def __init__(self, pipeline: SARGANPipeline, settings: Settings, cache: str):
        super().__init__(cache, settings.credentials())
        self.pipeline = pipeline
        self.settings = settings
        self.sessions = SessionCache(settings.max_memory_mb * 1_000_000)
        self.expressions = pipeline.generator.expressions
        self.controls = controls_of(pipeline.generator)
        self.opening: PageSession | None = None
        self.examples = settings.find(settings.examples)

    def answer(self, handle: SessionHandle | None, sent: object) -> tuple[SessionHandle | None, dict[str, Any]]:
        """What the page shows for a wish. The answer is always whole, even if parts of the wish are impossible."""
        wish = read_wish(sent, self.expressions, self.controls)
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
            wish = self.first_view(session, selection, wish)
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
        if self.opening is not None and picture == self.opening.source:
            return self.opening.for_another_visitor()
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
        if not wish.blend and not self.controls:
            gr.Warning(texts.NO_BLEND)
            wish = replace(wish, blend=session.last_blend or {self.expressions[0]: 1.0})
        if wish.chosen == () and selection.chosen:
            gr.Info(texts.LAST_FACE)
        session.last_blend, session.last_chosen, session.last_boxes = wish.blend, selection.chosen, selection.boxes
        return selection, replace(wish, boxes=selection.boxes, chosen=selection.chosen or None)

    @staticmethod
    def first_view(session: PageSession, selection: Selection, wish: Wish) -> Wish:
        """The wish with a close-up where a picture has just come in whose face is small."""
        close = wish.touched == "picture" and face_views.is_small(session, selection.keys)
        return replace(wish, view=texts.VIEW_FACE) if close else wish

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
        answer["window"] = [*self.window(session, selection, wish)]
        if selection.chosen:
            session.prepare(selection.keys, wish)
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

    @staticmethod
    def window(session: PageSession, selection: Selection, wish: Wish) -> tuple[int, int, int, int]:
        """Left, top, right and bottom, in pixels of the picture, of what the page shows of it."""
        close = wish.view == texts.VIEW_FACE and selection.chosen
        return face_views.close_up(session, selection.keys) if close else (0, 0, *session.size)

    def result(self, session: PageSession, selection: Selection, wish: Wish) -> list[dict[str, Any]]:
        """Files with the picture before and after, or, as the view asks, of a close-up or of the network's attention."""
        box = self.window(session, selection, wish)
        if wish.view == texts.VIEW_ATTENTION:
            shrunk = face_views.fitting(session.edits.image.to_image())
            after = explanations.attention_overlay(session, selection.keys, wish, shrunk)
            if after is None:
                gr.Warning(texts.NO_ATTENTION)
                after = shrunk
        else:
            edit = self.edited(session, selection, wish)
            after = face_views.fitting(EditedImage.from_image(edit.crop(box), edit.provenance))
        return [shown_file(self.before(session, box)), shown_file(self.save(after, "after"))]

    def previews(self, session: PageSession, key: Key, area: str | None) -> dict[str, dict[str, Any]]:
        """For each expression the file of this face wearing it, and for "" of the face as it is; kept."""

        names, requests = list(self.expressions), session.each_expression(area)
        if self.controls:  # such a model knows a button for no expression
            names, requests = [*names, ""], [*requests, session.request({})]
        files = self.thumbnails(session, key, area, requests)
        return {name: shown_file(path) for name, path in zip(names, files, strict=True)}

    def thumbnails(self, session: PageSession, key: Key, kind: str | None, requests: list[FaceRequest]) -> list[str]:
        """Files of a face as each request has it; kept under `kind`."""

        def make() -> list[str]:
            return [self.save(picture, "preview") for picture in face_views.thumbnails(session, key, requests)]

        files = session.previews.get((key, kind), make)
        if not all(Path(path).is_file() for path in files):  # they were deleted in time
            session.previews.forget((key, kind))
            files = session.previews.get((key, kind), make)
        return files

    @friendly
    def presets(self, handle: SessionHandle | None, sent: object) -> dict[str, dict[str, Any]]:
        """For each of the shipped presets the file of the first chosen face wearing it; kept."""
        session, selection, _ = self.ordered(handle, sent)
        presets = known_presets(self.expressions, self.controls)
        requests = [
            session.request(preset.expression, preset.intensity, None, preset.controls) for preset in presets.values()
        ]
        files = self.thumbnails(session, selection.keys[0], "presets", requests)
        return {name: shown_file(path) for name, path in zip(presets, files, strict=True)}

    def edited(self, session: PageSession, selection: Selection, wish: Wish) -> EditedImage:
        """The picture at full resolution as it is wished."""
        faces = [session.face(key) for key in selection.keys]
        return session.edits.edit(faces, [session.wished(wish)] * len(faces))[0]

    def ordered(self, handle: SessionHandle | None, sent: object) -> tuple[PageSession, Selection, Wish]:
        """What an order is about: the picture that the visitor's handle holds, and the wish that came with the order.

        Raises:
            ConfigurationError: there is no picture, or it was evicted.
        """
        wish = read_wish(sent, self.expressions, self.controls)
        session = None if handle is None else self.sessions.take(handle)
        if session is None and self.opening is not None and wish.picture == self.opening.source:
            session = self.opening.for_another_visitor()  # ordered before anything was touched
        if session is None:
            raise ConfigurationError(texts.NO_FACE_YET)
        selection, wish = self.settled(session, wish)
        if not selection.chosen:
            raise ConfigurationError(texts.NO_FACE_YET)
        return session, selection, wish

    @friendly
    def download(self, handle: SessionHandle | None, sent: object, kind: str) -> dict[str, Any]:
        """The edited picture at full resolution, with the note that it was edited, as a file with the picture's own name."""
        session, selection, wish = self.ordered(handle, sent)
        after = self.edited(session, selection, wish)
        form = file_format(kind, session.edits.image.name)
        return shown_file(self.save(after, file_name(session, wish), form, self.credentials))

    @friendly
    def to_clipboard(self, handle: SessionHandle | None, sent: object) -> dict[str, Any]:
        """The edited picture at full resolution as a PNG, which is what clipboards take."""
        session, selection, wish = self.ordered(handle, sent)
        after = self.edited(session, selection, wish)
        return shown_file(self.save(after, file_name(session, wish)))

    def every(self, session: PageSession, selection: Selection, wish: Wish) -> Iterator[tuple[Wish, EditedImage]]:
        """The picture in each expression of the model, one after the other, with the rest as it is wished."""
        session.prepare(selection.keys, wish)
        for name in self.expressions:
            one = replace(wish, blend={name: 1.0}, controls={})
            yield one, self.edited(session, selection, one)

    @friendly
    def sheet(self, handle: SessionHandle | None, sent: object) -> dict[str, Any]:
        """A close-up in each expression of the model, together in one picture."""
        session, selection, wish = self.ordered(handle, sent)
        box = face_views.close_up(session, selection.keys)
        parts = [
            face_views.fitting(EditedImage.from_image(edit.crop(box), edit.provenance))
            for _, edit in self.every(session, selection, wish)
        ]
        sheet = contact_sheet(parts, [texts.LABELS.get(name, name.capitalize()) for name in self.expressions])
        return shown_file(self.save(sheet, f"{session.name}-expressions", credentials=self.credentials))

    @friendly
    def pack(self, handle: SessionHandle | None, sent: object) -> dict[str, Any]:
        """A ZIP of the whole picture in each expression of the model, in the format in which it came."""
        session, selection, wish = self.ordered(handle, sent)
        form = file_format(AS_IT_CAME, session.edits.image.name)
        path = self.new_file(f"{session.name}-expressions.zip")
        every = self.every(session, selection, wish)
        write_zip(path, (Path(self.save(edit, file_name(session, one), form, self.credentials)) for one, edit in every))
        return shown_file(str(path))

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
        panels = explanations.explanation(session, selection.keys[0], wish)
        return gr.update(value=panels, visible=True)


def file_name(session: PageSession, wish: Wish) -> str:
    """What a file made for a wish is called, without its suffix: "portrait-happy", "portrait-happy-surprised"."""
    return "-".join([session.name, *(wish.blend or ["edited"])])
