"""What other files say about an edit: a picture whose expression is wanted, and a recipe.

Both become parts of the wish, so they are one step that can be undone, and what follows is what any touch leads to.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..editing.pipeline_sargan import SARGANPipeline
from ..editing.recipe import EditRecipe, RecipeEdit, recipe_text
from ..editing.requests import face_requests, recipe_of
from ..errors import ConfigurationError, RecipeError, SARGANError
from ..images import load_image
from ..inference.protocol import controls_of
from . import strings as texts
from .edit_arguments import parse_recipe
from .error_wording import sentence_of
from .face_selection import Selection
from .page_request import FaceWish, uploaded
from .page_session import PageSession
from .settings import Settings

Parts = dict[str, Any]  # of a wish, as `state_of` names them
REGION_NAMES = {name.lower(): name for name in texts.PARTS_OF_FACE}


def reading(sent: object, read: Callable[[str], Parts]) -> dict[str, Any]:
    """What `read` makes of the file that came with an order, or the sentence that says why it makes nothing of it.

    Args:
        sent: the order; `other` is the upload and `turn` the page's number of it, which comes back.

    Returns:
        A dictionary with turn, name (of the file), picture (that the page shows), parts and problem, one of the two empty.
    """
    order = sent if isinstance(sent, Mapping) else {}
    path = uploaded(order.get("other"))
    about = {"turn": order.get("turn"), "picture": order.get("picture"), "parts": {}, "problem": ""}
    try:
        if path is None or not Path(path).is_file():
            raise ConfigurationError(texts.OTHER_GONE)
        return about | {"name": Path(path).name, "parts": read(path)}
    except SARGANError as error:
        return about | {"name": Path(path or "").name, "problem": sentence_of(error)}


def like_parts(pipeline: SARGANPipeline, path: str, settings: Settings) -> Parts:
    """The expression of another picture, as `SARGANPipeline.wish` reads it.

    Raises:
        ImageError, NoFaceError, ConfigurationError: as `like` of the pipeline.
    """
    wish = pipeline.wish(like=load_image(path, max_pixels=settings.max_pixels))
    names = (pipeline.generator.expressions, pipeline.controls)
    edit = recipe_of(face_requests(wish, 1, *names), *names, "largest").edits[0]
    wanted = face_wish(edit, bool(pipeline.controls))
    return {"blend": dict(wanted.blend), "controls": dict(wanted.controls)}


def recipe_parts(path: str, session: PageSession, selection: Selection) -> Parts:
    """The edit of a recipe, in a file or in the metadata of an edited picture, for the faces of a session.

    Args:
        selection: of faces; drawn ones stand for those of the recipe where none was found.

    Raises:
        RecipeError: it is no recipe, is of faces that the picture does not have, or asks for what the page cannot show.
        SARGANError: it asks for what the model does not know.
    """
    recipe = load_recipe(path)
    faces = _faces(recipe, session, selection)
    if recipe.transfer != "motion":
        raise RecipeError(texts.RECIPE_NOT_SHOWN.format(part=texts.RECIPE_TRANSFER.format(transfer=recipe.transfer)))
    asked = {name: value for name, value in recipe.settings.items() if name != "faces"}
    requests = session.edits.requests(count=len(faces), **asked)
    generator = session.edits.models.generator
    names = (generator.expressions, controls_of(generator))
    edits = recipe_of(requests, *names, "all").edits
    first, *more = (face_wish(edit, bool(names[1])) for edit in edits)
    alike = not more
    others = {} if alike else dict(zip(faces[1:], more, strict=True))
    return first.to_json() | {
        "boxes": [] if session.faces else [list(box) for box in selection.boxes],
        "chosen": faces,
        "current": None if alike else faces[0],
        "others": {name: wanted.to_json() for name, wanted in others.items()},
    }


def load_recipe(path: str) -> EditRecipe:
    """The recipe of an uploaded JSON file or edited picture. No other file is opened, whatever the recipe names.

    Raises:
        RecipeError, PresetError: it is none.
    """
    try:
        text = recipe_text(path)
    except RecipeError:
        text = ""
    if not text.lstrip().startswith("{"):
        raise RecipeError(texts.NO_RECIPE.format(name=Path(path).name))
    recipe = parse_recipe(text)
    assert recipe is not None, "only an empty text is none"
    return recipe


def face_wish(edit: RecipeEdit, controls: bool) -> FaceWish:
    """An edit of a recipe in the page's words.

    Args:
        controls: whether the model has any; else each face has an expression.

    Raises:
        RecipeError: the page has no words for a part of it.
    """
    part = ""
    if isinstance(edit.expression, tuple):
        part = texts.RECIPE_WEIGHTS
    elif not edit.expression and not controls:
        part = texts.RECIPE_NOTHING
    elif edit.region is not None and not isinstance(edit.region, str):
        part = texts.RECIPE_MAP
    if part:
        raise RecipeError(texts.RECIPE_NOT_SHOWN.format(part=part))
    region = texts.REGION_WHOLE if edit.region is None else REGION_NAMES[str(edit.region)]
    return FaceWish(dict(edit.expression), edit.intensity, region, dict(edit.controls))  # type: ignore[arg-type]


def _faces(recipe: EditRecipe, session: PageSession, selection: Selection) -> list[str]:
    """Ids of the faces that a recipe is of, in its order."""
    if not session.faces and recipe.faces == "largest" and selection.chosen:
        return list(selection.chosen)[:1]
    if recipe.faces == "largest":
        wanted = [1]
    else:
        wanted = list(range(1, session.found + 1)) if recipe.faces == "all" else [int(one) for one in recipe.faces]
    if not wanted or max(wanted) > session.found:
        listed = ", ".join(map(str, wanted)) or "all"
        raise RecipeError(texts.RECIPE_FACES.format(faces=listed, found=session.found))
    if max(wanted) > len(session.faces):
        raise RecipeError(texts.RECIPE_NOT_SHOWN.format(part=texts.RECIPE_MANY.format(count=len(session.faces))))
    return [f"f{number - 1}" for number in wanted]
