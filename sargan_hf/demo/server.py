"""Starts the page: settings, model, page and guard put together."""

import os

import cv2
import gradio as gr
from starlette.middleware import Middleware

from ..pipeline_sargan import SARGANPipeline
from . import zerogpu
from .layout import build_page
from .safety import Guard
from .sessions import keep_forgetting, keep_statistics_short
from .settings import Settings
from .theme import NAMES, STYLE, theme


def load_page(settings: Settings) -> gr.Blocks:
    """Loads the model and builds the page around it.

    Raises:
        ModelFormatError, ConfigurationError: the model of the settings cannot be loaded.
    """
    borrows = zerogpu.prepare()
    revision = {"revision": settings.revision} if settings.revision else {}
    pipeline = SARGANPipeline.from_pretrained(settings.model_source(), **revision)
    share_cores(settings.concurrency)
    if borrows:
        pipeline.generator = zerogpu.BorrowedGPU(pipeline.generator)
        if pipeline.mouth is not None:
            pipeline.mouth = zerogpu.BorrowedGPU(pipeline.mouth)
    keep_statistics_short()
    return build_page(pipeline, settings)


def share_cores(edits: int) -> None:
    """Gives each of the edits that run at the same time its part of the processor's cores.

    Threads that outnumber the cores wait for each other at every layer, which makes all edits many times slower.
    """
    import torch

    threads = max(1, (os.cpu_count() or 1) // edits)
    torch.set_num_threads(min(threads, torch.get_num_threads()))
    cv2.setNumThreads(threads)


def launch(page: gr.Blocks, settings: Settings, host: str | None = None, port: int | None = None, **options) -> None:
    """Serves the page until it is stopped.

    Args:
        host: address to listen on; default GRADIO_SERVER_NAME, else this machine only, or everywhere on a Space.
        port: default GRADIO_SERVER_PORT, else 7860.
        options: anything else of `gr.Blocks.launch`.
    """
    everywhere = "0.0.0.0" if "SPACE_ID" in os.environ else None
    keep_forgetting(page)
    page.launch(
        server_name=host or os.environ.get("GRADIO_SERVER_NAME") or everywhere,
        server_port=port,
        theme=theme(),
        css_paths=[STYLE],
        js=NAMES.read_text(),
        max_file_size=settings.max_upload_mb * 1_000_000,
        mcp_server=True,
        run_history=False,
        show_error=False,  # our own sentences are shown all the same; what a bug says stays in the log
        footer_links=["api"],
        app_kwargs={"middleware": [Middleware(Guard, settings=settings)], "docs_url": None, "redoc_url": None},
        **options,
    )
