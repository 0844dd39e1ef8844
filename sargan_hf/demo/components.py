"""The page's own components: HTML with a script each. They share the desk of assets/desk.js, where the visitor's wish lies.

gradio's components ask the server about every event, and repeat what was asked before; these ask through the desk alone.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from .opening_edit import Opening
from .strings import (
    AFTER,
    AFTER_THE_EDIT,
    ALL_ALIKE,
    AS_IT_IS,
    BEFORE,
    BEFORE_THE_EDIT,
    BOX,
    CAMERA,
    CHOOSE_PICTURE,
    DROP_HERE,
    EXAMPLE_NAMED,
    EXAMPLES,
    FILE_OF_PICTURE,
    FULL_SCREEN,
    HOLD,
    HOW_TO_DRAW,
    LABELS,
    LIKE,
    LIKE_BUSY,
    LIKE_FILE,
    LIKE_HELP,
    LIKE_MADE,
    LINE,
    NO_PICTURE,
    PASTE,
    RECIPE_BUSY,
    RECIPE_FILE,
    RECIPE_HELP,
    RECIPE_LOAD,
    RECIPE_MADE,
    RECIPE_PANEL,
    RECIPE_SAVE,
    REDO,
    REMOVE_PICTURE,
    UNDO,
    WHOSE,
    YOUR_PICTURE,
)

ASSETS = Path(__file__).parent / "assets"
# Drawings, see `icon`: an arrow back and one on, and the corners of a screen.
BACK = "M4 9h10a5 5 0 0 1 0 10H8M4 9l4-4M4 9l4 4"
ON = "M20 9H10a5 5 0 0 0 0 10h6M20 9l-4-4M20 9l-4 4"
RECIPE_BUTTON = "recipe-save"  # the button's id
CORNERS = "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"


def own_component(script: str, template: str, value: object = None, **options: Any) -> gr.HTML:
    """A component of `template`, brought to life by assets/`script` with the desk at hand.

    Args:
        options: of `gr.HTML`; `wiring`, a dictionary, is what the script needs to know (`props.wiring`).
    """
    code = "\n".join((ASSETS / name).read_text() for name in ("desk.js", script))
    return gr.HTML(value, html_template=template, js_on_load=code, apply_default_css=False, **options)


def icon(path: str) -> str:
    """A drawing of lines, 24 by 24, in the colour of the text; no font has to have it."""
    return (
        '<svg viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" stroke-width="2" '
        f'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="{path}"/></svg>'
    )


def stage(close_view: str) -> gr.HTML:
    """The picture before and after, with the line between them.

    Args:
        close_view: how the wish calls the view that shows the face alone.
    """
    template = f"""
<div class="stage-area">
  <div class="stage-frame">
    <div class="stage-line" aria-hidden="true"></div>
  </div>
  <button type="button" class="picture-choose picture-empty">{DROP_HERE}</button>
</div>
<div class="stage-tools">
  <span class="stage-word">{BEFORE}</span>
  <input type="range" class="stage-slider" min="0" max="100" value="50" role="slider" aria-label="{LINE}">
  <span class="stage-word">{AFTER}</span>
  <button type="button" class="stage-hold" aria-pressed="false">{HOLD}</button>
  <button type="button" class="stage-undo" aria-label="{UNDO}" title="{UNDO}">{icon(BACK)}</button>
  <button type="button" class="stage-redo" aria-label="{REDO}" title="{REDO}">{icon(ON)}</button>
  <button type="button" class="stage-full" aria-label="{FULL_SCREEN}" title="{FULL_SCREEN}">{icon(CORNERS)}</button>
</div>
"""
    wiring = {"before": BEFORE_THE_EDIT, "after": AFTER_THE_EDIT, "plain": YOUR_PICTURE, "close": close_view}
    return own_component("stage.js", template, wiring=wiring, elem_id="result")


def picture_box(max_upload_mb: int) -> gr.HTML:
    """Where a picture comes in; larger files than `max_upload_mb` are refused before they are sent."""
    template = f"""
