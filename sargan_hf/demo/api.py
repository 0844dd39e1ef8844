"""The app's public functions: named endpoints for `gradio_client` and curl, and tools for agents over MCP.

Their descriptions are in `api_texts`, the accepted values of parameters in `arguments`.
"""

from typing import Any

from PIL import Image

from ..controls import CONTROLS
from ..editing.animation import animate_faces
from ..editing.pipeline_sargan import SARGANPipeline
from ..editing.recipe import EditRecipe
from ..editing.requests import combined, face_requests
from ..editing.session import EditSession
from ..editing.sprites import CROPS, FORMATS, sprites_of
from ..errors import ConfigurationError, ControlError, ExpressionError, ImageError, NoFaceError
from ..expressions import ALIASES
from ..faces.choice import FaceChoice
from ..faces.detection import Face
from ..images import load_image, save_image
from ..images.content_credentials import sign_image
from ..images.picture_packs import sheet_of, zip_of
from ..images.whole_files import write_whole
from ..presets import shipped_presets
from .api_texts import DEFAULTS, FILM_SIDE, PARAMETERS
from .arguments import parse_blend, parse_box, parse_faces, parse_intensity, read_picture
from .edit_arguments import (
    is_empty,
    parse_choice,
    parse_controls,
    parse_points,
    parse_preset,
    parse_recipe,
    parse_region,
    parse_seconds,
    parse_side,
    parse_stops,
)
from .error_wording import friendly
from .handlers import Handlers
from .settings import Settings

Upload = str | bytes | None  # a file in the folder of uploads, or the file itself
PICTURE_FORMATS = ("png", "jpg", "webp", "tiff", "avif")
FILM_FORMATS = ("mp4", "webp", "gif")
QUICK_PNG = {"compress_level": 1}


