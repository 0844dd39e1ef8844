"""The words of the app's API: what gradio, view_api and agents show for each endpoint and parameter.

gradio reads a description up to the end of its line, so each stands on one line here, however long.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, Signature

from ..expressions import MAX_INTENSITY
from .settings import Settings
from .strings import hours

FORMATS = "JPEG, PNG, WebP, TIFF, GIF, BMP or AVIF, at most {megabytes} MB and {megapixels} megapixels."
PICTURE = (
    "The picture: a file uploaded to this server, which stays here for {hours}. gradio_client uploads by itself: "
    "handle_file('portrait.jpg'). Others send the file by POST to /gradio_api/upload, as the form field \"files\", and give "
    "the path in the answer, or the address at which this server shows it, /gradio_api/file= and the path. A picture under "
    "{written} MB may be written out instead: data:image/jpeg;base64,... Other addresses are not opened. " + FORMATS
)
AGENT_PICTURE = (
    "The picture: a file uploaded to this server, which stays here for {hours}. To upload one: curl -F "
    "files=@portrait.jpg {server}/gradio_api/upload, which prints its path. Give that path, or the address "
    "{server}/gradio_api/file= and the path; the address of an earlier result will do too. A picture under {written} MB may "
    "be written out instead: data:image/jpeg;base64,... Other addresses are not opened. " + FORMATS
)
EXPRESSION = (
    "afraid, angry, disgusted, happy, neutral, sad or surprised, or another name that /expressions lists; or a blend of "
    'them with weights, as text (happy=0.6, surprised=0.4) or as a JSON mapping ({{"happy": 0.6, "surprised": 0.4}}). '
    "Left empty, it is happy, or nothing where controls, preset, like or recipe is given."
)
STOPS = (
    "Where the animation goes, as for /edit: one expression, or several as a JSON list or as text with semicolons "
    "(happy; surprised), at most {stops}. It starts and ends at the picture itself. Left empty, it is happy."
)
INTENSITY = "How strong: 0 leaves the picture as it is, 1 is the full expression, up to {intensity} exaggerates."
FACES = (
    "Which faces: largest; all (the {faces} largest at most); or numbers separated by commas, such as 1, 3. "
    "They are numbered from 1, the largest first, as /find_faces lists them."
)
FACE = "Whose sprites: largest, or the number of a face, such as 2, numbered from 1, the largest first."
BOX = (
    "Only for a face that is not found: its left, top, right and bottom in pixels, such as 120, 80, 420, 460. "
    "Leave it empty otherwise."
)
POINTS = (
    "Only for a face that is not found: x and y in pixels of its right eye, left eye, nose tip, right and left corner of the "
    "mouth (the subject's right), ten numbers or five pairs. Leave it empty otherwise."
)
REGION = (
    "The part of the face that may change: mouth, eyes (with the brows), or a map as rows of numbers from 0 to 1 over the "
    "aligned face. Left empty, it is the whole face."
)
CONTROLS = (
    "Parts of the face to move, on top of the expression or alone, as text (jaw_open=0.4, smile=0.3) or as a JSON mapping. "
    "/controls lists those that this model has; it may have none."
)
PRESET = (
    "A named mixture of expressions and controls that /presets lists, such as joy; or one of your own, a JSON object with "
    "expression, controls and intensity. It stands in place of expression and controls."
)
LIKE = (
    "Another picture, given as picture is: its largest face shows the expression that is wanted. It stands in place of "
    "expression, controls and preset. Leave it empty otherwise."
)
RECIPE = (
    "A whole edit as JSON, as /edit writes it into its results and docs/recipes.md describes it. It stands in place of "
    "expression, controls, preset, like, intensity and region."
)
FORMAT = "Format of the result: png, jpg, webp, tiff or avif. All keep the note that the picture was edited."
FILM_FORMAT = "Format of the film: mp4, webp or gif. Only webp and gif keep transparency."
SECONDS = "How long each stage takes, 0.1 to {seconds} seconds; n expressions have n + 1 stages. 20 frames a second."
TOGETHER = (
    "How the pictures come: zip, a file with one picture for each expression; or sheet, all on one picture with names."
)
SPRITE_FORMAT = "Format of the pictures in the ZIP file: png or webp. Both keep transparency."
CROP = "What of the picture is shown: portrait, a square round head and shoulders; or whole, all of it."
SIDE = "Longest side of the pictures in pixels, 64 to 1024; nothing is enlarged."
EDITED = (
    "The edited picture: a file of the same size, marked as edited in its metadata, with the recipe of the edit in it."
)
FOUND = (
    '{{"faces": [{{"number": 1, "box": [left, top, right, bottom], "score": 0.94}}], "found": 1}}: boxes in pixels of the '
    "upright picture. found says how many there are, those beyond the limit too."
)
KNOWN = '{{"happy": ["happiness", "joy"], ...}}: each expression with the other names that are accepted for it.'
FILM = "The film: a file that loops, at most {film} pixels a side, marked as edited in its metadata."
ALL = "A ZIP file with a picture for each expression, such as happy.png; or one PNG picture of all of them."
SPRITES = "A ZIP file with 28 pictures, such as joy.png, and sprites.json, which says what each of them shows."
PRESETS = '{{"joy": {{"expression": {{"happy": 1}}, "controls": {{}}, "intensity": 1}}, ...}}: those that this model can show.'
PARTS = '{{"jaw_open": {{"least": -1, "most": 1, "plus": "mouth open", "minus": "..."}}}}: empty for a model without controls.'

SUMMARIES = {
    "edit": "Change the facial expression in a picture of a person, statue or avatar; the rest of it stays as it is.",
    "find_faces": "List the faces in a picture, the largest first, the {faces} largest at most.",
    "expressions": "List the expressions the model knows, with the other names that are accepted for each.",
    "animate": "Make a short film that moves from a picture to an expression, or through several, and back.",
    "edit_all": "Make every expression of the model from one picture, as a ZIP file or as one sheet.",
    "sprites": "Make the 28 pictures of a character that role-play front ends show, as one ZIP file.",
    "presets": "List the presets, named mixtures of expressions and controls, that this model can show.",
    "controls": "List the facial controls of this model, parts of a face that move by themselves, with their ranges.",
}
_PLACE = {"faces": FACES, "box": BOX}
PARAMETERS = {
    "edit": {
        "picture": PICTURE,
        "expression": EXPRESSION,
        "intensity": INTENSITY,
        **_PLACE,
        "region": REGION,
        "points": POINTS,
        "controls": CONTROLS,
        "preset": PRESET,
        "like": LIKE,
        "recipe": RECIPE,
        "format": FORMAT,
    },
    "find_faces": {"picture": PICTURE},
    "expressions": {},
    "animate": {
        "picture": PICTURE,
        "expression": STOPS,
        "intensity": INTENSITY,
        **_PLACE,
        "region": REGION,
        "controls": CONTROLS,
        "preset": PRESET,
        "seconds": SECONDS,
        "format": FILM_FORMAT,
    },
    "edit_all": {
        "picture": PICTURE,
        "intensity": INTENSITY,
        **_PLACE,
        "region": REGION,
        "together": TOGETHER,
        "format": FORMAT,
    },
    "sprites": {
        "picture": PICTURE,
        "faces": FACE,
        "crop": CROP,
        "side": SIDE,
        "intensity": INTENSITY,
        "format": SPRITE_FORMAT,
    },
    "presets": {},
    "controls": {},
}
# What a parameter is where it is left out; a picture is needed.
DEFAULTS: dict[str, str | float] = {
    "expression": "",
    "intensity": 1.0,
    "faces": "largest",
    "box": "",
    "region": "",
    "points": "",
    "controls": "",
    "preset": "",
    "like": "",
    "recipe": "",
    "format": "png",
    "seconds": 1.2,
    "together": "zip",
    "crop": "portrait",
    "side": 512,
}
FILM_DEFAULT = "mp4"
PICTURES = ("picture", "like")  # parameters that are files
RESULTS = {
    "edit": EDITED,
    "find_faces": FOUND,
    "expressions": KNOWN,
    "animate": FILM,
    "edit_all": ALL,
    "sprites": SPRITES,
    "presets": PRESETS,
    "controls": PARTS,
}
MOST_STOPS, MOST_SECONDS, FILM_SIDE = 4, 3, 720  # of an animation: what one caller may ask of a host
PUBLIC = tuple(SUMMARIES)  # gradio lets anyone call private handlers by name; we do not
SERVED = "/gradio_api/file="  # where gradio serves the folder of uploads, by the full path alone

NOT_UPLOADED = (
    "There is no such upload here. Send the picture first: gradio_client does with handle_file('portrait.jpg'), others by "
    "POST to /gradio_api/upload, whose answer is the path to give. Uploads are deleted after a while."
)
GONE = "This file is not on the server, or not any more: add the picture again."
NOT_OPENED = "Addresses are not opened: upload the picture and pass its path."
BROKEN = "Something went wrong in this app, and its log says what. Try again, or try another picture."


def limits(settings: Settings) -> dict[str, object]:
    """What the descriptions say of this host."""
    return {
        "hours": hours(settings.keep_hours),
        "megabytes": settings.max_upload_mb,
        "written": min(3, settings.max_upload_mb),  # what fits into a call, as base64
        "megapixels": settings.max_megapixels,
        "faces": settings.max_faces,
        "intensity": f"{MAX_INTENSITY:g}",
        "stops": MOST_STOPS,
        "seconds": MOST_SECONDS,
        "film": FILM_SIDE,
    }


def described(handler: Callable, name: str, values: Mapping[str, object]) -> Callable:
    """The handler with the signature and the docstring that gradio hands to those who call it."""

    @wraps(handler)
    def endpoint(*arguments):
        return handler(*arguments)

    # gradio names the parameters as this says, whatever the handler is called with.
    parameters = [Parameter(key, Parameter.POSITIONAL_OR_KEYWORD) for key in PARAMETERS[name]]
    endpoint.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    lines = [SUMMARIES[name], "", "Args:", *(f"    {key}: {text}" for key, text in PARAMETERS[name].items())]
    endpoint.__doc__ = "\n".join([*lines, "", "Returns:", f"    {RESULTS[name]}"]).format(**values)
    return endpoint
