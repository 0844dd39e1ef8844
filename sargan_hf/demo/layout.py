"""The page: what is where, and which handler each thing calls."""

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

from ..editing.pipeline_sargan import SARGANPipeline
from ..expressions import MAX_INTENSITY
from . import strings as texts
from .api import PublicAPI
from .blend_pad import blend_pad
from .components import answer_box, expression_buttons, face_chooser, order_note, picture_box, wish_box
from .endpoints import add_api
from .example_pictures import example_pictures
from .handlers import ANIMATIONS, FORMATS, Handlers
from .page import Page
from .settings import Settings
from .wishes import first_wish


@dataclass
class Parts:
    """Everything on the page that has an event or that an event changes."""

    handle: gr.State
    wish: gr.HTML
    answer: gr.HTML
    camera: gr.Image
    examples: dict[str, gr.Dataset]
    result: gr.ImageSlider
    view: gr.Radio
    intensity: gr.Slider
    region: gr.Radio
    weights: list[gr.Slider]
    kind: gr.Radio
    save: gr.Button
    saved: gr.HTML
    face_panel: gr.Accordion
    film_kind: gr.Radio
    animate: gr.Button
    film: gr.Video
    loop: gr.Image
    explain: gr.Button
    panels: gr.Gallery


def build_page(pipeline: SARGANPipeline, settings: Settings) -> gr.Blocks:
    """The whole app as gradio Blocks, not yet started."""
    expressions = pipeline.generator.expressions
    first = "happy" if "happy" in expressions else expressions[0]
    seconds = int(settings.keep_hours * 3600)
    made: dict[str, Any] = {}
    with Page(title=texts.TITLE, analytics_enabled=False, delete_cache=(min(seconds, 600), seconds)) as page:
        made["handle"] = gr.State(None, time_to_live=seconds)
        made["wish"] = wish_box(first_wish(first), expressions, MAX_INTENSITY)
        made["answer"] = answer_box()
        gr.HTML(texts.HEADER)
        made |= picture_row(settings)
        expression_buttons(expressions)
        made |= strength_row(expressions, first)
        made |= explaining_panel()
        gr.Markdown(texts.CONSENT.format(hours=texts.hours(settings.keep_hours)), elem_classes="quiet")
        gr.Markdown(texts.links(settings.model, os.environ.get("SPACE_ID", "")), elem_classes="quiet")
        parts = Parts(**{field.name: made[field.name] for field in fields(Parts)})
        handlers = Handlers(pipeline, settings, parts.answer.GRADIO_CACHE)
        wire(parts, handlers, settings)
        add_api(PublicAPI(pipeline, handlers, settings), settings)
    page.queue(max_size=settings.queue_size, default_concurrency_limit=settings.concurrency, api_open=False)
    return page


def picture_row(settings: Settings) -> dict[str, Any]:
    """Left the picture as it came, its faces and the examples, right before and after."""
    made: dict[str, Any] = {}
    folder = settings.find(settings.examples)
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            picture_box(example_pictures(folder), settings.max_upload_mb)
            made["camera"] = gr.Image(
                label="Camera", sources=["webcam"], visible=False, format="png", height=400, elem_id="camera"
            )
            with gr.Accordion("Choose faces", open=False, elem_id="face-panel") as made["face_panel"]:
                face_chooser()
            made["examples"] = add_examples(folder)
        with gr.Column(scale=6, min_width=320):
            made["result"] = gr.ImageSlider(
                label="Before and after",
                interactive=False,
                elem_id="result",
                max_height=580,
                buttons=["fullscreen"],
            )
            made["view"] = gr.Radio(
                list(texts.VIEWS), value=texts.VIEW_WHOLE, label="Show", info=texts.VIEW_INFO, elem_id="view"
            )
    return made


def add_examples(folder: Path) -> dict[str, gr.Dataset]:
    """A tab of pictures for each group that the folder has; nothing where there is no such folder."""
    made: dict[str, gr.Dataset] = {}
    groups = example_pictures(folder)
    if not groups:
        return made
    with gr.Tabs(elem_classes="examples"):
        for group, names in groups.items():
            with gr.Tab(group.capitalize()):
                made[group] = gr.Dataset(
                    components=[gr.Image(visible=False, render=False)],
                    samples=[[str(folder / name)] for name in names],
                    label="Click one to try it",
                    elem_id=f"examples-{group}",
                )
    return made


