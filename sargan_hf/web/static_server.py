"""Serves a web folder on this machine, with the headers that it asks for."""

import json
import os
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import ConfigurationError
from .web_folder import HEADERS, OURS

KINDS = {
    ".js": "text/javascript",
    ".gz": "application/gzip",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}


def static_server(
    folder: str | Path, host: str, port: int, sent: Callable[[int], None] | None = None
) -> ThreadingHTTPServer:
    """A server that listens already; `serve_forever` starts it.

    Args:
        folder: what `write_web_folder` wrote.
        host: address to listen on.
        port: 0 for any that is free.
        sent: told how many bytes of a file go out, for measurements.

    Raises:
        ConfigurationError: there is no such folder.
    """
    folder = Path(folder)
    if not all((folder / name).is_file() for name in OURS):
        raise ConfigurationError(f"{folder} is not what `sargan export --web` wrote: write it first.")
    headers = json.loads((folder / HEADERS).read_text(encoding="utf-8"))
    return ThreadingHTTPServer((host, port), partial(_Handler, directory=str(folder), headers=headers, sent=sent))


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | KINDS

    def __init__(self, *args: Any, headers: dict[str, str], sent: Callable[[int], None] | None, **kwargs: Any) -> None:
        self.own_headers, self.sent = headers, sent
        super().__init__(*args, **kwargs)

    def end_headers(self) -> None:
        for name, value in self.own_headers.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-cache")  # a new export is seen at once
        super().end_headers()

    def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:
        if self.sent is not None:
            self.sent(os.fstat(source.fileno()).st_size)
        super().copyfile(source, outputfile)

    def list_directory(self, path: str) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: one line for each file would hide the address."""
