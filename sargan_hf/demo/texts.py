"""The words on the page."""

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
HEADER = """
<header class="masthead">
  <h1>Change the expression, keep the face.</h1>
  <p>Portraits, statues, avatars, photos. Add a picture, press an expression, drag the line to compare.</p>
</header>
"""
VIEW_WHOLE = "Whole picture"
VIEW_FACE = "Close-up of the face"
VIEW_ATTENTION = "Where the network looked"
VIEWS = (VIEW_WHOLE, VIEW_FACE, VIEW_ATTENTION)
INTENSITY = "0 leaves the picture as it is, 1 is the full expression, more exaggerates."
NO_PICTURE = "Add a picture: its faces appear here."
FACES_ONE = "One face was found, and it is the one being edited."
FACES_MANY = "{count} faces were found. Tick those to edit, here or by a click on the picture."
FACES_NONE = (
    "**No face was found.** Draw a box by hand: click the top left corner of the face, then the bottom right one. "
    "Or type it."
)
BOX = "Box around the face"
BOX_INFO = "Left, top, right and bottom in pixels of the picture, which is {width} wide and {height} high."
PUT_AWAY = (
    "Many people are using this page, and your picture had to be put away to make room. Remove it and add it again."
)
HOW_IT_WORKS = """
The face is straightened to a small square and given to a network together with the wanted expression. The network
answers with **how skin moves** and **what is painted on top** of the moved picture (the residual). Both are enlarged and
applied to your picture at its full resolution, so brush strokes, pores and marble grain stay as sharp as they were, and
everything outside the face stays bit for bit the same. In the pictures below the hue of a motion is its direction, and
grey means that nothing is painted.
"""
CONSENT = """
**Be fair.** Edit pictures of yourself, of people who agreed, of works in the public domain or of your own. Do not use edits to
deceive, mock or bully, and do not pass them off as photographs: each download says in its metadata that it was
edited. An edited expression says nothing about what anyone feels or felt.

**Your pictures** stay on this server for at most {hours}, are not looked at, not kept and not used for training.
Location data is removed.
"""
PAPER = "https://arxiv.org/abs/2303.17212"


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
