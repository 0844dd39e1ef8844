"""One picture on the page: its edit session, and what this visitor saw and chose of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..editing.pipeline_sargan import SARGANPipeline
from ..editing.requests import Box, FaceRequest
from ..editing.session import EditSession
from ..editing.step_cache import StepCache
from ..errors import NoFaceError
from ..faces.detection import Face
from ..images import load_image
from .page_request import FaceWish

KEPT_FILES = 16  # of each kind; gradio deletes files in time
KEPT_BOXES = 32  # faces in boxes drawn by hand: more than four times the faces that can be edited

Key = int | Box  # of a face: its index among those found, or the box that was drawn around it


@dataclass(eq=False)
class PageSession:
    """A picture on the page. What the visitor wants of it is in each `page_request.PageWish`.

    Attributes:
        edits: the open picture and the steps of its edits.
        source: path of the upload, which gradio derives from its content, or name of the example.
        faces: faces that can be chosen, the largest first; empty when none was found.
        found: how many faces were found, those included that cannot be chosen.
        last_chosen: faces that the last answer edited.
        last_boxes: boxes by hand that the last answer had.
        last_blend: expressions that the last answer wore.
        last_current: the face that the page's controls were for in the last answer.
        last_others: what other faces kept in it.
        drawn: faces in boxes drawn by hand.
        befores: files of what the page showed of the picture itself, by the box that was cut out.
        previews: files of a face in every expression, by face and region.
    """

    edits: EditSession
    source: str
    faces: list[Face]
    found: int = 0
    last_chosen: tuple[str, ...] = ()
    last_boxes: tuple[Box, ...] = ()
    last_blend: Mapping[str, float] = field(default_factory=dict)
    last_current: str | None = None
    last_others: Mapping[str, FaceWish] = field(default_factory=dict)
    drawn: StepCache[Box, Face] = field(default_factory=lambda: StepCache(KEPT_BOXES), repr=False)
    befores: StepCache[tuple[int, int, int, int], str] = field(
        default_factory=lambda: StepCache(KEPT_FILES), repr=False
    )
    previews: StepCache[tuple[Key, str | None], list[str]] = field(
        default_factory=lambda: StepCache(KEPT_FILES), repr=False
    )

    @property
    def name(self) -> str:
        """Name of the picture without its suffix, for the files made of it."""
        return Path(self.edits.image.name).stem[:60] or "picture"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        return self.edits.image.size

    @property
    def nbytes(self) -> int:
        """Memory that the picture and what was computed for it take up."""
        return self.edits.nbytes

    def for_another_visitor(self) -> "PageSession":
        """The same open picture, of which nothing is chosen yet."""
        return PageSession(self.edits, self.source, self.faces, self.found)

    def face(self, key: Key) -> Face:
        """The face of a key; one in a box is found again where it was forgotten."""
        if isinstance(key, int):
            return self.faces[key]
        return self.drawn.get(key, lambda: self.edits.find_faces(box=key)[0])

    def request(
        self,
        blend: Mapping[str, float],
        intensity: float = 1.0,
        region: str | None = None,
        controls: Mapping[str, float] | None = None,
    ) -> FaceRequest:
        """What a blend of expressions, or none, and facial controls on top of it ask of a face."""
        return self.edits.requests(
            dict(blend) or None, controls=dict(controls or {}) or None, intensity=intensity, region=region
        )[0]

    def wished(self, wanted: FaceWish) -> FaceRequest:
        """What is asked of one face, as the pipeline says it."""
        return self.request(wanted.blend, wanted.intensity, wanted.area, wanted.controls)

    def each_expression(self, region: str | None = None) -> list[FaceRequest]:
        """What the model's expressions ask of a face, in its order."""
        return [self.request({name: 1.0}, region=region) for name in self.edits.models.generator.expressions]

    def prepare(self, keys: Sequence[Key], requests: Sequence[FaceRequest], previewed: Key) -> None:
        """Has the generator make, in one call, what an answer about the faces of `keys` needs.

        That is what is asked of each of them, and every expression for the one whose previews are shown. One call matters
        where each call waits for a GPU.
        """
        faces, every = [self.face(key) for key in keys], self.each_expression()
        self.edits.outputs([*faces, *[self.face(previewed)] * len(every)], [*requests, *every])


def open_page_session(pipeline: SARGANPipeline, path: str, max_pixels: int, max_faces: int, source: str) -> PageSession:
    """Opens an uploaded picture and finds its faces; a picture without one is kept, for a box drawn by hand.

    Args:
        pipeline: what it will be edited with.
        path: the file.
        max_pixels: of the picture.
        max_faces: how many faces can be chosen.
        source: what the page calls the picture.

    Raises:
        ImageError: the file is not a picture that can be edited.
    """
    edits = pipeline.open(load_image(path, max_pixels=max_pixels))
    try:
        faces = edits.find_faces("all")
    except NoFaceError:
        faces = []
    return PageSession(edits, source, faces[:max_faces], len(faces))
