"""Starts the page: settings, model, page and guard put together."""

import os
import secrets

import cv2
from starlette.middleware import Middleware

from ..editing.pipeline_sargan import SARGANPipeline
from . import zerogpu
from .front_page import FrontPage
from .gradio_refusals import COMPLAINTS
from .layout import build_page, first_expression
from .mcp_server import AgentServer
from .memory_cleanup import keep_forgetting, keep_statistics_short
from .middleware import LOOPBACK, SecurityMiddleware
from .opening_edit import prepare_opening
from .page import Page
from .ports import check_port
from .settings import Settings
from .theme import FAVICON, STYLE, page_script, theme


def load_page(settings: Settings) -> Page:
    """Loads the model and builds the page around it.

    Raises:
        ModelFormatError, ConfigurationError: the model of the settings cannot be loaded.
    """
    borrows = zerogpu.prepare()
    revision = {"revision": settings.revision} if settings.revision else {}
    pipeline = SARGANPipeline.from_pretrained(settings.model_source(), **revision)
    share_cores(settings.concurrency)
    # Before a GPU is borrowed: there is none yet when a Space starts, and this is made on the processor.
    opening = prepare_opening(pipeline, settings, first_expression(pipeline.generator.expressions))
    if borrows:
        pipeline.generator = zerogpu.BorrowedGPU(pipeline.generator)
        if pipeline.mouth is not None:
            pipeline.mouth = zerogpu.BorrowedGPU(pipeline.mouth)
    keep_statistics_short()
    page = build_page(pipeline, settings, opening)
    page.card = opening.card
    return page


def share_cores(edits: int) -> None:
    """Gives each of the edits that run at the same time its part of the processor's cores.

    Threads that outnumber the cores wait for each other at every layer, which makes all edits many times slower.
    """
    import torch

    threads = max(1, (os.cpu_count() or 1) // edits)
    torch.set_num_threads(min(threads, torch.get_num_threads()))
    cv2.setNumThreads(threads)


def launch(page: Page, settings: Settings, host: str | None = None, port: int | None = None, **options) -> None:
    """Serves the page until it is stopped.

    Args:
        host: address to listen on; default GRADIO_SERVER_NAME, else this machine only, or everywhere on a Space.
        port: default the first free one from GRADIO_SERVER_PORT on, else from 7860.
        options: anything else of `gr.Blocks.launch`.

    Raises:
        ConfigurationError: nothing can listen at that address and port.
    """
    host = host or os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if "SPACE_ID" in os.environ else None)
    check_port(host, port or 0)
    secret = secrets.token_urlsafe(32)
    # gradio would make an MCP server of its own; one that is there already is mounted as it is.
    page.mcp_server_obj, page.mcp_server = AgentServer(page, settings, {LOOPBACK.decode(): secret}), True
    keep_forgetting(page)
    page.launch(
        server_name=host,
        server_port=port,
        theme=theme(),
        css_paths=[STYLE],
        js=page_script(),
        favicon_path=FAVICON,
        max_file_size=settings.max_upload_mb * 1_000_000,
        mcp_server=False,
        run_history=False,
        show_error=False,  # our own sentences are shown all the same; what a bug says stays in the log
        footer_links=["api"],
        app_kwargs={
            "middleware": [
                Middleware(SecurityMiddleware, settings=settings, secret=secret),
                Middleware(FrontPage, picture=page.card),
            ],
            "lifespan": page.mcp_server_obj.lifespan,
            "exception_handlers": COMPLAINTS,
            "docs_url": None,
            "redoc_url": None,
        },
        **options,
    )
