"""What the page shows for a wish: the picture before and after, the previews, and the faces."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from ..editing.pipeline_sargan import SARGANPipeline
from ..editing.requests import FaceRequest
from ..errors import ConfigurationError, SARGANError
from ..images import EditedImage
from ..inference.protocol import controls_of
from . import explanations, face_views
from . import strings as texts
from .error_wording import TOAST, sentence_of
from .example_pictures import example_pictures
from .face_selection import Selection, focused, select_faces
from .page_request import EXAMPLE, PageWish, read_wish, state_of
from .page_session import Key, PageSession, open_page_session
from .session_cache import SessionCache, SessionHandle
from .settings import Settings
from .takeaway import Files, shown_file


class Answers(Files):
    """Answers wishes; one for all visitors, whose own things are in their `PageSession`, held by the cache."""

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
            wish = replace(wish, current=before.last_current, others=before.last_others)
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

    def settled(self, session: PageSession, wish: PageWish) -> tuple[Selection, PageWish]:
        """The wish as far as it can be had: boxes that are none, and a blend of nothing, give way to what was before."""
        selection = select_faces(session, wish, self.settings.max_faces)
        if selection.problems:
            wish = replace(wish, current=session.last_current, others=session.last_others)
        wish = focused(wish, selection.chosen)
        if not wish.blend and not self.controls:
            gr.Warning(texts.NO_BLEND)
            wish = replace(wish, blend=session.last_blend or {self.expressions[0]: 1.0})
        if wish.chosen == () and selection.chosen:
            gr.Info(texts.LAST_FACE)
        session.last_blend, session.last_chosen, session.last_boxes = wish.blend, selection.chosen, selection.boxes
        session.last_current, session.last_others = wish.current, wish.others
        return selection, replace(wish, boxes=selection.boxes, chosen=selection.chosen or None)

    @staticmethod
    def first_view(session: PageSession, selection: Selection, wish: PageWish) -> PageWish:
        """The wish with a close-up where a picture has just come in whose face is small."""
        close = wish.touched == "picture" and face_views.is_small(session, selection.keys)
        return replace(wish, view=texts.VIEW_FACE) if close else wish

    def greet(self, session: PageSession) -> None:
        """Toasts about a picture that has just been opened."""
        for note in session.edits.image.notes:
            gr.Info(note)
        if not session.faces:
            gr.Warning(texts.NO_FACE, duration=12)

    def nothing(self, wish: PageWish) -> dict[str, Any]:
        """The answer to a wish without a picture."""
        if wish.touched == "expression":
            names = " and ".join(texts.LABELS.get(name, name) for name in wish.blend)
            gr.Info(texts.EXPRESSION_FIRST.format(expression=names))
        blend = wish.blend or {self.expressions[0]: 1.0}
        state = state_of(replace(wish, picture=None, blend=blend, boxes=(), chosen=None, current=None, others={}))
        return {"number": wish.number, "state": state, "result": None, "previews": None, "faces": None, "problem": ""}

    def page(self, session: PageSession, selection: Selection, wish: PageWish) -> dict[str, Any]:
        """The answer to a wish with a picture."""
        answer = {"number": wish.number, "state": state_of(wish), "result": None, "previews": None, "problem": ""}
        whole = self.before(session, (0, 0, *session.size))
        answer["window"] = [*self.window(session, selection, wish)]
        if selection.chosen:
            previewed = selection.previewed(wish)
            session.prepare(selection.keys, selection.requests(session, wish), previewed)
            answer["result"] = self.result(session, selection, wish)
            answer["previews"] = self.previews(session, previewed, wish.in_hand.area)
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
    def window(session: PageSession, selection: Selection, wish: PageWish) -> tuple[int, int, int, int]:
        """Left, top, right and bottom, in pixels of the picture, of what the page shows of it."""
        close = wish.view == texts.VIEW_FACE and selection.chosen
        return face_views.close_up(session, selection.keys) if close else (0, 0, *session.size)

    def result(self, session: PageSession, selection: Selection, wish: PageWish) -> list[dict[str, Any]]:
        """Files with the picture before and after, or, as the view asks, of a close-up or of the network's attention."""
        box = self.window(session, selection, wish)
        if wish.view == texts.VIEW_ATTENTION:
            shrunk = face_views.fitting(session.edits.image.to_image())
            requests = selection.requests(session, wish)
            after = explanations.attention_overlay(session, selection.keys, requests, shrunk)
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

    def edited(self, session: PageSession, selection: Selection, wish: PageWish) -> EditedImage:
        """The picture at full resolution as it is wished."""
        faces = [session.face(key) for key in selection.keys]
        return session.edits.edit(faces, selection.requests(session, wish))[0]

    def ordered(self, handle: SessionHandle | None, sent: object) -> tuple[PageSession, Selection, PageWish]:
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
