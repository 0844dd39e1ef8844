"""Folders of the editor for browsers, served, and pages that visit them."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock
from PIL import Image

from sargan_hf.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120_000  # ms: machines may be busy


def once(tmp_path_factory, name: str, write: Callable[[Path], object]) -> Path:
    """A folder that is written once for all processes of a run, with the library in it."""
    pytest.importorskip("onnxscript", reason="pip install -e '.[onnx]'")
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / name
    with FileLock(f"{folder}.lock"):
        if not (folder / "lib" / "index.html").is_file():
            try:
                write(folder)
            except ConfigurationError as error:
                pytest.skip(str(error))
            _add_library(folder)
    return folder


def _add_library(folder: Path) -> None:
    shutil.copytree(ROOT / "web" / "dist-lib", folder / "lib")
    (folder / "lib" / "start.js").write_text("import * as lib from './sargan.js'; window.lib = lib;")
    (folder / "lib" / "index.html").write_text(
        "<!doctype html><title>An empty project</title><script type=module src=start.js></script>"
    )


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    from sargan_hf.web.static_server import static_server

    with static_server(folder, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def opened_page(browser, url: str) -> object:
    """A new visitor's page. One thread: on busy machines more of them only wait for one another."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    opened.goto(f"{url}?threads=1")
    return opened


def library_page(browser, url: str, threads: int = 1) -> object:
    """A page of somebody else that uses the library alone: `window.lib`, and `window.editor` loaded by it."""
    opened = browser.new_context(service_workers="block").new_page()
    opened.set_default_timeout(PATIENCE)
    opened.goto(f"{url}lib/index.html", wait_until="load")
    load = "async (threads) => { window.editor = await window.lib.Sargan.load('../', { threads }); }"
    opened.evaluate(load, threads)
    return opened


def write_film(path: Path, picture: Image.Image) -> None:
    """Three equal frames as a camera of Chromium plays them: Y4M, with halved colour resolution."""
    width, height = picture.size
    light, blue, red = picture.convert("YCbCr").split()
    halved = [plane.resize((width // 2, height // 2)).tobytes() for plane in (blue, red)]
    frame = b"FRAME\n" + light.tobytes() + b"".join(halved)
    path.write_bytes(f"YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420jpeg\n".encode() + 3 * frame)
