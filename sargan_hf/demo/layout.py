"""The page: what is where, and which handler each thing calls."""

import os
from dataclasses import dataclass, fields
from pathlib import Path

import gradio as gr

from ..pipeline_sargan import MAX_INTENSITY, SARGANPipeline
from . import texts
from .api import PublicAPI
from .handlers import FORMATS, Handlers
from .settings import Settings

GROUPS = ("Portraits", "Statues", "Avatars", "Photos")
SOURCES = ["upload", "webcam", "clipboard"]


class PictureInput(gr.Image):
    """An image component that hands the uploaded file over as it came.

    gr.Image would open and re-encode it first, and so lose its colour profile, its depth, and our messages about bad files.
    """

    is_template = True

    def preprocess(self, payload) -> str | None:
        return None if payload is None else payload.path


@dataclass
class Parts:
    """Everything on the page that a handler reads or changes."""

    sitting: gr.State
    blend: gr.State
    picture: PictureInput
    result: gr.ImageSlider
    buttons: list[gr.Button]
    intensity: gr.Slider
    kind: gr.Radio
    prepare: gr.Button
    save: gr.DownloadButton
    face_panel: gr.Accordion
    notice: gr.Markdown
    face_picture: gr.Image
    weights: list[gr.Slider]
    animate: gr.Button
    film: gr.Video
    explain: gr.Button
    panels: gr.Gallery


def build_page(pipeline: SARGANPipeline, settings: Settings) -> gr.Blocks:
    """The whole app as gradio Blocks, not yet started."""
    expressions = pipeline.generator.expressions
    first = "happy" if "happy" in expressions else expressions[0]
    seconds = int(settings.keep_hours * 3600)
    made: dict[str, object] = {}
    with gr.Blocks(title=texts.TITLE, analytics_enabled=False, delete_cache=(min(seconds, 600), seconds)) as page:
        made["sitting"] = gr.State(None, time_to_live=seconds)
        made["blend"] = gr.State({first: 1.0}, time_to_live=seconds)
        gr.HTML(texts.HEADER)
        made |= picture_row(settings)
        made["buttons"] = expression_row(expressions, first)
        made |= strength_row()
        made |= panel_row(expressions, first)
        gr.Markdown(texts.CONSENT.format(hours=texts.hours(settings.keep_hours)), elem_classes="quiet")
        gr.Markdown(texts.links(settings.model, os.environ.get("SPACE_ID", "")), elem_classes="quiet")
        parts = Parts(**{field.name: made[field.name] for field in fields(Parts)})
        handlers = Handlers(pipeline, settings, parts.picture.GRADIO_CACHE)
        wire(parts, handlers, expressions, settings)
        add_api(PublicAPI(pipeline, handlers, settings), settings)
    page.queue(max_size=settings.queue_size, default_concurrency_limit=settings.concurrency, api_open=False)
    return page


