"""The app's public functions: named endpoints for `gradio_client` and curl, and tools for agents over MCP.

gradio shows each docstring to the caller, so they are written for one who has nothing else.
"""

import gradio as gr
from PIL import Image

from ..expressions import ALIASES
from ..pictures import open_picture
from ..pipeline_sargan import SARGANPipeline
from .handlers import Handlers, friendly
from .settings import Settings
from .sitting import open_sitting


class PublicAPI:
    """The functions behind the endpoints /edit, /find_faces and /expressions."""

    def __init__(self, pipeline: SARGANPipeline, handlers: Handlers, settings: Settings):
        self.pipeline = pipeline
        self.handlers = handlers
        self.settings = settings

    @friendly
    def edit(self, picture: str, expression: str = "happy", intensity: float = 1.0, faces: str = "largest") -> str:
        """Change the facial expression in a picture of a person, statue or avatar; the rest of it stays as it is.

        Args:
            picture: the uploaded picture: JPEG, PNG, WebP, TIFF, BMP or GIF. Over MCP the picture itself, as
                "data:image/jpeg;base64,..."; addresses are not opened.
            expression: afraid, angry, disgusted, happy, neutral, sad or surprised; or a blend such as
                "happy=0.6, surprised=0.4".
            intensity: 0 leaves the picture as it is, 1 is a full expression, up to 1.5 exaggerates.
            faces: "largest", "all", or numbers of faces separated by commas, counted from 1 as /find_faces lists them.

        Returns:
            The edited picture as a PNG file of the same size, marked as edited in its metadata.
        """
        self._require(picture)
        output = self.pipeline(
            self._limited(picture), parse_blend(expression), intensity=intensity, faces=parse_faces(faces)
        )
        return self.handlers.save(output.images[0], "edited", credentials=self.handlers.credentials)

    @friendly
    def find_faces(self, picture: str) -> dict:
        """List the faces in a picture, the largest first.

        Args:
            picture: the uploaded picture; over MCP the picture itself, as "data:image/jpeg;base64,...".

        Returns:
            {"faces": [{"number": 1, "box": [left, top, right, bottom], "score": 0.98}, ...]}, boxes in pixels.
        """
        self._require(picture)
        found = open_sitting(self.pipeline, picture, self.settings.max_pixels, self.settings.max_faces).faces
        return {
            "faces": [
                {"number": i + 1, "box": [round(float(side), 1) for side in face.box], "score": round(face.score, 3)}
                for i, face in enumerate(found)
            ]
        }

    def expressions(self) -> dict:
        """List the expressions the model knows, with the other names that are accepted for each.

        Returns:
            {"happy": ["happiness", "joy", ...], ...}
        """
        return {name: list(ALIASES.get(name, ())) for name in self.pipeline.generator.expressions}

    def _limited(self, path: str) -> Image.Image:
        """The picture with its profile, refused by its header when it is larger than this host accepts."""
        picture = open_picture(path, max_pixels=self.settings.max_pixels)
        return picture.to_image()

    @staticmethod
    def _require(picture: str | None) -> None:
        if picture is None:
            raise gr.Error("No picture came with the call: upload one first.", print_exception=False)


def parse_blend(text: str) -> str | dict[str, float]:
    """Blends from text: "happy" stays as it is; "happy=0.6, surprised=0.4" becomes a mapping."""
    text = str(text)
    if "=" not in text:
        return text
    blend = {}
    for part in text.split(","):
        name, _, weight = part.partition("=")
        try:
            blend[name.strip()] = float(weight)
        except ValueError:
            raise gr.Error(
                f"{part.strip()[:40]!r} is not a weight: write a blend as happy=0.6, surprised=0.4.",
                print_exception=False,
            ) from None
    return blend


def parse_faces(text: str) -> str | list[int]:
    """Faces from text: "largest" and "all" stay; "1, 3" becomes [1, 3]."""
    text = str(text).strip().lower()
    if not text or not all(part.strip().isdecimal() for part in text.split(",")):
        return text or "largest"
    return [int(part) for part in text.split(",")]
