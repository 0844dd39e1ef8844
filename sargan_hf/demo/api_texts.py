"""The words of the app's API: what gradio, view_api and agents show for each endpoint and parameter.

gradio reads a description up to the end of its line, so each stands on one line here, however long.
"""

from collections.abc import Callable, Mapping
from functools import wraps

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
    'them with weights, as text (happy=0.6, surprised=0.4) or as a JSON mapping ({{"happy": 0.6, "surprised": 0.4}}).'
)
INTENSITY = "How strong: 0 leaves the picture as it is, 1 is the full expression, up to {intensity} exaggerates."
FACES = (
    "Which faces: largest; all (the {faces} largest at most); or numbers separated by commas, such as 1, 3. "
    "They are numbered from 1, the largest first, as /find_faces lists them."
)
BOX = (
    "Only for a face that is not found: its left, top, right and bottom in pixels, such as 120, 80, 420, 460. "
    "Leave it empty otherwise."
)
EDITED = "The edited picture: a PNG file of the same size, marked as edited in its metadata."
FOUND = (
    '{{"faces": [{{"number": 1, "box": [left, top, right, bottom], "score": 0.94}}], "found": 1}}: boxes in pixels of the '
    "upright picture. found says how many there are, those beyond the limit too."
)
KNOWN = '{{"happy": ["happiness", "joy"], ...}}: each expression with the other names that are accepted for it.'

SUMMARIES = {
    "edit": "Change the facial expression in a picture of a person, statue or avatar; the rest of it stays as it is.",
    "find_faces": "List the faces in a picture, the largest first, the {faces} largest at most.",
    "expressions": "List the expressions the model knows, with the other names that are accepted for each.",
}
PARAMETERS = {
    "edit": {"picture": PICTURE, "expression": EXPRESSION, "intensity": INTENSITY, "faces": FACES, "box": BOX},
    "find_faces": {"picture": PICTURE},
    "expressions": {},
}
RESULTS = {"edit": EDITED, "find_faces": FOUND, "expressions": KNOWN}
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
    }


def described(handler: Callable, name: str, values: Mapping[str, object]) -> Callable:
    """The handler with the docstring that gradio hands to those who call it."""

    @wraps(handler)
    def endpoint(*arguments):
        return handler(*arguments)

    lines = [SUMMARIES[name], "", "Args:", *(f"    {key}: {text}" for key, text in PARAMETERS[name].items())]
    endpoint.__doc__ = "\n".join([*lines, "", "Returns:", f"    {RESULTS[name]}"]).format(**values)
    return endpoint
