"""The page: what is where, and which handler each thing calls."""

import os
from dataclasses import dataclass, fields
from pathlib import Path

import gradio as gr

from ..pipeline_sargan import MAX_INTENSITY, SARGANPipeline
from . import texts
from .api import PublicAPI
from .endpoints import add_api
from .handlers import ANIMATIONS, FORMATS, Handlers
from .pad import blend_pad
from .page import Page
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
    view: gr.Radio
    buttons: list[gr.Button]
    intensity: gr.Slider
    pad: gr.HTML
    weights: list[gr.Slider]
    kind: gr.Radio
    prepare: gr.Button
    save: gr.DownloadButton
    face_panel: gr.Accordion
    notice: gr.Markdown
    face_choice: gr.CheckboxGroup
    face_box: gr.Textbox
    face_picture: gr.Image
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
    made: dict[str, object] = {}
    with Page(title=texts.TITLE, analytics_enabled=False, delete_cache=(min(seconds, 600), seconds)) as page:
        made["sitting"] = gr.State(None, time_to_live=seconds)
        made["blend"] = gr.State({first: 1.0}, time_to_live=seconds)
        gr.HTML(texts.HEADER)
        made |= picture_row(settings)
        made["buttons"] = expression_row(expressions, first)
        made |= strength_row(expressions, first)
        made |= panel_row()
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
                label="Before and after",
                interactive=False,
                elem_id="result",
                max_height=580,
                buttons=["fullscreen"],
            )
            view = gr.Radio(list(texts.VIEWS), value=texts.VIEW_WHOLE, label="Show", elem_id="view")
    return {"picture": picture, "result": result, "view": view}


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


def strength_row(expressions: tuple[str, ...], first: str) -> dict[str, object]:
    """How strongly, mixed with what, and the ways out: the picture and the animation."""
    made: dict[str, object] = {}
    with gr.Row(elem_id="strength"):
        with gr.Column(min_width=300):
            made["intensity"] = gr.Slider(
                0, MAX_INTENSITY, value=1.0, step=0.05, label="Intensity", elem_id="intensity", info=texts.INTENSITY
            )
            made |= save_group()
        with gr.Column(min_width=300):
            made["pad"] = blend_pad(expressions, {first: 1.0}, elem_id="pad")
            with gr.Accordion("Set the shares by number", open=False):
                made["weights"] = [
                    gr.Slider(0, 1, value=float(name == first), step=0.05, label=texts.LABELS.get(name, name))
                    for name in expressions
                ]
        with gr.Column(min_width=300):
            made |= animation_group()
    return made


def save_group() -> dict[str, object]:
    with gr.Group():
        kind = gr.Radio(list(FORMATS), value="PNG", label="Picture at full resolution", elem_id="kind")
        prepare = gr.Button("Make the file", elem_id="prepare")
        save = gr.DownloadButton("Save the file", visible=False, variant="primary", elem_id="save")
    return {"kind": kind, "prepare": prepare, "save": save}


def animation_group() -> dict[str, object]:
    with gr.Group():
        kind = gr.Radio(
            list(ANIMATIONS), value="MP4", label="Animation", info="To the expression and back.", elem_id="film-kind"
        )
        animate = gr.Button("Make a loop", elem_id="animate")
        film = gr.Video(label="Animation", visible=False, loop=True, autoplay=True, interactive=False, elem_id="film")
        loop = gr.Image(
            label="Animation", visible=False, interactive=False, format="gif", buttons=["download"], elem_id="loop"
        )
    return {"film_kind": kind, "animate": animate, "film": film, "loop": loop}


