"""Serves a web folder on this machine, with the headers that it asks for."""

import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ..errors import ConfigurationError
from .web_folder import HEADERS, OURS

KINDS = {
    ".js": "text/javascript",
    ".gz": "application/gzip",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}


def static_server(folder: str | Path, host: str, port: int) -> ThreadingHTTPServer:
    """A server that listens already; `serve_forever` starts it.

    Args:
        folder: what `write_web_folder` wrote.
        host: address to listen on.
        port: 0 for any that is free.

    Raises:
        ConfigurationError: there is no such folder.
    """
    folder = Path(folder)
    if not all((folder / name).is_file() for name in OURS):
        raise ConfigurationError(f"{folder} is not what `sargan export --web` wrote: write it first.")
    headers = json.loads((folder / HEADERS).read_text(encoding="utf-8"))
    return ThreadingHTTPServer((host, port), partial(_Handler, directory=str(folder), headers=headers))


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | KINDS

    def __init__(self, *args: object, headers: dict[str, str], **kwargs: object) -> None:
        self.sent = headers
        super().__init__(*args, **kwargs)

    def end_headers(self) -> None:
        for name, value in self.sent.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-cache")  # a new export is seen at once
        super().end_headers()

    def list_directory(self, path: str) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: one line for each file would hide the address."""
