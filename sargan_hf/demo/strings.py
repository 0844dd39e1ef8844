"""The words on the page."""

from ..controls import CONTROL_LABELS as CONTROL_LABELS

LABELS = {
    "afraid": "Afraid",
    "angry": "Angry",
    "disgusted": "Disgusted",
    "happy": "Happy",
    "neutral": "Neutral",
    "sad": "Sad",
    "surprised": "Surprised",
}
TITLE = "SARGAN: change an expression"
DESCRIPTION = (
    "Make portraits, statues, avatars and photos smile, frown or gasp. Brush strokes and pores stay, at full size."
)
HEADER = """
<header class="masthead">
  <h1>Change the expression, keep the face.</h1>
  <p>Portraits, statues, avatars, photos. Add a picture and press an expression.</p>
</header>
"""
DROP_HERE = "Drop a picture here, paste it with Ctrl+V, or click to choose one"
CHOOSE_PICTURE = "Choose a picture"
CAMERA = "Camera"
PASTE = "Paste"
REMOVE_PICTURE = "Remove the picture"
FILE_OF_PICTURE = "File of the picture"
YOUR_PICTURE = "Your picture"
BEFORE, AFTER = "Before", "After"
BEFORE_THE_EDIT, AFTER_THE_EDIT = "Your picture before the edit", "Your picture after the edit"
LINE = "Line between before and after"
HOLD = "Hold: original"
UNDO, REDO, FULL_SCREEN = "Undo", "Redo", "Full screen"
AS_IT_IS = "As it is"  # of a model with controls: no expression
CONTROLS = "Move parts of the face"
CONTROLS_HELP = (
    "Each starts from what the face shows. Left and right are the face's own. "
    "Double-click a slider, or press Delete, to set it to 0."
)
LOCK = "Left and right together"
ALL_TO_ZERO = "All to 0"
PRESETS = "Presets on this face"
SAVE = "Download the picture"
COPY = "Copy the picture"
ALL_AS_SHEET, ALL_AS_ZIP = "All expressions on a sheet", "All expressions as a ZIP"
LIKE = "Like another picture"
LIKE_HELP = "Choose or drop a second face: this face takes its expression."
LIKE_FILE = "File of the picture whose expression is wanted"
LIKE_BUSY = "Reading the expression …"
LIKE_MADE = "As in {name}."
WHOSE = "The expression is for"
ALL_ALIKE = "All alike"
FILM_ALIKE = "An animation moves all faces alike: press “All alike”, or tick one face."
RECIPE_PANEL = "The same edit again (recipe)"
RECIPE_HELP = (
    "A recipe is this edit as a small JSON file. This page, Python, the command line and the API make it again."
)
RECIPE_SAVE = "Save the recipe"
RECIPE_LOAD = "Load a recipe"
RECIPE_FILE = "File of the recipe, or a picture that was edited here"
RECIPE_BUSY = "Reading the recipe …"
RECIPE_MADE = "As {name} says."
RECIPE_OF_BOX = "A recipe knows no boxes drawn by hand: in their place it says the number of a face, the largest first."
RECIPE_NOT_SHOWN = (
    "The page cannot show this recipe: it has {part}. Nothing was changed. "
    "Python, the command line and the API can make it."
)
RECIPE_TRANSFER = "the transfer {transfer!r}"
RECIPE_WEIGHTS = "weights of expressions that are no blend"
RECIPE_NOTHING = "a face without an expression"
RECIPE_MAP = "a region that is a map of numbers"
RECIPE_MANY = "more faces than the {count} largest, which can be edited here"
RECIPE_FACES = "The recipe is of faces {faces}, and {found} were found in this picture: choose a picture that has them."
NO_RECIPE = "{name} holds no recipe: give a JSON file that was saved as one, or a picture that was edited here."
OTHER_GONE = "The file is not on the server, or not any more: choose it again."
EXAMPLES, EXAMPLE_NAMED = "Examples", "Example: {name}"
VIEW_WHOLE = "Whole picture"
VIEW_FACE = "Close-up of the face"
VIEW_ATTENTION = "Heat map"
VIEWS = (VIEW_WHOLE, VIEW_FACE, VIEW_ATTENTION)
VIEW_INFO = "The heat map is yellow where the program looked most and dark violet where it looked least."
REGION_WHOLE = "Whole face"
PARTS_OF_FACE = (REGION_WHOLE, "Mouth", "Eyes")  # as `editing.masks.REGIONS`
INTENSITY = "0 leaves the picture as it is, 1 is the full expression, more exaggerates."
NO_PICTURE = "Add a picture: its faces appear here."
NO_FACE_YET = "Add a picture with a face first."
NO_FACE = "No face was found. Draw a box around the face, under “Choose faces”, or type its box there."
NO_EXAMPLE = "There is no such example: click one of the pictures that the page shows."
NO_BLEND = "A blend needs at least one expression above zero."
NO_ATTENTION = "This model has no heat map to show."
LAST_FACE = "At least one face stays ticked."
EXPRESSION_FIRST = "{expression} it is. Now add a picture, or click an example."
GONE = "The picture is not here any more: pictures are kept for {hours}. Add it again."
FACES_ONE = "One face was found, and it is the one being edited."
FACES_MANY = "{count} faces were found. Tick those to edit, here or by a click on the picture."
FACES_LIMITED = (
    "{found} faces were found; the {count} largest can be edited. "
    "Tick those to edit, here or by a click on the picture."
)
HOW_TO_DRAW = "Drag from corner to corner, or click the top left corner of the face and then the bottom right one."
FACES_NONE = f"No face was found. Draw a box around the face. {HOW_TO_DRAW}"
FACES_DRAWN = "No face was found; what you drew a box around is edited. Is it not right? Draw the box again."
FACES_BESIDE = "Tick the faces to edit, here or by a click on the picture. A box drawn over a face takes its place."
BOX = "Type a box as numbers"
BOX_INFO = "Left, top, right and bottom in pixels of the picture, which is {width} wide and {height} high."
BOX_SMALL = "That box is only {size}: draw it around the whole face, at least {least:.0f} pixels wide and high."
BOX_EMPTY = "There is no face in that box, only one even colour: draw it around a face."
BOXES_MANY = "At most {count} boxes can be drawn."
EVICTED = "Many people are using this page, and your picture made room for others. Remove it and add it again."
HOW_IT_WORKS = """
The face is straightened to a small square and given to a network together with the wanted expression. The network
answers with **how the skin moves** and **what is painted on top** of the moved picture. Both are enlarged and applied to
your picture at its full resolution, so brush strokes, pores and marble grain stay as sharp as they were. Everything
outside the face stays exactly as it was. In the pictures below the hue of a motion is its direction, and grey means that
nothing is painted.
"""
CONSENT = """
**Be fair.** Edit pictures of yourself, of people who agreed, of works in the public domain or of your own. Do not use edits to
deceive, mock or bully, and do not pass them off as photographs: each download says in its metadata that it was
edited. An edited expression says nothing about what anyone feels or felt.

**Your pictures** stay on this server for at most {hours}, are not looked at, not kept and not used for training.
Location data is removed.
"""
PAPER = "https://arxiv.org/abs/2303.17212"


def face_notice(found: int, usable: int, listed: int) -> str:
    """What the page says about the faces of a picture.

    Args:
        found: faces that were found.
        usable: those of them that can be edited.
        listed: those that can be chosen now, boxes drawn by hand included.
    """
    if not found:
        return FACES_DRAWN if listed else FACES_NONE
    if found > usable:
        return FACES_LIMITED.format(found=found, count=usable)
    if listed > found or found == 0:
        return FACES_BESIDE
    return FACES_ONE if found == 1 else FACES_MANY.format(count=found)


def links(model: str, space: str) -> str:
    """The line of links; the model and the Space are linked where they live on the Hub."""
    hub = "https://huggingface.co"
    parts = [f"[Paper: SARGAN, Akram and Khan, IEEE TCSVT 2023]({PAPER})"]
    if model.count("/") == 1 and not model.startswith((".", "/", "weights/")):
        parts.append(f"[Model card]({hub}/{model})")
    if space:
        parts.append(f"[Code]({hub}/spaces/{space}/tree/main)")
    return " · ".join(parts)


def hours(number: float) -> str:
    """How long pictures are kept, in words."""
    return "an hour" if number == 1 else f"{number:g} hours"