def picture_row(settings: Settings) -> dict[str, object]:
    """Left the picture as it came and the examples, right before and after."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            picture = PictureInput(
                label="Your picture",
                sources=SOURCES,
                height=400,
                elem_id="picture",
                placeholder="Drop a picture here, paste it, or click to choose one",
            )
            add_examples(settings.find(settings.examples), picture)
        with gr.Column(scale=6, min_width=320):
            result = gr.ImageSlider(
                label="Before and after: drag the line",
                interactive=False,
                elem_id="result",
                max_height=580,
                buttons=["fullscreen"],
            )
    return {"picture": picture, "result": result}


def add_examples(folder: Path, picture: gr.Image) -> None:
    """A tab of pictures for each group that the folder has; nothing where there is no such folder."""
    groups = {group: sorted((folder / group.lower()).glob("*.[jp][pn]g")) for group in GROUPS}
    groups = {group: paths for group, paths in groups.items() if paths}
    if not groups:
        return
    with gr.Tabs(elem_classes="examples"):
        for group, paths in groups.items():
            with gr.Tab(group):
                gr.Examples(
                    [[str(path)] for path in paths], [picture], label="Click one to try it", api_visibility="private"
                )


def expression_row(expressions: tuple[str, ...], first: str) -> list[gr.Button]:
    with gr.Row(elem_id="expressions"):
        return [
            gr.Button(
                texts.LABELS.get(name, name.capitalize()),
                variant="primary" if name == first else "secondary",
                elem_id=f"expression-{name}",
            )
            for name in expressions
        ]


def strength_row() -> dict[str, object]:
    """How strongly, and the way out: the download."""
    with gr.Row(equal_height=True):
        intensity = gr.Slider(
            0,
            MAX_INTENSITY,
            value=1.0,
            step=0.05,
            label="Intensity",
            elem_id="intensity",
            scale=3,
            min_width=280,
            info="0 leaves the picture as it is, 1 is the full expression, more exaggerates.",
        )
        with gr.Column(scale=2, min_width=280):
            kind = gr.Radio(list(FORMATS), value="PNG", label="Download at full resolution as", elem_id="kind")
            prepare = gr.Button("Make the file", elem_id="prepare")
            save = gr.DownloadButton("Save the file", visible=False, variant="primary", elem_id="save")
    return {"intensity": intensity, "kind": kind, "prepare": prepare, "save": save}


def panel_row(expressions: tuple[str, ...], first: str) -> dict[str, object]:
    """What not everybody needs, folded away."""
    made: dict[str, object] = {}
    with gr.Row(equal_height=False):
        with gr.Column(min_width=320):
            with gr.Accordion("Faces", open=False) as made["face_panel"]:
                made["notice"] = gr.Markdown(texts.NO_PICTURE, elem_classes="notice", elem_id="face-notice")
                made["face_picture"] = gr.Image(
                    label="Faces in the picture", interactive=False, format="png", buttons=[], elem_id="faces"
                )
            with gr.Accordion("Blend two or more expressions", open=False):
                made["weights"] = [
                    gr.Slider(0, 1, value=float(name == first), step=0.05, label=texts.LABELS.get(name, name))
                    for name in expressions
                ]
        with gr.Column(min_width=320):
            with gr.Accordion("Animation", open=False):
                made["animate"] = gr.Button("Make a loop: to the expression and back")
                made["film"] = gr.Video(label="Animation", visible=False, loop=True, autoplay=True, interactive=False)
            with gr.Accordion("How it works", open=False):
                gr.Markdown(texts.HOW_IT_WORKS)
                made["explain"] = gr.Button("Show it for this face")
                made["panels"] = gr.Gallery(
                    label="What the network did", columns=2, format="png", buttons=[], visible=False, interactive=False
                )
    return made


def wire(parts: Parts, handlers: Handlers, expressions: tuple[str, ...], settings: Settings) -> None:
    """Connects the page with its handlers. A newer request of one kind replaces those of it that still wait."""
    quiet = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
    work = {
        "concurrency_id": "edit",
        "concurrency_limit": settings.concurrency,
        "api_visibility": "private",
        "trigger_mode": "always_last",
        "show_progress_on": parts.result,
    }
    sitting, blend, intensity, result = parts.sitting, parts.blend, parts.intensity, parts.result
    everything = [sitting, result, parts.face_picture, parts.notice, parts.face_panel, *parts.buttons]

    rendering = [intensity.release(handlers.render, [sitting, blend, intensity], result, **work)]
    for name, button in zip(expressions, parts.buttons, strict=True):
        changed = [blend, result, *parts.buttons, *parts.weights]
        rendering.append(button.click(_chooser(handlers, name), [sitting, intensity], changed, **work))
    for weight in parts.weights:
        changed = [blend, result, *parts.buttons]
        rendering.append(weight.release(handlers.mix, [sitting, intensity, *parts.weights], changed, **work))
    opening = [parts.picture, sitting, blend, intensity]
    parts.picture.change(handlers.open, opening, everything, cancels=rendering, **work)
    parts.face_picture.select(handlers.click_face, [sitting, blend, intensity], everything, **work)

    changes = [parts.picture.change, intensity.release, *(button.click for button in parts.buttons)]
    changes += [weight.release for weight in parts.weights]
    for button, handler, inputs, output in (
        (parts.prepare, handlers.download, [sitting, blend, intensity, parts.kind], parts.save),
        (parts.animate, handlers.animate, [sitting, blend, intensity], parts.film),
        (parts.explain, handlers.explain, [sitting, blend], parts.panels),
    ):
        button.click(handler, inputs, output, **(work | {"show_progress_on": button}))
        # What was made for another picture or expression is out of date.
        gr.on([*changes, *([parts.kind.change] if output is parts.save else [])], _hide, None, output, **quiet)


def add_api(api: PublicAPI, settings: Settings) -> None:
    """The public endpoints; gradio derives their parameters from components, which the page does not show."""
    work = {"concurrency_id": "edit", "concurrency_limit": settings.concurrency, "api_visibility": "public"}
    with gr.Group(visible=False):
        picture = PictureInput(label="picture")
        expression = gr.Textbox("happy", label="expression", max_length=200)
        intensity = gr.Number(1.0, minimum=0, maximum=MAX_INTENSITY, label="intensity")
        faces = gr.Textbox("largest", label="faces", max_length=100)
        edited = gr.Image(label="edited picture", format="png", interactive=False)
        found = gr.JSON(label="faces found")
        known = gr.JSON(label="expressions")
        trigger = gr.Button("call")
    trigger.click(api.edit, [picture, expression, intensity, faces], edited, api_name="edit", **work)
    trigger.click(api.find_faces, [picture], found, api_name="find_faces", **work)
    trigger.click(api.expressions, None, known, api_name="expressions", **work)


def _hide():
    return gr.update(visible=False)


def _chooser(handlers: Handlers, name: str):
    return lambda sitting, intensity: handlers.choose(name, sitting, intensity)