def strength_row(expressions: tuple[str, ...], first: str) -> dict[str, Any]:
    """How strongly, where, mixed with what, and the ways out: the picture and the animation."""
    made: dict[str, Any] = {}
    with gr.Row(elem_id="strength"):
        with gr.Column(min_width=300):
            made["intensity"] = gr.Slider(
                0, MAX_INTENSITY, value=1.0, step=0.05, label="Intensity", elem_id="intensity", info=texts.INTENSITY
            )
            made["region"] = gr.Radio(
                list(texts.PARTS_OF_FACE), value=texts.REGION_WHOLE, label="What may change", elem_id="region"
            )
        with gr.Column(min_width=300):
            blend_pad(expressions, {first: 1.0}, elem_id="pad")
            with gr.Accordion("Exact shares", open=False, elem_id="shares"):
                made["weights"] = [
                    gr.Slider(0, 1, value=float(name == first), step=0.05, label=texts.LABELS.get(name, name))
                    for name in expressions
                ]
        with gr.Column(min_width=300):
            made |= save_group()
            made |= animation_group()
    return made


def save_group() -> dict[str, Any]:
    with gr.Group():
        kind = gr.Radio(list(FORMATS), value="PNG", label="Picture in its full size", elem_id="kind")
        save = gr.Button("Download the picture", elem_id="save", variant="primary")
        saved = order_note("download", "Making the picture …", "save")
    return {"kind": kind, "save": save, "saved": saved}


def animation_group() -> dict[str, Any]:
    with gr.Group():
        kind = gr.Radio(
            list(ANIMATIONS), value="MP4", label="Animation", info="To the expression and back.", elem_id="film-kind"
        )
        animate = gr.Button("Make an animation", elem_id="animate")
        order_note("animate", "Making the animation …", "animate")
        film = gr.Video(label="Animation", visible=False, loop=True, autoplay=True, interactive=False, elem_id="film")
        loop = gr.Image(
            label="Animation", visible=False, interactive=False, format="gif", buttons=["download"], elem_id="loop"
        )
    return {"film_kind": kind, "animate": animate, "film": film, "loop": loop}


def explaining_panel() -> dict[str, Any]:
    """What not everybody needs, folded away."""
    with gr.Accordion("How it works", open=False):
        gr.Markdown(texts.HOW_IT_WORKS)
        explain = gr.Button("Show it for this face", elem_id="explain")
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
    return {"explain": explain, "panels": panels}


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

    saved = wish.download(handlers.download, [handle, wish, parts.kind], parts.saved, **work)
    films = [parts.film, parts.loop]
    # An empty player comes first, since it is what shows the progress.
    revealed = in_browser(wish.animate, "players()", outputs=films)
    seen = work | {"show_progress": "full", "show_progress_on": films}
    filmed = revealed.success(handlers.animate, [handle, wish, parts.film_kind], films, **seen)
    explained = wish.explain(handlers.explain, [handle, wish], parts.panels, **work)
    for name, order in {"download": saved, "animate": filmed, "explain": explained}.items():
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
        parts.result, parts.intensity, parts.region, parts.view, parts.face_panel, parts.camera, *files, *parts.weights,
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
    for group, dataset in parts.examples.items():
        in_browser(dataset.click, f"example('{group}', value)", dataset)
    in_browser(parts.camera.change, "photograph(value)", parts.camera)
    in_browser(parts.face_panel.expand, "unfold(true)")
    in_browser(parts.face_panel.collapse, "unfold(false)")
    in_browser(parts.kind.input, "forget('download')")
    in_browser(parts.film_kind.input, "choose_film(value)", parts.film_kind)
    for name, button in {"download": parts.save, "animate": parts.animate, "explain": parts.explain}.items():
        in_browser(button.click, f"order('{name}')")
