"""The page: what is where, and which handler each thing calls."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

from ..editing.pipeline_sargan import SARGANPipeline
from ..expressions import MAX_INTENSITY
from . import strings as texts
from .api import PublicAPI
from .blend_pad import blend_pad
from .components import (
    RECIPE_BUTTON,
    answer_box,
    example_box,
    expression_buttons,
    face_chooser,
    face_switch,
    like_box,
    order_note,
    picture_box,
    recipe_box,
    stage,
    wish_box,
)
from .control_panel import control_sliders, preset_buttons
from .endpoints import add_api
from .example_pictures import example_pictures
from .handlers import ANIMATIONS, Handlers
from .opening_edit import Opening
from .page import Page
from .page_request import first_wish
from .settings import Settings
from .takeaway import AS_IT_CAME, FORMATS


@dataclass
class Parts:
    """Everything on the page that has an event or that an event changes."""

    handle: gr.State
    wish: gr.HTML
    answer: gr.HTML
    camera: gr.Image
    view: gr.Radio
    intensity: gr.Slider
    region: gr.Radio
    weights: list[gr.Slider]
    kind: gr.Radio
    saved: gr.HTML
    copied: gr.HTML
    sheet: gr.HTML
    pack: gr.HTML
    presets: gr.HTML | None
    like: gr.HTML
    recipe: gr.HTML
    replay: gr.HTML
    face_panel: gr.Accordion
    film_kind: gr.Radio
    film: gr.Video
    loop: gr.Image
    panels: gr.Gallery
    buttons: dict[str, gr.Button]


def first_expression(expressions: Sequence[str]) -> str:
    """What the page begins with."""
    return "happy" if "happy" in expressions else expressions[0]


def build_page(pipeline: SARGANPipeline, settings: Settings, opening: Opening) -> Page:
    """The whole app as gradio Blocks, not yet started.

    Args:
        opening: what it shows before anything is clicked.
    """
    expressions = pipeline.generator.expressions
    first = first_expression(expressions)
    seconds = int(settings.keep_hours * 3600)
    made: dict[str, Any] = {"buttons": {}}
    with Page(title=texts.TITLE, analytics_enabled=False, delete_cache=(min(seconds, 600), seconds)) as page:
        made["handle"] = gr.State(None, time_to_live=seconds)
        made["wish"] = wish_box(first_wish(first), expressions, MAX_INTENSITY, opening.answer)
        made["answer"] = answer_box()
        gr.HTML(texts.HEADER)
        with gr.Row(elem_id="workbench", equal_height=False):
            with gr.Column(elem_id="stage-column", min_width=300):
                made |= stage_column(settings)
            with gr.Column(elem_id="controls-column", min_width=300):
                made |= controls_column(pipeline, settings, opening, first)
        gr.Markdown(texts.CONSENT.format(hours=texts.hours(settings.keep_hours)), elem_classes="quiet")
        gr.Markdown(texts.links(settings.model, os.environ.get("SPACE_ID", "")), elem_classes="quiet")
        made["buttons"] = {name: made.pop(f"{name}_button") for name in BUTTONS}
        parts = Parts(**{field.name: made[field.name] for field in fields(Parts)})
        handlers = Handlers(pipeline, settings, parts.answer.GRADIO_CACHE)
        handlers.opening = opening.session
        wire(parts, handlers, settings)
        add_api(PublicAPI(pipeline, handlers, settings), settings)
    page.queue(max_size=settings.queue_size, default_concurrency_limit=settings.concurrency, api_open=False)
    return page


def stage_column(settings: Settings) -> dict[str, Any]:
    """The result, which stays in view, and where another picture comes in."""
    stage(texts.VIEW_FACE)
    picture_box(settings.max_upload_mb)
    camera = gr.Image(label="Camera", sources=["webcam"], visible=False, format="png", height=300, elem_id="camera")
    return {"camera": camera}


def controls_column(pipeline: SARGANPipeline, settings: Settings, opening: Opening, first: str) -> dict[str, Any]:
    """Everything that changes the result, what is used most first, and the ways out."""
    made: dict[str, Any] = {"presets": None}
    expressions, controls = pipeline.generator.expressions, pipeline.controls
    face_switch()
    expression_buttons(expressions, bool(controls))
    with gr.Row(elem_id="strength"):
        made["intensity"] = gr.Slider(
            0, MAX_INTENSITY, value=1.0, step=0.05, label="Intensity", elem_id="intensity", info=texts.INTENSITY
        )
    if controls:
        with gr.Row(elem_id="parts"):
            made["presets"] = preset_buttons(expressions, controls)
            control_sliders(controls)
    made |= save_group()
    made["like"] = like_box()
    tabs = example_pictures(settings.find(settings.examples))
    if tabs:
        example_box(tabs, opening)
    with gr.Row(elem_id="where"):
        made["view"] = gr.Radio(
            list(texts.VIEWS), value=texts.VIEW_WHOLE, label="Show", info=texts.VIEW_INFO, elem_id="view"
        )
        made["region"] = gr.Radio(
            list(texts.PARTS_OF_FACE), value=texts.REGION_WHOLE, label="What may change", elem_id="region"
        )
    with gr.Accordion("Choose faces", open=False, elem_id="face-panel") as made["face_panel"]:
        face_chooser()
    blend_pad(expressions, {first: 1.0}, elem_id="pad")
    with gr.Accordion("Exact shares", open=False, elem_id="shares"):
        made["weights"] = [
            gr.Slider(0, 1, value=float(name == first), step=0.05, label=texts.LABELS.get(name, name))
            for name in expressions
        ]
    return made | animation_group() | recipe_panel() | explaining_panel()


BUTTONS = {
    "download": texts.SAVE, "clip": texts.COPY, "sheet": texts.ALL_AS_SHEET, "pack": texts.ALL_AS_ZIP,
    "animate": "Make an animation", "explain": "Show it for this face",
}  # fmt: skip


def save_group() -> dict[str, Any]:
    """The picture as a file in one click, on the clipboard, and all expressions at once."""
    made: dict[str, Any] = {}
    with gr.Group(elem_id="take"):
        with gr.Row(elem_classes="take-row"):
            made["download_button"] = gr.Button(
                BUTTONS["download"], elem_id="save", variant="primary", elem_classes="orders-file"
            )
            made["clip_button"] = gr.Button(BUTTONS["clip"], elem_id="clip", elem_classes="orders-file")
        made["saved"] = order_note("download", "Making the picture …", "save")
        made["copied"] = order_note("clip", "Copying the picture …", "clip")
        with gr.Accordion("Format, and all expressions at once", open=False, elem_id="more-files"):
            made["kind"] = gr.Radio(list(FORMATS), value=AS_IT_CAME, label="Picture in its full size", elem_id="kind")
            with gr.Row(elem_classes="take-row"):
                made["sheet_button"] = gr.Button(BUTTONS["sheet"], elem_id="sheet", elem_classes="orders-file")
                made["pack_button"] = gr.Button(BUTTONS["pack"], elem_id="pack", elem_classes="orders-file")
            made["sheet"] = order_note("sheet", "Making the sheet …", "sheet")
            made["pack"] = order_note("pack", "Making the ZIP …", "pack")
    return made


def animation_group() -> dict[str, Any]:
    with gr.Group():
        kind = gr.Radio(
            list(ANIMATIONS), value="MP4", label="Animation", info="To the expression and back.", elem_id="film-kind"
        )
        animate = gr.Button(BUTTONS["animate"], elem_id="animate", elem_classes="orders-file")
        order_note("animate", "Making the animation …", "animate")
        film = gr.Video(label="Animation", visible=False, loop=True, autoplay=True, interactive=False, elem_id="film")
        loop = gr.Image(
            label="Animation", visible=False, interactive=False, format="gif", buttons=["download"], elem_id="loop"
        )
    return {"film_kind": kind, "animate_button": animate, "film": film, "loop": loop}


def recipe_panel() -> dict[str, Any]:
    """The edit as a small file, and the way back."""
    return {"replay": recipe_box(), "recipe": order_note("recipe", "Making the recipe …", RECIPE_BUTTON)}


def explaining_panel() -> dict[str, Any]:
    """What not everybody needs, folded away."""
    with gr.Accordion("How it works", open=False):
        gr.Markdown(texts.HOW_IT_WORKS)
        explain = gr.Button(BUTTONS["explain"], elem_id="explain", elem_classes="orders-file")
        order_note("explain", "Drawing …", "explain")
        panels = gr.Gallery(
            label="What the network did",
            columns=4,
            height="auto",
            format="png",
            buttons=[],
            visible=False,
            interactive=False,
            show_label=False,
            elem_id="panels",
        )
    return {"explain_button": explain, "panels": panels}


def wire(parts: Parts, handlers: Handlers, settings: Settings) -> None:
    """Connects the page with its handlers: touches with the desk in the browser, and the desk with the server.

    gradio never holds back or repeats an event of ours ("multiple"): assets/desk.js decides what is sent, and when. If gradio
    held back one event, it would later repeat all handlers with the values of the older event.
    """
    work = {
        "concurrency_id": "edit",
        "concurrency_limit": settings.concurrency,
        "api_visibility": "private",
        "trigger_mode": "multiple",
        "show_progress": "hidden",  # the page shows it itself, and no bare "Error" after a toast
    }
    handle, wish = parts.handle, parts.wish
    asked = wish.ask(handlers.answer, [handle, wish], [handle, parts.answer], **work)
    in_browser(asked.failure, "failed()")
    in_browser(wish.show, "outputs()", outputs=shown_parts(parts))
    wire_touches(parts)

    orders = {
        "download": wish.download(handlers.download, [handle, wish, parts.kind], parts.saved, **work),
        "clip": wish.clip(handlers.to_clipboard, [handle, wish], parts.copied, **work),
        "sheet": wish.sheet(handlers.sheet, [handle, wish], parts.sheet, **work),
        "pack": wish.pack(handlers.pack, [handle, wish], parts.pack, **work),
        "recipe": wish.recipe(handlers.recipe, [handle, wish], parts.recipe, **work),
        "explain": wish.explain(handlers.explain, [handle, wish], parts.panels, **work),
        "like": wish.like(handlers.like, [handle, wish], parts.like, **work),
        "replay": wish.replay(handlers.replay, [handle, wish], parts.replay, **work),
    }
    if parts.presets is not None:
        orders["presets"] = wish.presets(handlers.presets, [handle, wish], parts.presets, **work)
    films = [parts.film, parts.loop]
    # An empty player comes first, since it is what shows the progress.
    revealed = in_browser(wish.animate, "players()", outputs=films)
    seen = work | {"show_progress": "full", "show_progress_on": films}
    orders["animate"] = revealed.success(handlers.animate, [handle, wish, parts.film_kind], films, **seen)
    for name, order in orders.items():
        in_browser(order.success, f"made('{name}')")
        in_browser(order.failure, f"unmade('{name}')")


def in_browser(event: Callable, call: str, inputs: object = None, outputs: object = None) -> Dependency:
    """Has an event call a function of the desk, such as "touch(value)" of its one input, and nothing of the server.

    With outputs the function returns a value for each; undefined leaves a component alone.
    """
    result = f"return sargan.{call};" if outputs else f"sargan.{call}; return [];"
    js = f"(...values) => {{ const [value] = values; {result} }}"
    return event(None, inputs, outputs, js=js, api_visibility="private", queue=False)


def shown_parts(parts: Parts) -> list[Block]:
    """What `outputs` of assets/natives.js has values for, in its order."""
    files = [parts.film, parts.loop, parts.panels]
    shown: list[Block] = [
        parts.intensity, parts.region, parts.view, parts.face_panel, parts.camera, *files, *parts.weights,
    ]  # fmt: skip
    return shown


def wire_touches(parts: Parts) -> None:
    """Hands the touches of gradio's own components to the desk; nothing here calls the server."""
    in_browser(parts.region.input, "native('region', value)", parts.region)
    in_browser(parts.view.input, "native('view', value)", parts.view)
    for event in (parts.intensity.input, parts.intensity.release):
        in_browser(event, "native('intensity', value)", parts.intensity)
    for weight in parts.weights:
        for event in (weight.input, weight.release):
            in_browser(event, "share(values)", parts.weights)
    in_browser(parts.camera.change, "photograph(value)", parts.camera)
    in_browser(parts.face_panel.expand, "unfold(true)")
    in_browser(parts.face_panel.collapse, "unfold(false)")
    in_browser(parts.kind.input, "forget('download')")
    in_browser(parts.film_kind.input, "choose_film(value)", parts.film_kind)
    for name, button in parts.buttons.items():
        in_browser(button.click, f"order('{name}')")
