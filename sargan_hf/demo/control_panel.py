"""Sliders for a model's facial controls, in groups, and the presets as small pictures of the visitor's face."""

from collections.abc import Sequence
from html import escape

import gradio as gr

from ..controls import CONTROL_GROUPS, CONTROLS, Control
from . import strings as texts
from .components import own_component
from .page_request import known_presets

STEP = 0.05


def control_sliders(names: Sequence[str]) -> gr.HTML:
    """A slider for each control of the model; left and right move together until they are unlocked."""
    by_name = {control.name: control for control in CONTROLS if control.name in names}
    groups = [
        _group(title, [by_name[name] for name in members if name in by_name])
        for title, members in CONTROL_GROUPS.items()
    ]
    template = (
        f'<details><summary>{texts.CONTROLS} <span class="controls-moved"></span></summary><div class="controls-head">'
        f'<label><input type="checkbox" class="controls-lock" checked> {texts.LOCK}</label>'
        f'<button type="button" class="controls-reset">{texts.ALL_TO_ZERO}</button></div>'
        f'<p class="controls-help">{texts.CONTROLS_HELP}</p>{"".join(groups)}</details>'
    )
    pairs = {
        control.name: control.mirrored
        for control in by_name.values()
        if control.mirrored in by_name.keys() - {control.name}
    }
    return own_component("controls.js", template, wiring={"pairs": pairs}, elem_id="controls")


def _group(title: str, controls: Sequence[Control]) -> str:
    if not controls:
        return ""
    rows = "".join(_slider(control) for control in controls)
    return f"<fieldset><legend>{escape(title)}</legend>{rows}</fieldset>"


def _slider(control: Control) -> str:
    label = escape(texts.CONTROL_LABELS[control.name])
    means = escape(control.plus + (f" / {control.minus}" if control.minus else ""))
    return (
        f'<label title="{means}"><span>{label}</span><input type="range" name="{control.name}" min="{control.least:g}" max="1" '
        f'step="{STEP}" value="0"><output>0</output></label>'
    )


def preset_buttons(expressions: Sequence[str], controls: Sequence[str]) -> gr.HTML:
    """The shipped presets that the model can follow; their pictures come when the panel is opened for a face."""
    presets = {name: preset.to_json() for name, preset in known_presets(expressions, controls).items()}
    buttons = "".join(
        f'<button type="button" name="{escape(name)}" aria-pressed="false"><span>{escape(name.capitalize())}</span></button>'
        for name in presets
    )
    template = f'<details><summary>{texts.PRESETS}</summary><div class="presets-all">{buttons}</div></details>'
    return own_component("presets.js", template, wiring={"presets": presets}, elem_id="presets")