<div class="own-buttons">
  <button type="button" class="picture-choose is-primary">{CHOOSE_PICTURE}</button>
  <button type="button" class="picture-camera">{CAMERA}</button>
  <button type="button" class="picture-paste">{PASTE}</button>
  <button type="button" class="picture-remove" aria-label="{REMOVE_PICTURE}" title="{REMOVE_PICTURE}">✕</button>
</div>
<p class="picture-named"></p>
<div class="picture-said" role="alert"></div>
<input type="file" accept="image/*" aria-label="{FILE_OF_PICTURE}" tabindex="-1" class="visually-hidden">
"""
    return own_component("picture.js", template, wiring={"megabytes": max_upload_mb}, elem_id="picture")


def example_box(tabs: Mapping[str, Sequence[str]], opening: Opening) -> gr.HTML:
    """The examples in tabs: small pictures in a row, each with the work and its artist below.

    Args:
        tabs: names of the pictures by tab, in the order in which they are shown.
        opening: their addresses and captions.
    """
    heads, panels = [], []
    for number, (tab, names) in enumerate(tabs.items()):
        first = number == 0
        heads.append(
            f'<button type="button" role="tab" id="tab-{number}" aria-controls="examples-{number}" '
            f'aria-selected="{str(first).lower()}" tabindex="{0 if first else -1}">{escape(tab)}</button>'
        )
        items = "".join(_example(name, opening) for name in names if name in opening.tiles)
        panels.append(
            f'<div role="tabpanel" id="examples-{number}" aria-labelledby="tab-{number}" class="gallery" '
            f"{'' if first else 'hidden'}>{items}</div>"
        )
    template = f'<div role="tablist" aria-label="{EXAMPLES}">{"".join(heads)}</div>{"".join(panels)}'
    return own_component("examples.js", template, elem_id="examples", elem_classes="examples")


def _example(name: str, opening: Opening) -> str:
    words = {language: escape(text) for language, text in opening.captions[name].items()}
    said = " ".join(f'data-{language}="{text}"' for language, text in words.items())
    return (
        f'<button type="button" class="gallery-item" data-name="{escape(name)}" data-url="{opening.pictures[name]}" '
        f'aria-label="{EXAMPLE_NAMED.format(name=words["en"])}" title="{words["en"]}" {said}>'
        f'<img src="{opening.tiles[name]}" alt="" loading="lazy" width="88" height="88"><span>{words["en"]}</span></button>'
    )


def expression_buttons(expressions: Sequence[str], as_it_is: bool = False) -> gr.HTML:
    """One button for each expression, and the place where a screen reader is told what the page does.

    Args:
        as_it_is: whether there is a button for no expression, which a model with controls knows.
    """
    labels = {name: LABELS.get(name, name.capitalize()) for name in expressions}
    labels |= {"": AS_IT_IS} if as_it_is else {}
    buttons = "".join(
        f'<button type="button" name="{escape(name)}" id="expression-{escape(name) or "none"}" aria-pressed="false">'
        f"<span>{escape(label)}</span></button>"
        for name, label in labels.items()
    )
    template = f'{buttons}<div role="status" class="visually-hidden"></div>'
    return own_component("expressions.js", template, wiring={"labels": labels}, elem_id="expressions")


def face_chooser() -> gr.HTML:
    """Which faces are edited, and boxes for those that were not found."""
    template = f"""
<p class="faces-notice" id="face-notice"></p>
<fieldset hidden><legend>Faces to edit</legend><div></div></fieldset>
<div class="faces-picture"><img alt="The faces in your picture"><svg preserveAspectRatio="none" aria-hidden="true"></svg></div>
<div class="own-buttons">
  <button type="button" class="faces-add" aria-pressed="false">Add a box by hand</button>
  <button type="button" class="faces-again" aria-pressed="false">Draw the box again</button>
  <button type="button" class="faces-remove">Remove the boxes</button>
