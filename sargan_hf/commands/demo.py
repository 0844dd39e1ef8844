"""`sargan demo`."""

from dataclasses import replace
from typing import Annotated

import typer

from ..demo.ports import check_port
from ..demo.settings import Settings
from ..demo.shared_heap import share_heap


def command(
    model: Annotated[str, typer.Option(help="Folder or Hub id of the model; default SARGAN_MODEL, else ours.")] = "",
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 7860,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Start the app in the browser. docs/space.md lists the settings that come from the environment."""
    check_port(host, port)
    share_heap()
    from ..demo.server import launch, load_page

    settings = Settings.from_environment()
    if model:
        settings = replace(settings, model=model)
    launch(load_page(settings), settings, host, port, inbrowser=browser)
