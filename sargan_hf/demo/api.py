"""The app's public functions: named endpoints for `gradio_client` and curl, and tools for agents over MCP.

Their descriptions are in `api_texts`, the accepted values of parameters in `arguments`.
"""

from ..editing.pipeline_sargan import SARGANPipeline
from ..editing.session import EditSession
from ..errors import ConfigurationError, ImageError, NoFaceError
from ..expressions import ALIASES
from ..faces.choice import FaceChoice
from ..faces.detection import Face
from ..images import load_image
from .arguments import parse_blend, parse_box, parse_faces, parse_intensity
from .handlers import Handlers, friendly
from .settings import Settings

Upload = str | bytes | None  # a file in the folder of uploads, or the file itself


class PublicAPI:
    """The functions behind the endpoints /edit, /find_faces and /expressions."""

    def __init__(self, pipeline: SARGANPipeline, handlers: Handlers, settings: Settings):
        self.pipeline = pipeline
        self.handlers = handlers
        self.settings = settings

    @friendly
    def edit(
        self,
        picture: Upload,
        expression: object = "happy",
        intensity: object = 1.0,
        faces: object = "largest",
        box: object = None,
    ) -> str:
        """Changes the expression in a picture; returns the path of a PNG file that says that it was edited."""
        blend, strength = parse_blend(expression), parse_intensity(intensity)
        wanted, drawn = parse_faces(faces), parse_box(box)
        if drawn is not None and wanted != "largest":
            raise ConfigurationError("Give box or faces, not both: a box stands for a face of its own.")
        session = self._open(picture)
        chosen = self._within_limit(session, wanted)
        try:
            found = session.find_faces(chosen, box=drawn)
        except NoFaceError:
            if drawn is not None:
                raise
            count = 0 if wanted == "largest" else len(self._find(session))
            raise self._no_such_face(session.image.name, wanted, count) from None
        edited, _ = session.edit(found, session.requests(blend, len(found), intensity=strength))
        return self.handlers.save(edited, "edited", credentials=self.handlers.credentials)

    @friendly
    def find_faces(self, picture: Upload) -> dict:
        """Lists the faces in a picture, the largest first; those beyond the host's limit are counted only."""
        found = self._find(self._open(picture))
        return {
            "faces": [
                {"number": i + 1, "box": [round(float(side), 1) for side in face.box], "score": round(face.score, 3)}
                for i, face in enumerate(found[: self.settings.max_faces])
            ],
            "found": len(found),
        }

    def expressions(self) -> dict:
        """Lists the expressions the model knows, with the other names that are accepted for each."""
        return {name: list(ALIASES.get(name, ())) for name in self.pipeline.generator.expressions}

    def _open(self, picture: Upload) -> EditSession:
        """A session of the picture, which is refused by its header when it is larger than this host accepts."""
        if picture is None:
            raise ImageError("No picture came with the call: upload one first, and give its path as picture.")
        return self.pipeline.open(load_image(picture, max_pixels=self.settings.max_pixels))

    def _find(self, session: EditSession) -> list[Face]:
        try:
            return session.find_faces("all")
        except NoFaceError:
            return []

    def _within_limit(self, session: EditSession, wanted: str | list[int]) -> FaceChoice:
        """The pipeline's choice of faces, never more than this host edits at once."""
        most = self.settings.max_faces
        if wanted == "all":
            found = len(self._find(session))
            if found == 0:
                raise self._no_such_face(session.image.name, wanted, found)
            wanted = list(range(1, min(found, most) + 1))
        if isinstance(wanted, str):
            return wanted
        if max(wanted) > most:
            raise self._no_such_face(session.image.name, wanted, len(self._find(session)))
        return wanted

    def _no_such_face(self, name: str, wanted: str | list[int], found: int) -> NoFaceError:
        """Why there is nothing to edit, in the words and numbers of the API."""
        if found == 0:
            return NoFaceError(
                f"No face was found in {name}. Say where it is by box: its left, top, right and bottom in pixels, "
                f"such as 120, 80, 420, 460."
            )
        count = f"{found} face{'' if found == 1 else 's'}, numbered from 1, the largest first"
        if found > self.settings.max_faces:
            count += f"; the {self.settings.max_faces} largest can be edited"
        return NoFaceError(f"{name} has {count}: got faces={', '.join(str(number)[:12] for number in wanted)}.")