def panel_row() -> dict[str, object]:
    """What not everybody needs, folded away."""
    made: dict[str, object] = {}
    with gr.Row(equal_height=False):
        with gr.Column(min_width=320), gr.Accordion("Choose faces", open=False) as made["face_panel"]:
            made["notice"] = gr.Markdown(texts.NO_PICTURE, elem_classes="notice", elem_id="face-notice")
            made["face_choice"] = gr.CheckboxGroup(
                [], label="Faces to edit", show_select_all=True, visible=False, elem_id="face-choice"
            )
            made["face_picture"] = gr.Image(
                label="Faces in the picture",
                show_label=False,  # it would lie over the numbers of faces at the top
                interactive=False,
                format="png",
                buttons=[],
                elem_id="faces",
            )
            made["face_box"] = gr.Textbox(
                label=texts.BOX,
                placeholder="120, 80, 420, 460",
                max_length=60,
                visible=False,
                submit_btn="Use this box",
                elem_id="face-box",
            )
        with gr.Column(min_width=320), gr.Accordion("How it works", open=False):
            gr.Markdown(texts.HOW_IT_WORKS)
            made["explain"] = gr.Button("Show it for this face", elem_id="explain")
            made["panels"] = gr.Gallery(
                label="What the network did",
                columns=2,
                height="auto",
                format="png",
                buttons=[],
                visible=False,
                interactive=False,
                show_label=False,
                elem_id="panels",
            )
    return made


def wire(parts: Parts, handlers: Handlers, expressions: tuple[str, ...], settings: Settings) -> None:
    """Connects the page with its handlers. A newer request of one kind replaces those of it that still wait."""
    work = {
        "concurrency_id": "edit",
        "concurrency_limit": settings.concurrency,
        "api_visibility": "private",
        "trigger_mode": "always_last",
        "show_progress_on": parts.result,
    }
    sitting, blend, intensity, view, result = parts.sitting, parts.blend, parts.intensity, parts.view, parts.result
    everything = [sitting, result, parts.face_picture, parts.notice, parts.face_panel, parts.face_choice]
    everything.append(parts.face_box)
    everything += parts.buttons
    blended = [blend, result, parts.pad, *parts.buttons, *parts.weights]

    rendering = [
        gr.on([intensity.release, view.change], handlers.render, [sitting, blend, intensity, view], result, **work),
        parts.pad.input(handlers.mix_on_pad, [sitting, intensity, view, parts.pad], blended, **work),
    ]
    for name, button in zip(expressions, parts.buttons, strict=True):
        rendering.append(button.click(_chooser(handlers, name), [sitting, intensity, view], blended, **work))
    for weight in parts.weights:
        rendering.append(weight.release(handlers.mix, [sitting, intensity, view, *parts.weights], blended, **work))
    opening = [parts.picture, sitting, blend, intensity, view]
    parts.picture.change(handlers.open, opening, everything, cancels=rendering, **work)
    parts.face_picture.select(handlers.click_face, [sitting, blend, intensity, view], everything, **work)
    ticked = [sitting, blend, intensity, view, parts.face_choice]
    parts.face_choice.input(handlers.tick_faces, ticked, everything, **work)
    typed = [sitting, blend, intensity, view, parts.face_box]
    parts.face_box.submit(handlers.type_box, typed, everything, **work)
    wire_files(parts, handlers, work)


def wire_files(parts: Parts, handlers: Handlers, work: dict[str, object]) -> None:
    """Connects what is made on request; it goes away when it is out of date."""
    quiet = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
    sitting, blend, intensity = parts.sitting, parts.blend, parts.intensity
    parts.prepare.click(handlers.download, [sitting, blend, intensity, parts.kind], parts.save, **work)
    parts.explain.click(handlers.explain, [sitting, blend], parts.panels, **work)
    films = [parts.film, parts.loop]
    # An empty player comes first, since it is what shows the progress.
    revealed = parts.animate.click(
        handlers.reveal, [sitting, parts.film_kind], films, **(quiet | {"queue": True, "concurrency_limit": None})
    )
    making = revealed.success(
        handlers.animate, [sitting, blend, intensity, parts.film_kind], films, **(work | {"show_progress_on": films})
    )
    making.failure(_hide_both, None, films, **quiet)

    changes = [parts.picture.change, intensity.release, parts.pad.input, *(button.click for button in parts.buttons)]
    changes += [weight.release for weight in parts.weights]
    gr.on([*changes, parts.kind.change], _hide, None, parts.save, **quiet)
    gr.on(changes, _hide, None, parts.panels, **quiet)
    gr.on([*changes, parts.film_kind.change], _hide_both, None, films, **quiet)


def _hide():
    return gr.update(visible=False)


def _hide_both():
    return [gr.update(visible=False, value=None)] * 2


def _chooser(handlers: Handlers, name: str):
    return lambda sitting, intensity, view: handlers.choose(name, sitting, intensity, view)
