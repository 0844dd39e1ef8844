"""The page: what is where, and which handler each thing calls."""

import os
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


def build_page(pipeline: SARGANPipeline, settings: Settings) -> gr.Blocks:
    """The whole app as gradio Blocks, not yet started."""
    expressions = pipeline.generator.expressions
    first = "happy" if "happy" in expressions else expressions[0]
    seconds = int(settings.keep_hours * 3600)
    with gr.Blocks(title=texts.TITLE, analytics_enabled=False, delete_cache=(min(seconds, 600), seconds)) as page:
        sitting = gr.State(None, time_to_live=seconds)
        blend = gr.State({first: 1.0}, time_to_live=seconds)
        gr.HTML(texts.HEADER)
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=320):
                picture = PictureInput(
                    label="Your picture", sources=SOURCES, height=420, elem_id="picture",
                    placeholder="Drop a picture here, paste it, or click to choose one",
                )  # fmt: skip
                add_examples(settings.find(settings.examples), picture)
            with gr.Column(scale=6, min_width=320):
                result = gr.ImageSlider(
                    label="Before and after: drag the line", interactive=False, elem_id="result", max_height=560,
                    buttons=["fullscreen"],
                )  # fmt: skip
        with gr.Row(elem_id="expressions"):
            buttons = [
                gr.Button(
                    texts.LABELS.get(name, name.capitalize()),
                    variant="primary" if name == first else "secondary",
                    elem_id=f"expression-{name}",
                )
                for name in expressions
            ]
        with gr.Row(equal_height=True):
            intensity = gr.Slider(
                0, MAX_INTENSITY, value=1.0, step=0.05, label="Intensity", elem_id="intensity", scale=3, min_width=280,
                info="0 leaves the picture as it is, 1 is the full expression, more exaggerates.",
            )  # fmt: skip
            with gr.Column(scale=2, min_width=280):
                kind = gr.Radio(list(FORMATS), value="PNG", label="Download at full resolution as", elem_id="kind")
                prepare = gr.Button("Make the file", elem_id="prepare")
                save = gr.DownloadButton("Save the file", visible=False, variant="primary", elem_id="save")
        with gr.Row(equal_height=False):
            with gr.Column(min_width=320):
                with gr.Accordion("Faces", open=False) as face_panel:
                    notice = gr.Markdown(texts.NO_PICTURE, elem_classes="notice", elem_id="face-notice")
                    face_picture = gr.Image(
                        label="Faces in the picture", interactive=False, format="png", buttons=[], elem_id="faces"
                    )
                with gr.Accordion("Blend two or more expressions", open=False):
                    weights = [
                        gr.Slider(0, 1, value=float(name == first), step=0.05, label=texts.LABELS.get(name, name))
                        for name in expressions
                    ]
            with gr.Column(min_width=320), gr.Accordion("Animation", open=False):
                animate = gr.Button("Make a loop: from the picture to the expression and back")
                film = gr.Video(label="Animation", visible=False, loop=True, autoplay=True, interactive=False)
            with gr.Column(min_width=320), gr.Accordion("How it works", open=False):
                gr.Markdown(texts.HOW_IT_WORKS)
                explain = gr.Button("Show it for this face")
                panels = gr.Gallery(
                    label="What the network did", columns=2, format="png", buttons=[], visible=False, interactive=False
                )
        gr.Markdown(texts.CONSENT.format(hours=_hours(settings.keep_hours)), elem_classes="quiet")
        gr.Markdown(texts.links(settings.model, os.environ.get("SPACE_ID", "")), elem_classes="quiet")

        handlers = Handlers(pipeline, settings, picture.GRADIO_CACHE)
        work = {
            "concurrency_id": "edit",
            "concurrency_limit": settings.concurrency,
            "api_visibility": "private",
            "trigger_mode": "always_last",
        }
        everything = [sitting, result, face_picture, notice, face_panel, *buttons]
        rendering = [
            intensity.release(handlers.render, [sitting, blend, intensity], result, show_progress_on=result, **work)
        ]
        for name, button in zip(expressions, buttons, strict=True):
            rendering.append(
                button.click(
                    _chooser(handlers, name), [sitting, intensity], [blend, result, *buttons, *weights],
                    show_progress_on=result, **work,
                )
            )  # fmt: skip
        for weight in weights:
            rendering.append(
                weight.release(
                    handlers.mix, [sitting, intensity, *weights], [blend, result, *buttons],
                    show_progress_on=result, **work,
                )
            )  # fmt: skip
        picture.change(
            handlers.open, [picture, blend, intensity], everything, show_progress_on=result, cancels=rendering, **work
        )
        face_picture.select(
            handlers.click_face, [sitting, blend, intensity], everything, show_progress_on=result, **work
        )
        prepare.click(handlers.download, [sitting, blend, intensity, kind], save, **work).success(
            lambda: gr.update(visible=True), None, save, api_visibility="private"
        )
        gr.on(
            [picture.change, result.change, kind.change],
            lambda: gr.update(visible=False), None, save, api_visibility="private", queue=False, show_progress="hidden",
        )  # fmt: skip
        animate.click(handlers.animate, [sitting, blend, intensity], film, **work).success(
            lambda: gr.update(visible=True), None, film, api_visibility="private"
        )
        explain.click(handlers.explain, [sitting, blend], panels, **work).success(
            lambda: gr.update(visible=True), None, panels, api_visibility="private"
        )
        add_api(PublicAPI(pipeline, handlers, settings), settings)
    page.queue(max_size=settings.queue_size, default_concurrency_limit=settings.concurrency, api_open=False)
    return page


def add_examples(folder: Path, picture: gr.Image) -> None:
    """A tab of pictures for each group that the folder has; nothing where there is no such folder."""
    groups = {group: sorted((folder / group.lower()).glob("*.[jp][pn]g")) for group in GROUPS}
    if not any(groups.values()):
        return
    with gr.Tabs(elem_classes="examples"):
        for group, paths in groups.items():
            if paths:
                with gr.Tab(group):
                    gr.Examples(
                        [[str(path)] for path in paths], [picture], label=f"{group}: click one",
                        api_visibility="private", example_labels=None,
                    )  # fmt: skip


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


def _chooser(handlers: Handlers, name: str):
    return lambda sitting, intensity: handlers.choose(name, sitting, intensity)


def _hours(hours: float) -> str:
    return "an hour" if hours == 1 else f"{hours:g} hours"
