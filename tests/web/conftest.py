"""The web folder of the released model, served, in a browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from random_models import layered_model, plain_model
from web_visits import library_page, once, opened_page, serving, write_film

ROOT = Path(__file__).resolve().parents[2]
MODEL = "weights/sargan-motion-128"


@pytest.fixture(scope="session")
def web_folder(tmp_path_factory) -> Path:
    """What `sargan export --web` writes, and beside it the library as npm would publish it, in `lib`."""
    from sargan_hf.commands.export import write_web

    return once(tmp_path_factory, "web-folder", lambda folder: write_web(MODEL, folder))


@pytest.fixture(scope="session")
def address(web_folder) -> Iterator[str]:
    """Where the folder is served, as `sargan web` serves it."""
    with serving(web_folder) as url:
        yield url


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[object]:
    """Chromium without a window; closed with the module, as Playwright runs once at a time in a process.

    Its camera shows a photograph.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    film = tmp_path_factory.mktemp("camera") / "camera.y4m"
    write_film(film, Image.open(ROOT / "examples/photos/eileen-collins.jpg").resize((480, 480)))
    with sync_api.sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def pipe():
    """The pipeline that the browser is compared with."""
    from sargan_hf import SARGANPipeline

    return SARGANPipeline.from_pretrained(MODEL)


@pytest.fixture(scope="session")
def layered_address(tmp_path_factory) -> Iterator[str]:
    """Where a model with an occlusion layer, controls and a mouth refiner is served."""
    from sargan_hf.web.web_folder import write_web_folder

    def write(folder: Path) -> None:
        write_web_folder(layered_model(), plain_model(), folder, "with a layer")

    with serving(once(tmp_path_factory, "layered-folder", write)) as url:
        yield url


@pytest.fixture(scope="session")
def layered_pipe():
    """The pipeline of the same model."""
    from sargan_hf import SARGANPipeline

    return SARGANPipeline(layered_model(), plain_model())


@pytest.fixture
def first_visit(browser, address) -> Iterator[object]:
    """The page, opened for the first time."""
    opened = opened_page(browser, address)
    yield opened
    opened.context.close()


@pytest.fixture(scope="module")
def settled_page(browser, address) -> Iterator[object]:
    """The page of a visitor who opens one picture after another."""
    opened = opened_page(browser, address)
    opened.locator("#download:enabled").wait_for()
    yield opened
    opened.context.close()


@pytest.fixture
def page(settled_page) -> object:
    """The same with no dialogue open: a test that fails must not take others with it."""
    settled_page.evaluate("() => document.querySelector('dialog[open]')?.close()")
    return settled_page


@pytest.fixture(scope="module")
def library(browser, address) -> Iterator[object]:
    """The library with one thread."""
    opened = library_page(browser, address)
    yield opened
    opened.context.close()


@pytest.fixture(scope="module")
def layered_library(browser, layered_address) -> Iterator[object]:
    """The library with the model that has an occlusion layer."""
    opened = library_page(browser, layered_address)
    yield opened
    opened.context.close()
