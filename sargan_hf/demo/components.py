"""The page's own components: HTML with a script each. They share the desk of assets/desk.js, where the visitor's wish lies.

gradio's components ask the server about every event, and repeat what was asked before; these ask through the desk alone.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from .strings import BOX, CHOOSE_PICTURE, DROP_HERE, HOW_TO_DRAW, LABELS, NO_PICTURE

ASSETS = Path(__file__).parent / "assets"


def own_component(script: str, template: str, value: object = None, **options: Any) -> gr.HTML:
    """A component of `template`, brought to life by assets/`script` with the desk at hand.

    Args:
        options: of `gr.HTML`; `wiring`, a dictionary, is what the script needs to know (`props.wiring`).
    """
    code = "\n".join((ASSETS / name).read_text() for name in ("desk.js", script))
    return gr.HTML(value, html_template=template, js_on_load=code, apply_default_css=False, **options)


def picture_box(examples: Mapping[str, Sequence[str]], max_upload_mb: int) -> gr.HTML:
    """Where a picture comes in.

    Args:
        examples: names of the example pictures by group, in the order in which they are shown.
        max_upload_mb: larger files are refused before they are sent.
    """
    template = f"""
<div class="own-label">Your picture</div>
<div class="picture-zone">
  <button type="button" class="picture-choose picture-empty">{DROP_HERE}</button>
  <img alt="Your picture" hidden>
  <button type="button" class="picture-remove" aria-label="Remove the picture" title="Remove the picture">✕</button>
</div>
<div class="picture-said" role="alert"></div>
<div class="own-buttons">
  <button type="button" class="picture-choose">{CHOOSE_PICTURE}</button>
  <button type="button" class="picture-camera">Camera</button>
  <button type="button" class="picture-paste">Paste</button>
</div>
<input type="file" accept="image/*" aria-label="File of the picture" tabindex="-1" class="visually-hidden">
"""
    wiring = {"megabytes": max_upload_mb, "examples": {group: list(names) for group, names in examples.items()}}
    return own_component("picture.js", template, wiring=wiring, elem_id="picture")


def expression_buttons(expressions: Sequence[str]) -> gr.HTML:
    """One button for each expression, and the place where a screen reader is told what the page does."""
    labels = {name: LABELS.get(name, name.capitalize()) for name in expressions}
    buttons = "".join(
        f'<button type="button" name="{escape(name)}" id="expression-{escape(name)}" aria-pressed="false">'
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


def wish_box(first_wish: Mapping[str, object], names: Sequence[str], max_intensity: float) -> gr.HTML:
    """What the page sends: the visitor's wish. Its events are `ask`, `show`, `download`, `animate` and `explain`."""
    wiring = {"names": list(names), "most": max_intensity}
    return own_component("natives.js", "", dict(first_wish), wiring=wiring, visible="hidden", elem_id="wish")


def answer_box() -> gr.HTML:
    """What comes back: one answer to each wish."""
    return own_component("answer.js", "", visible="hidden", elem_id="answer")