</div>
<details id="face-box" hidden><summary>{BOX}</summary><form>
  <label><span class="faces-info"></span>
    <input type="text" maxlength="60" placeholder="120, 80, 420, 460" autocomplete="off"></label>
  <button type="submit">Use this box</button>
</form></details>
"""
    return own_component("faces.js", template, wiring={"nothing": NO_PICTURE, "how": HOW_TO_DRAW}, elem_id="faces")


def face_switch() -> gr.HTML:
    """Whose expression the controls are for, where several faces are edited."""
    template = f'<fieldset hidden><legend>{WHOSE}</legend><div class="whose-faces"></div></fieldset>'
    return own_component("whose.js", template, wiring={"alike": ALL_ALIKE}, elem_id="whose")


def other_file_box(order: str, words: Mapping[str, str], accept: str, panel: str = "{}") -> gr.HTML:
    """Where another file comes in that says what is wanted: chosen, dropped, or pasted while the keyboard is there.

    Args:
        order: what reads it; the value of the component is what came of it.
        words: the button, help, label (of the file), and what is said while it is read (busy) and afterwards (made).
        accept: the files to choose among, as HTML says it.
        panel: what is around it.
    """
    template = panel.format(f"""
<div class="other-file" data-takes="{order}">
  <img class="other-shown" alt="" hidden>
  <div class="other-words">
    <button type="button" class="other-choose">{words["button"]}</button>
    <span class="other-help">{words["help"]}</span>
    <div class="other-note" role="status"></div>
  </div>
  <input type="file" accept="{accept}" aria-label="{words["label"]}" tabindex="-1" class="visually-hidden">
</div>
""")
    wiring = {"order": order, "busy": words["busy"], "made": words["made"]}
    return own_component("other-file.js", template, wiring=wiring, elem_id=order)


def like_box() -> gr.HTML:
    """Where another picture comes in whose expression is wanted."""
    words = {"button": LIKE, "help": LIKE_HELP, "label": LIKE_FILE, "busy": LIKE_BUSY, "made": LIKE_MADE}
    return other_file_box("like", words, "image/*")


def recipe_box() -> gr.HTML:
    """The edit as a recipe, and where one comes in.

    It is a panel of its own, since gradio's have nothing in them while they are folded, and a recipe may be dropped anywhere.
    """
    words = {
        "button": RECIPE_LOAD, "help": RECIPE_HELP, "label": RECIPE_FILE, "busy": RECIPE_BUSY, "made": RECIPE_MADE,
    }  # fmt: skip
    save = f'<button type="button" id="{RECIPE_BUTTON}" class="other-choose orders-file">{RECIPE_SAVE}</button>'
    panel = f"<details><summary>{RECIPE_PANEL}</summary>{{}}{save}</details>"
    return other_file_box("replay", words, ".json,application/json,image/*", panel)


def order_note(order: str, busy: str, button: str) -> gr.HTML:
    """The line below a button that orders a file: that it is being made, that it is there, or what is missing.

    Args:
        order: name of the order.
        busy: what it says meanwhile.
        button: elem_id of the button.
    """
    wiring = {"order": order, "busy": busy, "button": button}
    template = '<div class="order-note" role="status"></div>'
    return own_component("orders.js", template, wiring=wiring, elem_id=f"{order}-note")


def wish_box(
    first_wish: Mapping[str, object], names: Sequence[str], max_intensity: float, opening: Mapping[str, object] | None
) -> gr.HTML:
    """What the page sends: the visitor's wish. Its events are `show` and those that assets/natives.js lists.

    Args:
        opening: the answer that the page begins with, if any.
    """
    wiring = {"names": list(names), "most": max_intensity, "opening": opening}
    return own_component("natives.js", "", dict(first_wish), wiring=wiring, visible="hidden", elem_id="wish")


def answer_box() -> gr.HTML:
    """What comes back: one answer to each wish."""
    return own_component("answer.js", "", visible="hidden", elem_id="answer")
