"""What happens when a visitor touches something: gradio's values in, gradio's values out.

Errors of this package become toasts with their own sentence; anything else is a bug, which gradio logs and hides.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from ..editing.animation import animate_faces
from ..errors import ConfigurationError
from ..images import EditedImage
from ..images.content_credentials import sign_image
from . import explanations, face_views, other_files
from . import strings as texts
from .answers import Answers
from .error_wording import friendly
from .face_selection import Selection
from .page_request import PageWish, known_presets
from .page_session import PageSession
from .session_cache import SessionHandle
from .takeaway import AS_IT_CAME, contact_sheet, file_format, shown_file, write_zip

ANIMATIONS = ("MP4", "GIF")  # in the order of the two components that show them


class Handlers(Answers):
    """The app's reactions: answers to wishes, and files and readings made to order."""

    @friendly
    def presets(self, handle: SessionHandle | None, sent: object) -> dict[str, dict[str, Any]]:
        """For each of the shipped presets the file of the first chosen face wearing it; kept."""
        session, selection, wish = self.ordered(handle, sent)
        presets = known_presets(self.expressions, self.controls)
        requests = [
            session.request(preset.expression, preset.intensity, None, preset.controls) for preset in presets.values()
        ]
        files = self.thumbnails(session, selection.previewed(wish), "presets", requests)
        return {name: shown_file(path) for name, path in zip(presets, files, strict=True)}

    @friendly
    def like(self, handle: SessionHandle | None, sent: object) -> dict[str, Any]:
        """What the face in another picture shows, as parts of the wish; or a sentence that says why it cannot be had."""
        self.ordered(handle, sent)
        return other_files.reading(sent, lambda path: other_files.like_parts(self.pipeline, path, self.settings))

    @friendly
    def replay(self, handle: SessionHandle | None, sent: object) -> dict[str, Any]:
        """The edit of a recipe, as parts of the wish; or a sentence that says why it cannot be had."""
        session, selection, _ = self.ordered(handle, sent)
        return other_files.reading(sent, lambda path: other_files.recipe_parts(path, session, selection))

    @friendly
    def recipe(self, handle: SessionHandle | None, sent: object) -> dict[str, Any]:
        """The edit as a recipe, a JSON file with the picture's own name."""
        session, selection, wish = self.ordered(handle, sent)
        if any(not isinstance(key, int) for key in selection.keys):
            gr.Warning(texts.RECIPE_OF_BOX, duration=12)
        faces = [session.face(key) for key in selection.keys]
        path = self.new_file(f"{file_name(session, wish)}.json")
        session.edits.recipe(faces, selection.requests(session, wish)).save(path)
        return shown_file(str(path))

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

    def every(
        self, session: PageSession, selection: Selection, wish: PageWish
    ) -> Iterator[tuple[PageWish, EditedImage]]:
        """The picture in each expression of the model, one after the other, with the rest as it is wished.

        Faces that the page's controls are not for keep theirs.
        """
        session.prepare(selection.keys, selection.requests(session, wish), selection.previewed(wish))
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
        names = (f"{session.name}-{name}" for name in self.expressions)
        write_zip(
            path,
            (Path(self.save(edit, name, form, self.credentials)) for name, (_, edit) in zip(names, every, strict=True)),
        )
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
        if len({(one.plan, one.intensity) for one in selection.requests(session, wish)}) > 1:
            raise ConfigurationError(texts.FILM_ALIKE)
        animation = animate_faces(
            session.edits,
            [session.face(key) for key in selection.keys],
            dict(wish.blend) or None,
            controls=dict(wish.controls) or None,
            intensity=wish.intensity,
            region=wish.in_hand.area,
            progress=drawn,
        )
        progress(1.0, desc=f"Writing the {kind}")
        path = animation.save(self.new_file(f"{file_name(session, wish)}.{kind.lower()}"))
        if self.credentials is not None:
            sign_image(path, self.credentials)
        return [gr.update(value=str(path) if kind == shown else None, visible=kind == shown) for shown in ANIMATIONS]

    @friendly
    def explain(self, handle: SessionHandle | None, sent: object) -> Any:
        """Pictures of what the network did to the face that the controls are for, the first chosen one where that is all."""
        session, selection, wish = self.ordered(handle, sent)
        panels = explanations.explanation(session, selection.previewed(wish), wish.in_hand)
        return gr.update(value=panels, visible=True)


def file_name(session: PageSession, wish: PageWish) -> str:
    """What a file made for a wish is called, without its suffix: "portrait-happy", "portrait-happy-surprised"."""
    blends = [wish.of_face(name).blend for name in wish.chosen or ()] or [wish.blend]
    names = dict.fromkeys(name for blend in blends for name in blend)
    return "-".join([session.name, *(names or ["edited"])])[:120]