class PublicAPI:
    """The functions behind the public endpoints. Each takes the values of its parameters in the order of `PARAMETERS`."""

    def __init__(self, pipeline: SARGANPipeline, handlers: Handlers, settings: Settings):
        self.pipeline = pipeline
        self.handlers = handlers
        self.settings = settings

    @friendly
    def edit(self, picture: Upload, *asked: object) -> str:
        """Changes the expression in a picture; returns the path of a file that says that it was edited."""
        given = _given("edit", asked)
        ending = parse_choice(given["format"], "format", PICTURE_FORMATS)
        recipe, wish = self._wish(given)
        faces, box = parse_faces(given["faces"]), parse_box(given["box"])
        if recipe is not None and faces == DEFAULTS["faces"] and box is None:
            faces = recipe.faces if isinstance(recipe.faces, str) else list(recipe.faces)
        session = self._open(picture)
        found = self._chosen(session, faces, box, parse_points(given["points"]))
        edited, _ = session.edit(found, session.requests(count=len(found), **wish))
        return self._save_picture(edited, "edited", ending)

    @friendly
    def animate(self, picture: Upload, *asked: object) -> str:
        """A film from the picture through expressions and back; returns its path."""
        given = _given("animate", asked)
        kind, seconds = parse_choice(given["format"], "format", FILM_FORMATS), parse_seconds(given["seconds"])
        journey = {
            "expression": parse_stops(given["expression"]),
            "controls": parse_controls(given["controls"]),
            "preset": parse_preset(given["preset"]),
            "intensity": parse_intensity(given["intensity"]),
            "region": parse_region(given["region"]),
        }
        session, found = self._placed(picture, given)
        film = animate_faces(session, found, **journey, seconds=seconds, max_side=FILM_SIDE)
        path = film.save(self.handlers.new_file(f"animation.{kind}"))
        if self.handlers.credentials is not None:
            sign_image(path, self.handlers.credentials)
        return str(path)

    @friendly
    def edit_all(self, picture: Upload, *asked: object) -> str:
        """Every expression of the model, as a ZIP file or as a sheet; returns its path."""
        given = _given("edit_all", asked)
        together = parse_choice(given["together"], "together", ("zip", "sheet"))
        ending = parse_choice(given["format"], "format", PICTURE_FORMATS)
        strength, region = parse_intensity(given["intensity"]), parse_region(given["region"])
        if together == "sheet" and ending != DEFAULTS["format"]:
            raise ConfigurationError("format is that of the pictures in a ZIP file; a sheet is a PNG picture.")
        session, found = self._placed(picture, given)
        images = {
            name: session.edit(found, session.requests(name, len(found), intensity=strength, region=region))[0]
            for name in self.pipeline.generator.expressions
        }
        if together == "sheet":
            return self._save_picture(sheet_of(images), "expressions", "png")
        return str(write_whole(self.handlers.new_file("expressions.zip"), zip_of(images, ending)))

    @friendly
    def sprites(self, picture: Upload, *asked: object) -> str:
        """The pictures of a character, as a ZIP file; returns its path."""
        given = _given("sprites", asked)
        ending = parse_choice(given["format"], "format", FORMATS)
        settings = {
            "crop": parse_choice(given["crop"], "crop", CROPS),
            "side": parse_side(given["side"]),
            "intensity": parse_intensity(given["intensity"]),
        }
        faces = parse_faces(given["faces"])
        if faces == "all" or (isinstance(faces, list) and len(faces) > 1):
            raise ConfigurationError("Sprites are of one face: faces is largest, or one number.")
        session = self._open(picture)
        pack = sprites_of(session, self._chosen(session, faces)[0], **settings)
        return str(pack.save(self.handlers.new_file("sprites.zip"), ending))

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

    def presets(self) -> dict:
        """The presets that the model can show, each as JSON."""
        return {name: preset.to_json() for name, preset in shipped_presets().items() if self._can_show(preset)}

    def controls(self) -> dict:
        """The facial controls of the model, with their ranges and what their ends do."""
        known = {control.name: control for control in CONTROLS}
        return {
            name: {
                "least": known[name].least if name in known else -1.0,
                "most": 1.0,
                "plus": known[name].plus if name in known else "",
                "minus": known[name].minus if name in known else "",
            }
            for name in self.pipeline.controls
        }

    def _can_show(self, preset: Any) -> bool:
        try:
            wish = combined(None, None, preset, 1.0)
            face_requests(wish, 1, self.pipeline.generator.expressions, self.pipeline.controls)
        except (ControlError, ExpressionError):
            return False
        return True

    def _wish(self, given: dict[str, Any]) -> tuple[EditRecipe | None, dict[str, Any]]:
        """What is asked of the faces, as arguments of `EditSession.requests`, and the recipe where one says it."""
        recipe = parse_recipe(given["recipe"])
        if recipe is not None:
            names = ("expression", "controls", "preset", "like", "region", "intensity")
            beside = [name for name in names if not is_empty(given[name]) and given[name] != DEFAULTS[name]]
            if beside:
                raise ConfigurationError(f"recipe says the whole edit: leave out {beside[0]}, or leave out recipe.")
            settings = recipe.settings
            return recipe, {name: settings[name] for name in settings if name != "faces"}
        like = None if is_empty(given["like"]) else self._open(self._upload(given["like"]), "like").image
        wish = self.pipeline.wish(
            parse_blend(given["expression"]),
            parse_controls(given["controls"]),
            parse_preset(given["preset"]),
            parse_intensity(given["intensity"]),
            like=like,
        )
        return None, dict(wish) | {"region": parse_region(given["region"])}

    def _upload(self, value: object) -> Upload:
        return read_picture(value, self.handlers.cache, "like")

    def _placed(self, picture: Upload, given: dict[str, Any]) -> tuple[EditSession, list[Face]]:
        faces, box = parse_faces(given["faces"]), parse_box(given["box"])
        session = self._open(picture)
        return session, self._chosen(session, faces, box)

    def _chosen(self, session: EditSession, wanted: str | list[int], box: Any = None, points: Any = None) -> list[Face]:
        """The faces to edit, found or given by hand."""
        by_hand = box is not None or points is not None
        if by_hand and wanted != "largest":
            name, stands = ("points", "points stand") if box is None else ("box", "a box stands")
            raise ConfigurationError(f"Give {name} or faces, not both: {stands} for a face of its own.")
        if box is not None and points is not None:
            raise ConfigurationError("Give box or points, not both: each says where one face is.")
        chosen = self._within_limit(session, wanted)
        try:
            return session.find_faces(chosen, box=box, points=points)
        except NoFaceError:
            if by_hand:
                raise
            count = 0 if wanted == "largest" else len(self._find(session))
            raise self._no_such_face(session.image.name, wanted, count) from None

    def _save_picture(self, image: Image.Image, name: str, ending: str) -> str:
        path = self.handlers.new_file(f"{name}.{ending}")
        return str(save_image(image, path, self.handlers.credentials, **(QUICK_PNG if ending == "png" else {})))

    def _open(self, picture: Upload, name: str = "picture") -> EditSession:
        """A session of the picture, which is refused by its header when it is larger than this host accepts."""
        if picture is None:
            raise ImageError(f"No picture came with the call: upload one first, and give its path as {name}.")
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


def _given(endpoint: str, asked: tuple[object, ...]) -> dict[str, Any]:
    """The values of a call by their names, all but the picture."""
    names = [name for name in PARAMETERS[endpoint] if name != "picture"]
    return {name: DEFAULTS[name] for name in names} | dict(zip(names, asked, strict=False))
