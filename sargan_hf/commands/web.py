"""`sargan web`: the editor that runs in the browser itself, served on this machine."""

import tempfile
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from ..demo.ports import check_port
from ..errors import ConfigurationError
from ..model_source import DEFAULT_MODEL
from .export import write_web


def command(
    model: Annotated[str, typer.Option(help="Folder or Hub id of the model; default ours.")] = "",
    folder: Annotated[Path | None, typer.Option(help="What `sargan export --web` wrote; default: made now.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 7870,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Serve the page that edits faces on the visitor's own device."""
    if model and folder is not None:
        raise ConfigurationError("--folder has its model already: leave --model or --folder out.")
    check_port(host, port)
    with tempfile.TemporaryDirectory() as scratch:
        if folder is None:
            folder = Path(scratch, "web")
            write_web(model or DEFAULT_MODEL, folder)
        _serve(folder, host, port, browser)


def _serve(folder: Path, host: str, port: int, browser: bool) -> None:
    from ..web.static_server import static_server

    with static_server(folder, host, port) as server:
        address = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}/"
        typer.echo(f"The editor is at {address} (Ctrl+C ends it).")
        if browser:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("Ended.")
