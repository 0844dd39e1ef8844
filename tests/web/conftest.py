"""The web folder of the released model, served, in a browser."""

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from sargan_hf.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
MODEL = "weights/sargan-motion-128"
PATIENCE = 120_000  # ms: machines may be busy


@pytest.fixture(scope="session")
def web_folder(tmp_path_factory) -> Path:
    """What `sargan export --web` writes, and beside it the library as npm would publish it, in `lib`."""
    pytest.importorskip("onnxscript", reason="pip install -e '.[onnx]'")
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # one folder for all processes of a run
        base = base.parent
    folder = base / "web-folder"
    with FileLock(f"{folder}.lock"):
        if not (folder / "lib" / "index.html").is_file():
            _make(folder)
    return folder


def _make(folder: Path) -> None:
    from sargan_hf.commands.export import write_web

    try:
        write_web(MODEL, folder)
    except ConfigurationError as error:
        pytest.skip(str(error))
    shutil.copytree(ROOT / "web" / "dist-lib", folder / "lib")
    (folder / "lib" / "start.js").write_text("import * as lib from './sargan.js'; window.lib = lib;")
    (folder / "lib" / "index.html").write_text(
        "<!doctype html><title>An empty project</title><script type=module src=start.js></script>"
    )


@pytest.fixture(scope="session")
def address(web_folder) -> Iterator[str]:
    """Where the folder is served, as `sargan web` serves it."""
    from sargan_hf.web.static_server import static_server

    with static_server(web_folder, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Chromium without a window; closed with the module, as Playwright runs once at a time in a process."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with sync_api.sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"],
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def pipe():
    """The pipeline that the browser is compared with."""
    from sargan_hf import SARGANPipeline

    return SARGANPipeline.from_pretrained(MODEL)


@pytest.fixture
def page(browser, address) -> Iterator[object]:
    """The page, opened for the first time."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    opened.goto(address)
    yield opened
    context.close()


@pytest.fixture(scope="module")
def library(browser, address) -> Iterator[object]:
    """A page of somebody else that uses the library alone: `window.lib`, and `window.editor` loaded by it."""
    context = browser.new_context(service_workers="block")
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    opened.goto(f"{address}lib/index.html", wait_until="load")
    opened.evaluate("async () => { window.editor = await window.lib.Sargan.load('../'); }")
    yield opened
    context.close()
