"""Nothing leaves the device, and the editor needs no network once it was there."""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sargan_hf.errors import ConfigurationError
from sargan_hf.web.static_server import static_server

ROOT = Path(__file__).resolve().parents[2]
PHOTOGRAPH = ROOT / "examples/photos/grace-hopper.jpg"


@pytest.fixture
def visit(browser, web_folder):
    """A server of its own, which can be stopped, and a new visitor."""
    server = static_server(web_folder, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    yield server, context, page, f"http://127.0.0.1:{server.server_address[1]}/"
    context.close()
    server.shutdown()
    server.server_close()


def edit(page) -> str:
    page.locator("#download:enabled").wait_for()
    page.set_input_files("#file", PHOTOGRAPH)
    page.locator("#stage[data-opened='2']").wait_for()  # the first was an example
    return page.locator("#after").evaluate("(canvas) => canvas.toDataURL()")


def test_it_works_without_a_network(visit):
    server, context, page, address = visit
    page.goto(address)
    online = edit(page)
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    server.shutdown()
    server.server_close()
    context.set_offline(True)
    page.reload()
    assert edit(page) == online


@pytest.fixture(scope="module")
def visited(browser, address):
    """A page on which a picture was edited, and all that was asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, asked = context.new_page(), []
    page.set_default_timeout(120_000)
    context.on("request", lambda request: asked.append((request.method, request.url)))
    page.goto(f"{address}?threads=1")
    edit(page)
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    yield page, asked
    context.close()


def test_no_request_leaves(visited, address):
    page, asked = visited
    assert {urlsplit(url).netloc for method, url in asked if not url.startswith(("blob:", "data:"))} == {
        urlsplit(address).netloc
    }
    assert {method for method, _ in asked} == {"GET"}
    loaded = len(asked)
    page.get_by_role("button", name="Angry").click()
    page.locator("#status", has_text="Now angry").wait_for()
    later = [url for _, url in asked[loaded:] if not url.startswith(("blob:", "data:")) and "/examples/" not in url]
    assert later == []


def test_the_policy_stops_what_would_leave(visit):
    _, _, page, address = visit
    response = page.goto(address)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content") == policy
    refused = page.evaluate("fetch('https://example.org/').then(() => 'sent', () => 'refused')")
    assert refused == "refused"


def test_nothing_of_a_picture_is_stored(visited, address, web_folder):
    page, _ = visited
    kept = page.evaluate(
        """async () => {
          const names = await caches.keys();
          const urls = [];
          for (const name of names) for (const { url } of await (await caches.open(name)).keys()) urls.push(url);
          return { urls, local: localStorage.length, databases: (await indexedDB.databases()).length };
        }"""
    )
    assert kept["local"] == kept["databases"] == 0
    files = {path.relative_to(web_folder).as_posix() for path in web_folder.rglob("*") if path.is_file()}
    assert kept["urls"]
    assert {url.removeprefix(address) for url in kept["urls"]} <= files


def test_a_plain_file_server_will_do(browser, web_folder):
    plain = partial(QuietHandler, directory=str(web_folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), plain) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
        assert page.evaluate("crossOriginIsolated") is False
        page.locator("#download:enabled").wait_for()
        page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
        page.reload()  # the service worker now sends what the server does not
        assert page.evaluate("crossOriginIsolated") is True
        edit(page)
        context.close()
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_folder_with_other_things_is_refused(tmp_path, web_folder):
    from sargan_hf.web.web_folder import write_web_folder

    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="holds other things"):
        write_web_folder(None, None, tmp_path, "model")
    with pytest.raises(ConfigurationError, match="is not what `sargan export --web` wrote"):
        static_server(tmp_path, "127.0.0.1", 0)
    copy = tmp_path / "copy"
    shutil.copytree(web_folder, copy)
    with pytest.raises(ConfigurationError, match="is a file"):
        write_web_folder(None, None, copy / "index.html", "model")
